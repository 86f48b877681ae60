import { toKoreanTime } from '../clock.ts'
import { Refused } from '../floor.ts'
import { isDecline, messageOf } from './errors.ts'
import { cardOf, type Means, newPayment, type Order, type Payment } from './payment.ts'
import { openRefunds, type Refunds } from './refunds.ts'
import { newKey, type Row, type Shelf } from './shelf.ts'

/** What can happen to a payment. What cannot throws a Refused. */
export interface Till extends Refunds {
  find(paymentKey: string): Row | undefined
  /** Of several, the one that took money, else the last one. */
  findByOrder(orderId: string): Row | undefined
  list(): Row[]
  start(order: Order, more?: { successUrl: string; failUrl: string }): Row
  authenticate(paymentKey: string, means: Means): Row
  abort(paymentKey: string, code: string): Row
  confirm(asked: { paymentKey: string; orderId: string; amount: number }): Payment
  /** What the bank or the card said no to. */
  decline(paymentKey: string, code: string): void
  issue(order: Order, by: { means: Means; dueMs: number }): Payment
  deposit(paymentKey: string, amount: number): Payment
  /** The deposit turns out not to have been one. */
  reverse(paymentKey: string): Payment
}

const accountMs = 168 * 3_600_000
const cardMin = 100
const accountMin = 200

/** The till of one shop. */
export function openTill(shelf: Shelf, { mId }: { mId: string }): Till {
  const begin = (order: Order, more: { successUrl: string; failUrl: string } | null): Row => {
    const paymentKey = `tpod${shelf.now().replace(/\D/g, '').slice(0, 14)}${newKey(5)}`
    const payment = newPayment(order, { paymentKey, mId, at: shelf.now() })
    const urls = more ?? { successUrl: null, failUrl: null }
    return { payment, startedMs: shelf.nowMs(), authenticatedMs: null, dueMs: null, means: null, ...urls }
  }
  return {
    find: shelf.find,
    findByOrder(orderId) {
      const found = shelf.listOf(orderId)
      return found.findLast(({ payment }) => payment.lastTransactionKey !== null) ?? found.at(-1)
    },
    list: shelf.list,
    start: (order, more) => shelf.keep(begin(order, more ?? null)),
    authenticate(paymentKey, means) {
      const row = getReady(shelf, paymentKey)
      const payment = { ...row.payment, status: 'IN_PROGRESS', method: means.method } as const
      return shelf.keep({ ...row, payment, means, authenticatedMs: shelf.nowMs() - (means.agoMs ?? 0) })
    },
    abort(paymentKey, code) {
      const failure = { code, message: messageOf(code, 'ko') }
      shelf.tell(shelf.change(getReady(shelf, paymentKey), { status: 'ABORTED', failure }))
      return shelf.get(paymentKey)
    },
    confirm({ paymentKey, orderId, amount }) {
      const row = shelf.get(paymentKey)
      assertConfirmable(row, { orderId, amount })
      const isTaken = shelf.listOf(orderId).some(({ payment }) => payment.lastTransactionKey !== null)
      if (isTaken) throw new Refused('DUPLICATED_ORDER_ID')
      if (row.means!.method === '가상계좌') return openAccount(shelf, { row, dueMs: shelf.nowMs() + accountMs })
      return charge(shelf, row)
    },
    decline(paymentKey, code) {
      const row = shelf.find(paymentKey)
      if (row?.payment.status !== 'IN_PROGRESS' || !isDecline(code)) return
      shelf.tell(shelf.change(row, { status: 'ABORTED', failure: { code, message: messageOf(code, 'ko') } }))
    },
    issue(order, { means, dueMs }) {
      if (shelf.listOf(order.orderId).length > 0) throw new Refused('DUPLICATED_ORDER_ID')
      if (order.amount < accountMin) throw new Refused('BELOW_MINIMUM_AMOUNT')
      return openAccount(shelf, { row: { ...begin(order, null), means }, dueMs })
    },
    ...depositsOf(shelf),
    ...openRefunds(shelf),
  }
}

