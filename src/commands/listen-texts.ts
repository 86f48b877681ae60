import type { Text } from '#platform/problem'

/** What `podo listen` says of itself. */
export const listenHelp = {
  listen: {
    ko:
      '웹훅으로 올 이벤트를 개발하는 동안 터미널에 보여 줍니다. 같은 컴퓨터에서 실행 중인 Podo에 엔드포인트를 만들고, 끝낼 때 ' +
      '지웁니다. 운영자 키나 PODO_API_KEY의 키로 호출합니다.',
    en:
      'Show what comes by webhook while you develop. Makes an endpoint at a Podo that runs on the same machine, and ' +
      'deletes it at the end. Calls with the operator’s key, or with the one in PODO_API_KEY.',
  },
  company: {
    ko: '누구의 이벤트인지. 회사가 하나뿐이면 적지 않아도 됩니다',
    en: 'Whose events; may be left out where there is one company only',
  },
  types: { ko: '쉼표로 구분한 이벤트 유형', en: 'Types of events, separated by commas' },
  forward: {
    ko: '받은 것을 그대로 전달할 개발 중인 서버의 주소. 그 서버의 응답이 곧 응답이 됩니다',
    en: 'Where to pass on what came, to the byte; what is answered there is the answer',
  },
  url: {
    ko: 'Podo의 주소. 기본값은 PODO_URL이나 HOST와 PORT의 주소입니다',
    en: 'Address of the Podo; by default PODO_URL, or that of HOST and PORT',
  },
} satisfies Record<string, Text>

/** What it says while it runs. */
export const listenTexts = {
  listening: (it: { types: string; company: string; url: string }): Text => ({
    ko: `${it.url}의 ${it.company}에서 생기는 이벤트(${it.types})를 기다립니다. Ctrl-C로 끝냅니다.`,
    en: `Listening to ${it.types} of ${it.company} at ${it.url}. End with Ctrl-C.`,
  }),
  ended: (count: number): Text => ({
    ko: `${count}건을 받았고, 엔드포인트를 지웠습니다.`,
    en: `${count} came. The endpoint is deleted.`,
  }),
  attempt: (number: number): Text => ({ ko: `${number}번째 시도`, en: `attempt ${number}` }),
  unsigned: {
    ko: '서명이 맞지 않는 요청을 거절했습니다.',
    en: 'A request without a right signature was refused.',
  },
  notForwarded: (reason: string): Text => ({
    ko: `전달하지 못함: ${reason}`,
    en: `not passed on: ${reason}`,
  }),
  noUrl: (name: string): Text => ({
    ko: `${name}에는 http://127.0.0.1:3000/hooks 형식의 주소를 지정하십시오.`,
    en: `${name} must be an address like http://127.0.0.1:3000/hooks.`,
  }),
  away: (url: string): Text => ({
    ko: `Podo(${url})가 응답하지 않습니다. 실행 중인지 확인하고, 다른 곳이면 --url로 지정하십시오.`,
    en: `No Podo answers at ${url}. See that it is running, or name another by --url.`,
  }),
  noKey: (path: string): Text => ({
    ko: `키가 없습니다. PODO_API_KEY나 PODO_OPERATOR_KEY를 지정하거나, 키 파일(${path})이 있는 데이터 폴더를 PODO_DATA_DIR로 지정하십시오.`,
    en: `There is no key. Set PODO_API_KEY or PODO_OPERATOR_KEY, or PODO_DATA_DIR to the data folder with ${path}.`,
  }),
  wrongKey: {
    ko: '키가 맞지 않습니다. PODO_API_KEY, PODO_OPERATOR_KEY, PODO_DATA_DIR을 그 Podo의 것으로 지정하십시오.',
    en: 'The key does not fit. Set PODO_API_KEY, PODO_OPERATOR_KEY or PODO_DATA_DIR to those of that Podo.',
  },
  noCompany: {
    ko: '아직 회사가 없습니다. "npm run demo"나 POST /v1/companies로 만드십시오.',
    en: 'There is no company yet. Make one by "npm run demo" or POST /v1/companies.',
  },
  whichCompany: (companies: string): Text => ({
    ko: `회사가 여럿입니다. --company로 하나를 고르십시오.\n${companies}`,
    en: `There are several companies. Choose one by --company.\n${companies}`,
  }),
  companyNeeded: {
    ko: '이 키로는 회사의 목록을 볼 수 없습니다. --company로 회사의 ID를 지정하십시오.',
    en: 'This key sees no list of companies. Give the id of one by --company.',
  },
  refused: ({ title, detail, errors = [] }: Refusal): Text => {
    const text = [title, detail, ...errors.map((error) => `${error.pointer}: ${error.detail}`)].join('\n')
    return { ko: text, en: text }
  },
}

/** A problem as the API answers it, in the language that was asked for. */
export interface Refusal {
  readonly title: string
  readonly detail: string
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}
