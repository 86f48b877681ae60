import { createHmac } from 'node:crypto'
import { listFaults } from '../catalogue.ts'
import { toKoreanTime } from '../clock.ts'
import type { Fault } from '../faults.ts'
import { type Floor, type FloorOptions, openStandIn, type Provider, type StandIn } from '../floor.ts'
import type { Sending } from '../webhooks.ts'
import { listOperations } from './api.ts'
import { type Merchant, openDoor } from './door.ts'
import { refuse } from './errors.ts'
import { openShelf } from './shelf.ts'
import { openTill, type Till } from './till.ts'
import { openTransactions } from './transactions.ts'
import { addWindow, sectionsOf } from './window.ts'

/** What the stand-in of Toss Payments may be told when it is opened. */
export interface TossOptions extends FloorOptions {
  /** Whom it knows; without it, whoever uses the keys of the published samples. */
  readonly merchant?: Merchant
  /** Whether another body under the same idempotency key is refused; by default the first answer comes again. */
  readonly rejectsOtherBody?: boolean
}

/** The stand-in of Toss Payments. */
export interface Toss extends StandIn {
  readonly merchant: Merchant
  readonly till: Till
}

/** The keys of the provider's own documents. */
export const sampleMerchant: Merchant = {
  mId: 'tosspayments',
  clientKey: 'test_ck_D5GePWvyJnrK0W0k6q8gLzN97Eoq',
  secretKey: 'test_sk_zXLkKEypNArWmo50nX3lmeaxYG5R',
}

const minuteMs = 60_000

/** Its webhooks: seven further attempts, each four times as long after the last as the one before. */
const sending: Sending = {
  waitsMs: [1, 4, 16, 64, 256, 1_024, 4_096].map((minutes) => minutes * minuteMs),
  timeoutMs: 10_000,
  isTaken: (status) => status === 200,
  headersOf: ({ id, nowMs, retried }) => ({
    'tosspayments-webhook-transmission-time': toKoreanTime(nowMs),
    'tosspayments-webhook-transmission-retried-count': String(retried),
    'tosspayments-webhook-transmission-id': `whtrans_${id}`,
  }),
  forge(body) {
    const { data, ...told } = JSON.parse(body)
    if (!data) return JSON.stringify({ ...told, secret: 'ps_of_somebody_else', status: 'DONE' })
    const totalAmount = data.totalAmount * 10
    return JSON.stringify({ ...told, data: { ...data, totalAmount, secret: 'ps_of_somebody_else', status: 'DONE' } })
  },
}

/** The signature of payouts' and sellers' webhooks; those of payments have none. */
export function signPayout({ key, body, time }: { key: string; body: string; time: string }): string {
  return `v1:${createHmac('sha256', key).update(`${body}:${time}`).digest('base64')}`
}

const codes = {
  declined: 'REJECT_CARD_PAYMENT',
  refundDeclined: 'NOT_CANCELABLE_PAYMENT',
  ambiguous: 'PROVIDER_ERROR',
  broken: 'FAILED_INTERNAL_SYSTEM_PROCESSING',
  methodAway: 'MAINTAINED_METHOD',
  bankAway: 'NOT_AVAILABLE_BANK',
  unauthorized: 'UNAUTHORIZED_KEY',
  tooMany: 'TOO_MANY_REQUESTS',
}

const untruths = {
  status: { status: 'ABORTED' },
  order: { orderId: 'order-of-somebody-else' },
  amount: { totalAmount: 1, balanceAmount: 1 },
}

/** Opens a stand-in; `listen` gives it a port, `standInRoutes` a place inside another server. */
export async function openToss(options: TossOptions = {}): Promise<Toss> {
  const { merchant = sampleMerchant, rejectsOtherBody = false } = options
  let opened: Till | undefined
  const faultNames = Object.entries(listFaults(codes, untruths))
    .filter(([, { point, kind }]) => point !== 'webhook' && kind !== 'rows')
    .map(([name, { label }]) => [name, label] as const)
  const provider: Provider = {
    name: 'toss',
    title: { ko: '토스페이먼츠', en: 'Toss Payments' },
    codes,
    untruths,
    sending,
    parse: parseJson,
    refuse,
    unknownCode: 'NOT_FOUND_HTTP_METHOD',
    operations(floor: Floor) {
      const transactions = openTransactions(floor)
      opened = openTill(openShelf(floor, transactions), merchant)
      const guard = openDoor(floor, { merchant, rejectsOtherBody })
      return listOperations({ till: opened, transactions, nowMs: floor.clock.nowMs, guard })
    },
    addPages: (app, floor) => addWindow(app, { ...floor, till: opened!, merchant, faultNames }),
    sections: (floor, language) => sectionsOf({ ...floor, till: opened! }, language),
    mismatch,
  }
  return { ...(await openStandIn(provider, options)), merchant, till: opened! }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A list that differs from the truth; the last day is that of its last row. */
function mismatch(body: unknown, how: NonNullable<Fault['how']>): unknown {
  const rows = body as Record<string, unknown>[]
  const last = rows.at(-1)
  if (!last) return rows
  const dayOf = (row: Record<string, unknown>) => String(row.soldDate ?? row.transactionAt).slice(0, 10)
  if (how === 'missing') return rows.slice(0, -1)
  if (how === 'late') return rows.filter((row) => dayOf(row) !== dayOf(last))
  if (how === 'extra') return [...rows, { ...last, transactionKey: `${last.transactionKey}X`, status: 'CANCELED' }]
  const [fee] = (last.fees ?? []) as { type: string; fee: number }[]
  if (!fee) return rows
  return [...rows.slice(0, -1), { ...last, fees: [{ ...fee, fee: fee.fee + 1 }] }]
}
