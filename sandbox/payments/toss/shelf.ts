import { randomBytes } from 'node:crypto'
import type { Movement } from '../books.ts'
import { toKoreanTime } from '../clock.ts'
import { type Floor, Refused } from '../floor.ts'
import { messageOf } from './errors.ts'
import type { Means, Payment } from './payment.ts'
import type { Transactions } from './transactions.ts'

/** A payment, and what the wire does not say of it. */
export interface Row {
  readonly payment: Payment
  readonly startedMs: number
  readonly authenticatedMs: number | null
  readonly dueMs: number | null
  readonly means: Means | null
  readonly successUrl: string | null
  readonly failUrl: string | null
}

/** The payments that there are, and what is told and written down of them. */
export interface Shelf {
  find(paymentKey: string): Row | undefined
  /** Throws a Refused where there is none. */
  get(paymentKey: string): Row
  /** All of an order, in the order in which they began. */
  listOf(orderId: string): Row[]
  list(): Row[]
  keep(row: Row): Row
  change(row: Row, changes: Partial<Payment>): Payment
  /** Writes a movement of money down. */
  enter(payment: Payment, by: { movement: Movement; amount: number }): void
  /** Tells the shop by webhook. */
  tell(payment: Payment): void
  at(dueMs: number, run: () => void): void
  nowMs(): number
  /** Now, as the wire has it. */
  now(): string
}

/** How long the window is open, and how long what was agreed in it can be confirmed. */
const windowMs = 30 * 60_000
const confirmMs = 10 * 60_000

/** A shelf that goes on from what is stored. */
export function openShelf(floor: Floor, transactions: Transactions): Shelf {
  const { clock, books } = floor
  const rows = floor.store.table<Row>('payments')
  const orders = new Map<string, string[]>()
  const expiries = new Map<string, () => void>()
  const index = ({ payment: { orderId, paymentKey } }: Row) =>
    orders.set(orderId, [...(orders.get(orderId) ?? []), paymentKey])
  const keep = (row: Row): Row => {
    const { paymentKey } = row.payment
    if (!rows.get(paymentKey)) index(row)
    rows.set(paymentKey, row)
    arrange(row)
    return row
  }
  const arrange = (row: Row) => {
    const { paymentKey } = row.payment
    expiries.get(paymentKey)?.()
    expiries.delete(paymentKey)
    const endMs = endOf(row)
    if (endMs === null) return
    const callOff = clock.at(endMs, () => expire(paymentKey))
    expiries.set(paymentKey, callOff)
  }
  const change = (row: Row, changes: Partial<Payment>): Payment =>
    keep({ ...row, payment: { ...row.payment, ...changes } }).payment
  const tell = (payment: Payment) => notify(floor, payment)
  const expire = (paymentKey: string) => {
    const failure = { code: 'EXPIRED_PAYMENT', message: messageOf('EXPIRED_PAYMENT', 'ko') }
    tell(change(rows.get(paymentKey)!, { status: 'EXPIRED', failure }))
  }
  // Whoever moves the time from outside wakes nobody.
  const find = (paymentKey: string): Row | undefined => {
    const row = rows.get(paymentKey)
    const endMs = row && endOf(row)
    if (endMs && endMs <= clock.nowMs()) expire(paymentKey)
    const virtualAccount = row?.payment.virtualAccount
    const isLate = row?.payment.status === 'WAITING_FOR_DEPOSIT' && clock.nowMs() > row.dueMs!
    if (virtualAccount && isLate) change(row, { virtualAccount: { ...virtualAccount, expired: true } })
    return rows.get(paymentKey)
  }
  for (const row of rows.values()) {
    index(row)
    arrange(row)
  }
  return {
    find,
    get(paymentKey) {
      const row = find(paymentKey)
      if (!row) throw new Refused('NOT_FOUND_PAYMENT')
      return row
    },
    listOf: (orderId) => (orders.get(orderId) ?? []).map((paymentKey) => find(paymentKey)!),
    list: () => rows.values(),
    keep,
    change,
    enter(payment, { movement, amount }) {
      const { orderId, paymentKey, lastTransactionKey } = payment
      books.record({ movement, orderId, paymentKey, transactionKey: lastTransactionKey!, amount })
      if (movement === 'charge' || movement === 'refund') transactions.add(payment, { movement, amount })
    },
    tell,
    at: (dueMs, run) => void clock.at(dueMs, run),
    nowMs: clock.nowMs,
    now: () => toKoreanTime(clock.nowMs()),
  }
}

/** Letters and digits that nobody can guess. */
export function newKey(bytes: number): string {
  return randomBytes(bytes).toString('hex').toUpperCase()
}

/** When a payment runs out that nobody goes on with; null where it does not. */
function endOf({ payment, startedMs, authenticatedMs }: Row): number | null {
  if (payment.status === 'READY') return startedMs + windowMs
  // One that was brought at the very end of its time is still taken.
  return payment.status === 'IN_PROGRESS' ? authenticatedMs! + confirmMs + 1 : null
}

const told: readonly string[] = ['DONE', 'ABORTED', 'EXPIRED', 'CANCELED', 'PARTIAL_CANCELED']
const toldOfDeposits: readonly string[] = ['WAITING_FOR_DEPOSIT', 'DONE', 'CANCELED', 'PARTIAL_CANCELED']

/** Tells that a payment has changed; of a virtual account most changes are told twice. */
function notify({ webhooks, clock }: Floor, payment: Payment): void {
  const { orderId, paymentKey, status, secret, lastTransactionKey: transactionKey } = payment
  // Six digits and no zone, as the provider writes it here only.
  const createdAt = `${toKoreanTime(clock.nowMs()).slice(0, 19)}.000000`
  if (told.includes(status)) {
    webhooks.send({ orderId, paymentKey, body: { eventType: 'PAYMENT_STATUS_CHANGED', createdAt, data: payment } })
  }
  if (payment.virtualAccount && toldOfDeposits.includes(status)) {
    webhooks.send({ orderId, paymentKey, body: { createdAt, secret, status, transactionKey, orderId } })
  }
}