function depositsOf(shelf: Shelf): Pick<Till, 'deposit' | 'reverse'> {
  return {
    deposit(paymentKey, amount) {
      const row = shelf.get(paymentKey)
      const { status, totalAmount, virtualAccount } = row.payment
      const isDue = status === 'WAITING_FOR_DEPOSIT' && shelf.nowMs() <= row.dueMs!
      if (!isDue || amount !== totalAmount) throw new Refused('INVALID_REQUEST')
      const paid = { status: 'DONE', approvedAt: shelf.now(), lastTransactionKey: newKey(16) } as const
      const by = { ...virtualAccount!, depositorName: virtualAccount!.customerName }
      const payment = shelf.change(row, { ...paid, virtualAccount: by })
      shelf.enter(payment, { movement: 'charge', amount })
      shelf.tell(payment)
      return payment
    },
    reverse(paymentKey) {
      const row = shelf.get(paymentKey)
      if (row.payment.status !== 'DONE' || !row.payment.virtualAccount) throw new Refused('INVALID_REQUEST')
      const unpaid = { status: 'WAITING_FOR_DEPOSIT', approvedAt: null, lastTransactionKey: newKey(16) } as const
      const payment = shelf.change(row, unpaid)
      shelf.enter(payment, { movement: 'reversal', amount: payment.totalAmount })
      shelf.tell(payment)
      return payment
    },
  }
}

function charge(shelf: Shelf, row: Row): Payment {
  const { totalAmount: amount, paymentKey } = row.payment
  const approveNo = String(10_000_000 + (Number.parseInt(newKey(3), 16) % 90_000_000))
  const url = `https://dashboard.tosspayments.com/receipt/redirection?transactionId=${paymentKey}`
  const payment = shelf.change(row, {
    status: 'DONE',
    approvedAt: shelf.now(),
    lastTransactionKey: newKey(16),
    secret: `ps_${newKey(12)}`,
    card: cardOf(row.means!, { amount, approveNo }),
    receipt: { url },
  })
  shelf.enter(payment, { movement: 'charge', amount })
  shelf.tell(payment)
  return payment
}

/** An account that takes nothing but the amount, and only for a time. Numbers of tests begin with an X. */
function openAccount(shelf: Shelf, { row, dueMs }: { row: Row; dueMs: number }): Payment {
  const { bankCode = '06', customerName = '김포도' } = row.means!
  const virtualAccount = {
    accountType: '일반',
    accountNumber: `X${BigInt(`0x${newKey(6)}`)}`.slice(0, 14),
    bankCode,
    customerName,
    depositorName: null,
    dueDate: toKoreanTime(dueMs),
    refundStatus: 'NONE',
    expired: false,
    settlementStatus: 'INCOMPLETED',
    refundReceiveAccount: null,
  } as const
  const waiting = { method: '가상계좌', status: 'WAITING_FOR_DEPOSIT', lastTransactionKey: newKey(16) } as const
  const payment = shelf.change({ ...row, dueMs }, { ...waiting, virtualAccount, secret: `ps_${newKey(12)}` })
  shelf.tell(payment)
  return payment
}

function getReady(shelf: Shelf, paymentKey: string): Row {
  const row = shelf.get(paymentKey)
  if (row.payment.status !== 'READY') throw new Refused('ALREADY_PROCESSED_PAYMENT')
  return row
}

function assertConfirmable({ payment }: Row, { orderId, amount }: { orderId: string; amount: number }): void {
  const { status, method } = payment
  if (payment.orderId !== orderId) throw new Refused('NOT_FOUND_PAYMENT_SESSION')
  if (status === 'READY' || status === 'EXPIRED' || status === 'ABORTED') throw new Refused('NOT_FOUND_PAYMENT_SESSION')
  if (status !== 'IN_PROGRESS') throw new Refused('ALREADY_PROCESSED_PAYMENT')
  if (payment.totalAmount !== amount) throw new Refused('INVALID_REQUEST')
  if (amount < (method === '가상계좌' ? accountMin : cardMin)) throw new Refused('BELOW_MINIMUM_AMOUNT')
}
