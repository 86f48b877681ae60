import { koreaAheadMs, toKoreanTime } from '../clock.ts'
import { type Floor, Refused } from '../floor.ts'
import type { Payment } from './payment.ts'

/** A charge or a cancellation. */
interface Row {
  readonly atMs: number
  readonly movement: 'charge' | 'refund'
  readonly amount: number
  /** As it was then. */
  readonly payment: Payment
}

/** Which rows of a list are asked for. */
export interface ListAsked {
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
}

/** Every charge and every cancellation in the order of time, and what is paid out for them. */
export interface Transactions {
  add(payment: Payment, by: { movement: 'charge' | 'refund'; amount: number }): void
  /** Those after the one that is named. */
  list(asked: ListAsked & { startingAfter: string | null }): object[]
  /** What is listed the day after it happened; pages count from one. */
  listSettlements(asked: ListAsked & { page: number; dateType: 'soldDate' | 'paidOutDate' }): object[]
}

const dayMs = 86_400_000
const paidOutAfterMs = 2 * dayMs
const feeRate = 0.029

/** Lists that go on from what is stored. */
export function openTransactions({ store, clock }: Pick<Floor, 'store' | 'clock'>): Transactions {
  const kept = store.table<Row>('transactions')
  const rows = kept.values()
  const places = new Map(rows.map(({ payment }, index) => [payment.lastTransactionKey, index]))
  /** The first row that is not before an instant: rows are in the order of time. */
  const findPlace = (ms: number) => {
    let [low, high] = [0, rows.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (rows[middle]!.atMs < ms) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    add(payment, { movement, amount }) {
      const row = { atMs: clock.nowMs(), movement, amount, payment }
      places.set(payment.lastTransactionKey, rows.length)
      rows.push(row)
      kept.set(payment.lastTransactionKey!, row)
    },
    list({ fromMs, toMs, limit, startingAfter }) {
      const after = startingAfter === null ? -1 : places.get(startingAfter)
      if (after === undefined) throw new Refused('INVALID_PAGING_KEY')
      const from = Math.max(findPlace(fromMs), after + 1)
      return rows.slice(from, Math.min(findPlace(toMs + 1), from + limit)).map(toTransaction)
    },
    listSettlements({ fromMs, toMs, page, limit, dateType }) {
      const lateMs = dateType === 'soldDate' ? 0 : paidOutAfterMs
      const end = Math.min(toMs + dayMs, startOfDay(clock.nowMs()) + lateMs)
      const from = findPlace(fromMs - lateMs) + (page - 1) * limit
      return rows.slice(from, Math.min(findPlace(end - lateMs), from + limit)).map(toSettlement)
    },
  }
}

function toTransaction({ atMs, payment, amount, movement }: Row) {
  const { mId, lastTransactionKey, paymentKey, orderId, method, useEscrow, receipt, status, currency } = payment
  return {
    mId,
    transactionKey: lastTransactionKey,
    paymentKey,
    orderId,
    method,
    customerKey: null,
    useEscrow,
    receiptUrl: receipt?.url ?? null,
    status: movement === 'charge' ? 'DONE' : status,
    transactionAt: toKoreanTime(atMs),
    currency,
    amount,
  }
}

function toSettlement({ atMs, payment, amount, movement }: Row) {
  const sign = movement === 'charge' ? 1 : -1
  const fee = sign * Math.round(amount * feeRate)
  const vat = sign * Math.round((amount * feeRate) / 10)
  const { mId, paymentKey, lastTransactionKey, orderId, currency, method, approvedAt } = payment
  const { card, easyPay, giftCertificate, mobilePhone, transfer, virtualAccount, cancels } = payment
  return {
    mId,
    paymentKey,
    transactionKey: lastTransactionKey,
    orderId,
    currency,
    method,
    amount: sign * amount,
    interestFee: 0,
    fees: [{ type: 'BASE', fee }],
    supplyAmount: fee,
    vat,
    payOutAmount: sign * amount - fee - vat,
    approvedAt,
    soldDate: toKoreanTime(atMs).slice(0, 10),
    paidOutDate: toKoreanTime(atMs + paidOutAfterMs).slice(0, 10),
    card,
    easyPay,
    giftCertificate,
    mobilePhone,
    transfer,
    virtualAccount,
    cancel: movement === 'charge' ? null : cancels!.at(-1),
  }
}

function startOfDay(ms: number): number {
  return Math.floor((ms + koreaAheadMs) / dayMs) * dayMs - koreaAheadMs
}
