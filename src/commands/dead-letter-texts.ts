import type { Text } from '#platform/problem'

const number = (value: number) => value.toLocaleString('en')

/** What `podo dead-letters` says. */
export const deadLetterTexts = {
  columns: {
    id: { ko: 'ID', en: 'ID' },
    failedAt: { ko: '실패 시각', en: 'FAILED AT' },
    subscription: { ko: '구독자', en: 'SUBSCRIPTION' },
    type: { ko: '이벤트', en: 'EVENT' },
    subject: { ko: '대상', en: 'SUBJECT' },
    attempts: { ko: '시도', en: 'ATTEMPTS' },
    error: { ko: '오류', en: 'ERROR' },
  },
  none: { ko: '해당하는 데드 레터가 없습니다.', en: 'There are no such dead letters.' },
  shown: (count: number, hasMore: boolean): Text => ({
    ko:
      `${number(count)}건${hasMore ? '을 보였고, 더 있습니다(--limit)' : ''}. ` +
      '"podo dead-letters show <ID>"로 자세히 보고, 원인을 없앤 다음 "podo dead-letters redrive"로 다시 보내십시오.',
    en:
      `${number(count)} shown${hasMore ? ', and there are more (--limit)' : ''}. ` +
      'See one with "podo dead-letters show <ID>", mend its cause, and send it again with "podo dead-letters redrive".',
  }),
  redriven: (count: number): Text => ({
    ko: `${number(count)}건을 다시 보냈습니다. 워커가 처리하며, 다시 실패하면 데드 레터로 돌아옵니다.`,
    en: `${number(count)} sent again. A worker takes them in; what fails again comes back to the dead letters.`,
  }),
  wrongLimit: { ko: '--limit는 1부터 1000까지의 정수여야 합니다.', en: '--limit must be an integer from 1 to 1000.' },
  nothingSaid: {
    ko: '어느 것을 다시 보낼지 --ids, --subscription, --type, --subject, --from, --to로 지정하거나, 모두 보내려면 --all을 붙이십시오.',
    en: 'Say which with --ids, --subscription, --type, --subject, --from or --to; or add --all for every one.',
  },
} as const

/** What `podo dead-letters --help` says. */
export const deadLetterHelp = {
  deadLetters: {
    ko: '구독자가 끝내 처리하지 못한 이벤트를 보고 다시 보냅니다.',
    en: 'Look at events that a subscriber failed at, and send them again.',
  },
  list: {
    ko: '데드 레터를 최근 것부터 보입니다. Podo가 실행 중이든 아니든 됩니다.',
    en: 'List dead letters, newest first, while Podo runs or not.',
  },
  show: {
    ko: '데드 레터 하나를 보입니다. 이벤트 전체와 마지막 시도의 오류가 나옵니다.',
    en: 'Show a dead letter: the whole event, and what the last attempt failed of.',
  },
  redrive: {
    ko: '데드 레터를 다시 보냅니다. 처음처럼 여러 번 시도하며, 두 번 보내도 한 번만 처리됩니다.',
    en: 'Send dead letters again. They are tried as often as any event, and sent twice they have one effect.',
  },
  id: { ko: '데드 레터의 ID, dlt_…', en: 'The dead letter, dlt_…' },
  ids: { ko: '데드 레터의 ID, 쉼표로 구분', en: 'Dead letters, dlt_…, separated by commas' },
  subscription: { ko: '이 구독자의 것', en: 'Those of this subscriber' },
  type: { ko: '이 유형의 이벤트, 예: points.spent', en: 'Events of this type, such as points.spent' },
  subject: { ko: '이 ID에 일어난 이벤트, 예: wlt_…', en: 'Events of what has this id, such as wlt_…' },
  from: { ko: '이때부터 실패한 것. 날짜나 RFC 3339 시각', en: 'Failed from here on: a day, or an RFC 3339 instant' },
  to: { ko: '이때까지 실패한 것', en: 'Failed up to here' },
  limit: { ko: '보일 건수, 1000까지', en: 'How many to show, 1,000 at most' },
  all: { ko: '나머지 조건에 맞는 것을 모두 보냅니다', en: 'Each that fits the rest' },
  json: { ko: 'API와 같은 JSON으로 출력합니다', en: 'Print the JSON of the API' },
} as const
