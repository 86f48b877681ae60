import type { Fault } from './faults.ts'

/** Of a text for people. */
export interface Label {
  readonly ko: string
  readonly en: string
}

export type Language = keyof Label

/** What every provider has a code of its own for. */
export interface Codes {
  readonly declined: string
  /** No to a refund. */
  readonly refundDeclined: string
  /** Neither yes nor no, though its status may look like a no. */
  readonly ambiguous: string
  readonly broken: string
  /** A method under maintenance, and a bank outside its hours. */
  readonly methodAway: string
  readonly bankAway: string
  readonly unauthorized: string
  readonly tooMany: string
}

/** What makes an answer of a provider untrue. */
export interface Untruths {
  readonly status: Readonly<Record<string, unknown>>
  readonly order: Readonly<Record<string, unknown>>
  readonly amount: Readonly<Record<string, unknown>>
}

/** A fault that can be asked for by its name, or by its number in the list of failure modes. */
export interface NamedFault extends Fault {
  readonly number: string
  readonly label: Label
}

/** Longer than anybody waits. */
const foreverMs = 600_000
const page = '<html><body><h1>502 Bad Gateway</h1></body></html>'

/** Every fault by its name, for a provider with these codes. */
export function listFaults(codes: Codes, untruths: Untruths): Record<string, NamedFault> {
  return { ...socketFaults, ...gatewayFaults, ...refusals(codes), ...lies(untruths), ...listLies, ...webhookFaults }
}

/** The faults by name and by number; of those that share a number, it means the first. */
export function nameFaults(faults: Readonly<Record<string, NamedFault>>): Record<string, Fault> {
  const numbered = Object.values(faults)
    .toReversed()
    .map((fault) => [fault.number, fault] as const)
  return { ...Object.fromEntries(numbered), ...faults }
}

/** Which fault the last three digits of an amount ask for, as `openFaults` takes them. */
export const amountFaults: Readonly<Record<string, string>> = {
  101: 'declined',
  102: 'ambiguous-before-commit',
  103: 'ambiguous-after-commit',
  104: 'timeout-before-commit',
  105: 'timeout-after-commit',
  106: 'slow',
  107: 'truncated',
  150: 'broken',
  199: 'reset-after-commit',
}

const socketFaults = {
  'timeout-after-commit': {
    number: 'F1',
    point: 'before-answer',
    kind: 'hold',
    ms: foreverMs,
    label: { ko: '돈을 받은 뒤 응답하지 않습니다', en: 'takes the money and never answers' },
  },
  'timeout-before-commit': {
    number: 'F2',
    point: 'before-commit',
    kind: 'hold',
    ms: foreverMs,
    label: { ko: '돈을 받지 않고 응답도 하지 않습니다', en: 'takes no money and never answers' },
  },
  'reset-after-commit': {
    number: 'F3',
    point: 'before-answer',
    kind: 'reset',
    label: { ko: '돈을 받은 뒤 연결을 끊습니다', en: 'takes the money and resets the connection' },
  },
  'reset-before-commit': {
    number: 'F2',
    point: 'before-commit',
    kind: 'reset',
    label: { ko: '돈을 받지 않고 연결을 끊습니다', en: 'takes no money and resets the connection' },
  },
  dropped: {
    number: 'F2',
    point: 'before-accept',
    kind: 'drop',
    label: { ko: '요청을 읽지 않고 연결을 닫습니다', en: 'closes the connection before reading the request' },
  },
  truncated: {
    number: 'F4',
    point: 'before-answer',
    kind: 'truncate',
    label: { ko: '응답을 반만 보냅니다', en: 'sends half of the answer' },
  },
  slow: {
    number: 'F5',
    point: 'before-accept',
    kind: 'delay',
    ms: 6_000,
    label: { ko: '6초 뒤에 응답합니다', en: 'answers after 6 seconds' },
  },
  drip: {
    number: 'F6',
    point: 'before-answer',
    kind: 'drip',
    ms: 1_000,
    label: { ko: '응답을 1초에 한 바이트씩 보냅니다', en: 'sends a byte of the answer each second' },
  },
  'slow-commit': {
    number: 'F11',
    point: 'before-commit',
    kind: 'delay',
    ms: 3_000,
    label: { ko: '처리하는 데 3초가 걸립니다', en: 'works on it for 3 seconds' },
  },
  'brown-out': {
    number: 'F36',
    point: 'before-accept',
    kind: 'delay',
    ms: 20_000,
    label: { ko: '20초 뒤에 응답합니다', en: 'answers after 20 seconds' },
  },
} as const satisfies Record<string, NamedFault>

