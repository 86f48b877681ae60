import { Refused } from '../floor.ts'
import { type Cancel, type Payment, taxOf } from './payment.ts'
import { newKey, type Shelf } from './shelf.ts'

/** What a request for a cancellation says, once its form is right. */
export interface CancelAsked {
  readonly reason: string
  /** Everything that is left, where it is null. */
  readonly amount: number | null
  readonly refundableAmount: number | null
  readonly account: { bankCode: string; accountNumber: string; holderName: string } | null
}

/** Money that goes back. What cannot happen throws a Refused. */
export interface Refunds {
  cancel(paymentKey: string, asked: CancelAsked): Payment
  /** The account to which the money was to go takes it not. */
  failRefund(paymentKey: string): Payment
}

const refundMs = 2 * 86_400_000

export function openRefunds(shelf: Shelf): Refunds {
  const endRefund = (paymentKey: string, refundStatus: 'COMPLETED' | 'FAILED'): Payment | null => {
    const row = shelf.get(paymentKey)
    const { virtualAccount, cancels } = row.payment
    if (virtualAccount?.refundStatus !== 'PENDING') return null
    const payment = shelf.change(row, { virtualAccount: { ...virtualAccount, refundStatus } })
    const amount = cancels!.at(-1)!.cancelAmount
    if (refundStatus === 'FAILED') shelf.enter(payment, { movement: 'refund-failed', amount })
    return payment
  }
  const awaitEnd = ({ paymentKey, cancels }: Payment) => {
    const endMs = Date.parse(cancels!.at(-1)!.canceledAt) + refundMs
    shelf.at(endMs, () => endRefund(paymentKey, 'COMPLETED'))
  }
  for (const { payment } of shelf.list()) {
    if (payment.virtualAccount?.refundStatus === 'PENDING') awaitEnd(payment)
  }
  return {
    cancel(paymentKey, asked) {
      const row = shelf.get(paymentKey)
      const amount = amountToCancel(row.payment, asked)
      const isPaid = row.payment.status !== 'WAITING_FOR_DEPOSIT'
      const changes = afterCancel(row.payment, { asked, amount, transactionKey: newKey(16), at: shelf.now() })
      const payment = shelf.change(row, changes)
      if (isPaid) shelf.enter(payment, { movement: 'refund', amount })
      if (payment.virtualAccount?.refundStatus === 'PENDING') awaitEnd(payment)
      shelf.tell(payment)
      return payment
    },
    failRefund(paymentKey) {
      const payment = endRefund(paymentKey, 'FAILED')
      if (!payment) throw new Refused('INVALID_REQUEST')
      return payment
    },
  }
}

/** How much goes back; throws where nothing can. */
function amountToCancel({ status, balanceAmount, virtualAccount }: Payment, asked: CancelAsked): number {
  const amount = asked.amount ?? balanceAmount
  if (status === 'CANCELED') throw new Refused('ALREADY_CANCELED_PAYMENT')
  const isOpen = status === 'DONE' || status === 'PARTIAL_CANCELED' || status === 'WAITING_FOR_DEPOSIT'
  if (!isOpen) throw new Refused('NOT_CANCELABLE_PAYMENT')
  if (asked.refundableAmount !== null && asked.refundableAmount !== balanceAmount) {
    throw new Refused('NOT_MATCHES_REFUNDABLE_AMOUNT')
  }
  if (amount > balanceAmount) throw new Refused('NOT_CANCELABLE_AMOUNT')
  if (status === 'WAITING_FOR_DEPOSIT') {
    if (amount < balanceAmount) throw new Refused('NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT')
    if (asked.account) throw new Refused('INVALID_REFUND_ACCOUNT_INFO')
  } else if (virtualAccount && !asked.account) throw new Refused('INVALID_REFUND_ACCOUNT_INFO')
  return amount
}

function afterCancel(
  payment: Payment,
  by: { asked: CancelAsked; amount: number; transactionKey: string; at: string },
): Partial<Payment> {
  const balanceAmount = payment.balanceAmount - by.amount
  const cancel: Cancel = {
    cancelAmount: by.amount,
    cancelReason: by.asked.reason,
    taxFreeAmount: 0,
    taxExemptionAmount: 0,
    refundableAmount: balanceAmount,
    cardDiscountAmount: 0,
    transferDiscountAmount: 0,
    easyPayDiscountAmount: 0,
    canceledAt: by.at,
    transactionKey: by.transactionKey,
    receiptKey: null,
    cancelStatus: 'DONE',
    cancelRequestId: null,
  }
  const { virtualAccount } = payment
  const refund = by.asked.account && { refundStatus: 'PENDING' as const, refundReceiveAccount: by.asked.account }
  return {
    status: balanceAmount === 0 ? ('CANCELED' as const) : ('PARTIAL_CANCELED' as const),
    balanceAmount,
    ...taxOf(balanceAmount),
    cancels: [...(payment.cancels ?? []), cancel],
    lastTransactionKey: by.transactionKey,
    virtualAccount: virtualAccount && { ...virtualAccount, ...refund },
  }
}
