import type { Language } from '#platform/problem'
import type { Environment } from '../../bench/environment.ts'
import { type Result, shown } from '../../bench/report.ts'

/** Which side of each bench is shown, and what it says to somebody who has not read it. */
const rows: Readonly<Record<string, Readonly<Record<Language | 'side', string>>>> = {
  'ledger-hot': {
    side: 'lane, 256 callers',
    en: 'Spends on **one** wallet, against one transaction per spend with `for update`',
    ko: '**한** 지갑에 몰리는 사용: 건마다 `for update` 트랜잭션을 여는 방식 대비',
  },
  'ledger-spread': {
    side: 'lane, 256 callers',
    en: 'The same over 10,000 wallets',
    ko: '같은 비교, 지갑 10,000개',
  },
  'ledger-floor': {
    side: 'batches of the ledger',
    en: 'Batches of the ledger, against bare inserts of the very same rows',
    ko: '원장의 묶음 처리: 똑같은 행을 그냥 넣기만 하는 것 대비',
  },
  'ledger-processes': {
    side: 'two processes',
    en: 'Two processes on one wallet, against one process',
    ko: '한 지갑을 처리하는 프로세스 둘: 하나 대비',
  },
  'ledger-processes-spread': {
    side: 'four over the same wallets',
    en: 'Four processes over the same 10,000 wallets, against wallets of their own',
    ko: '같은 지갑 10,000개를 나눠 쓰는 프로세스 넷: 각자의 지갑일 때 대비',
  },
  'ledger-lots': {
    side: '10,000 open lots',
    en: 'Spends from a wallet of 10,000 open lots, against one of five',
    ko: '로트 10,000개짜리 지갑에서의 사용: 로트 다섯 개짜리 대비',
  },
  'ledger-growth': {
    side: 'grown',
    en: 'Spends with millions of transfers present, against none',
    ko: '거래 수백만 건이 쌓인 뒤의 사용: 빈 원장 대비',
  },
  'http-hot': {
    side: 'spends, 256 connections',
    en: 'Durable spends on one wallet over HTTP, against a route that does nothing',
    ko: 'HTTP로 한 지갑에서 사용(커밋까지): 아무것도 하지 않는 경로 대비',
  },
  'http-spread': {
    side: 'spends',
    en: 'The same over 10,000 wallets',
    ko: '같은 비교, 지갑 10,000개',
  },
  batch: {
    side: 'batches of 500, one connection',
    en: 'Batches of 500 over HTTP on one connection, against single calls in the process',
    ko: 'HTTP 연결 하나로 보내는 500건 묶음: 프로세스 안의 단건 호출 대비',
  },
  'wallet-read': {
    side: 'grown',
    en: 'Balances read with millions of transfers while spends run, against none',
    ko: '거래 수백만 건과 동시 사용 중의 잔액 조회: 빈 원장 대비',
  },
  'member-search': {
    side: 'two characters',
    en: 'Searches for any two characters among 500,000 members, against a plain `like`',
    ko: '회원 50만 명에서 아무 두 글자로 검색: 단순한 `like` 대비',
  },
}

const texts = {
  en: {
    heading: 'How fast',
    columns: ['', 'a second', 'p99', 'ratio', 'asked for'],
    intro: (command: string) => `Full durability, measured by \`${command}\` and stored in \`bench/baseline.json\`:`,
    measured: (text: string) => text,
  },
  ko: {
    heading: '얼마나 빠른가',
    columns: ['', '초당', 'p99', '비율', '기준'],
    intro: (command: string) =>
      `내구성 설정을 낮추지 않고 \`${command}\`로 잰 값이며 \`bench/baseline.json\`에 들어 있습니다.`,
    measured: (text: string) =>
      text
        .replace(/(\S+) s a side/, '한쪽에 $1초씩')
        .replace(/, median of (\d+) alternated rounds/, ' 번갈아 $1회 잰 중앙값'),
  },
}

/** The section of a README about speed, from the results of benches; empty while nothing has been measured. */
export function renderBenchTable(results: readonly Result[], language: Language): string {
  const measured = Object.keys(rows).flatMap((name) => results.find((result) => result.name === name) ?? [])
  if (measured.length === 0) return ''
  const { heading, columns, intro } = texts[language]
  return [
    `## ${heading}`,
    '',
    intro('npm run bench'),
    '',
    toRow(columns),
    '| --- | ---: | ---: | ---: | ---: |',
    ...measured.map((result) => toRow(cellsOf(result, language))),
    '',
    ...environmentsOf(measured, language).map((place) => `<sub>${place}</sub>`),
    '',
  ].join('\n')
}

function cellsOf({ name, figures, ratio, must }: Result, language: Language): string[] {
  const { side, [language]: question } = rows[name]!
  const find = (wanted: string) => figures.find((figure) => figure.name === wanted)
  const rate = find(side)
  if (!rate) throw new Error(`bench/baseline.json: ${name} has no figure "${side}"`)
  const p99 = find(`${side}: p99`)
  return [question, shown(rate.value), p99 ? `${shown(p99.value)} ms` : '–', `**${shown(ratio)} ×**`, `${must} ×`]
}

/** Each machine and setting once; most often there is one. */
function environmentsOf(results: readonly Result[], language: Language): string[] {
  const describe = ({ processor, memory, node, postgresql, durability, measured = '' }: Environment) => {
    const settings = durability?.split(' ').slice(0, 3).join(' ')
    const how = texts[language].measured(measured)
    return `${processor}, ${memory}, Node ${node}, PostgreSQL ${postgresql}, ${settings}; ${how}.`
  }
  return [...new Set(results.map(({ environment }) => describe(environment)))]
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