const gatewayFaults = {
  garbage: {
    number: 'F4',
    point: 'before-answer',
    kind: 'status',
    status: 200,
    body: page,
    label: { ko: '돈을 받은 뒤 200과 HTML로 응답합니다', en: 'takes the money and answers 200 with HTML' },
  },
  'gateway-after-commit': {
    number: 'F4',
    point: 'before-answer',
    kind: 'status',
    status: 502,
    body: page,
    label: { ko: '돈을 받은 뒤 502와 HTML로 응답합니다', en: 'takes the money and answers 502 with HTML' },
  },
  unavailable: {
    number: 'F7',
    point: 'before-accept',
    kind: 'status',
    status: 503,
    retryAfter: 1,
    label: { ko: '503으로 응답합니다', en: 'answers 503' },
  },
} as const satisfies Record<string, NamedFault>

const refusals = (codes: Codes) =>
  ({
    'too-many': {
      number: 'F10',
      point: 'before-accept',
      kind: 'refuse',
      code: codes.tooMany,
      retryAfter: 1,
      label: { ko: '요청이 너무 많다며 거절합니다', en: 'says that there are too many requests' },
    },
    'ambiguous-after-commit': {
      number: 'F13',
      point: 'before-answer',
      kind: 'refuse',
      code: codes.ambiguous,
      label: { ko: '돈을 받고도 오류로 응답합니다', en: 'takes the money and answers an error' },
    },
    'ambiguous-before-commit': {
      number: 'F13',
      point: 'before-commit',
      kind: 'refuse',
      code: codes.ambiguous,
      label: { ko: '결과를 알 수 없는 오류로 응답합니다', en: 'answers an error that leaves the outcome open' },
    },
    broken: {
      number: 'F14',
      point: 'before-commit',
      kind: 'refuse',
      code: codes.broken,
      label: { ko: '내부 오류(500)로 응답합니다', en: 'answers that it is broken (500)' },
    },
    'broken-after-commit': {
      number: 'F14',
      point: 'before-answer',
      kind: 'refuse',
      code: codes.broken,
      label: { ko: '돈을 받고도 내부 오류(500)로 응답합니다', en: 'takes the money and answers 500' },
    },
    declined: {
      number: 'F34',
      point: 'before-commit',
      kind: 'refuse',
      code: codes.declined,
      label: { ko: '카드사가 거절합니다', en: 'declines the card' },
    },
    'refund-declined': {
      number: 'F34',
      point: 'before-commit',
      kind: 'refuse',
      code: codes.refundDeclined,
      label: { ko: '취소를 거절합니다', en: 'declines to cancel' },
    },
    'bank-away': {
      number: 'F33',
      point: 'before-commit',
      kind: 'refuse',
      code: codes.bankAway,
      label: { ko: '은행 점검 시간이라며 거절합니다', en: 'says that the bank is closed' },
    },
    'method-away': {
      number: 'F34',
      point: 'before-commit',
      kind: 'refuse',
      code: codes.methodAway,
      label: { ko: '결제수단이 점검 중이라며 거절합니다', en: 'says that the method is under maintenance' },
    },
    unauthorized: {
      number: 'F41',
      point: 'before-accept',
      kind: 'refuse',
      code: codes.unauthorized,
      label: { ko: '시크릿 키를 인정하지 않습니다', en: 'does not know the secret key' },
    },
  }) as const satisfies Record<string, NamedFault>

const lies = (untruths: Untruths) =>
  ({
    'fast-clock': {
      number: 'F38',
      point: 'before-answer',
      kind: 'skew',
      ms: 90_000,
      label: { ko: '서버 시계가 90초 빠릅니다', en: 'has a clock that is 90 seconds ahead' },
    },
    drift: {
      number: 'F39',
      point: 'before-answer',
      kind: 'drift',
      label: { ko: '응답의 형식이 조금 다릅니다', en: 'answers in a form that has changed' },
    },
    'wrong-status': {
      number: 'F42',
      point: 'before-answer',
      kind: 'alter',
      with: untruths.status,
      label: { ko: '200이지만 다른 상태로 응답합니다', en: 'answers 200 with another status' },
    },
    'wrong-order': {
      number: 'F42',
      point: 'before-answer',
      kind: 'alter',
      with: untruths.order,
      label: { ko: '다른 주문의 결제로 응답합니다', en: 'answers the payment of another order' },
    },
    'wrong-amount': {
      number: 'F42',
      point: 'before-answer',
      kind: 'alter',
      with: untruths.amount,
      label: { ko: '다른 금액으로 응답합니다', en: 'answers another amount' },
    },
  }) as const satisfies Record<string, NamedFault>

const listLie = (how: NonNullable<Fault['how']>, label: Label) =>
  ({ number: 'F37', point: 'before-answer', kind: 'rows', how, label }) as const

const listLies = {
  'row-missing': listLie('missing', { ko: '목록에서 한 건을 빠뜨립니다', en: 'leaves a row out of a list' }),
  'row-extra': listLie('extra', { ko: '목록에 없던 취소를 넣습니다', en: 'lists a cancellation that never was' }),
  'fee-off': listLie('fee', { ko: '수수료가 1원 다릅니다', en: 'lists a fee that is off by one won' }),
  'rows-late': listLie('late', { ko: '마지막 날의 거래가 목록에 없습니다', en: 'lists the last day a day late' }),
}

const webhookFaults = {
  'webhook-repeated': {
    number: 'F17',
    point: 'webhook',
    kind: 'repeat',
    count: 3,
    label: { ko: '웹훅을 세 번 보냅니다', en: 'sends a webhook three times' },
  },
  'webhook-swapped': {
    number: 'F18',
    point: 'webhook',
    kind: 'swap',
    label: { ko: '다음 웹훅보다 늦게 보냅니다', en: 'sends a webhook after the next one' },
  },
  'webhook-first': {
    number: 'F19',
    point: 'before-answer',
    kind: 'webhook-first',
    label: { ko: '응답보다 웹훅을 먼저 보냅니다', en: 'sends the webhook before the answer' },
  },
  'webhook-lost': {
    number: 'F20',
    point: 'webhook',
    kind: 'lose',
    label: { ko: '웹훅을 보내지 않습니다', en: 'never sends a webhook' },
  },
  'webhook-late': {
    number: 'F21',
    point: 'webhook',
    kind: 'delay',
    ms: 600_000,
    label: { ko: '웹훅을 10분 늦게 보냅니다', en: 'sends a webhook 10 minutes late' },
  },
  'webhook-forged': {
    number: 'F22',
    point: 'webhook',
    kind: 'forge',
    label: { ko: '위조된 웹훅이 옵니다', en: 'a forged webhook comes' },
  },
  'webhook-stale': {
    number: 'F23',
    point: 'webhook',
    kind: 'skew',
    ms: -600_000,
    label: { ko: '웹훅의 시각이 10분 전입니다', en: 'a webhook says that it is 10 minutes old' },
  },
} as const satisfies Record<string, NamedFault>
