import { toPublicId } from '#platform/ids'
import type { ActionName } from './actions.ts'

/** What the API page shows of an operation. */
export interface Example {
  readonly body?: object
  readonly answer: object
}

// One story: 10,000 points bought and 1,000 given, 3,000 of them spent, 500 of those refunded; then a hold and a gift.
const uuid = '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0f'
const idOf = (prefix: Parameters<typeof toPublicId>[0], last: number) => toPublicId(prefix, uuid.slice(0, -1) + last)
const wallet = idOf('wlt', 1)
const friend = idOf('wlt', 2)
const cafe = idOf('cmp', 1)
const newYear = '2027-12-31T15:00:00.000Z'
const paid = { lotId: idOf('lot', 1), class: 'paid', expiresAt: null }
const bonus = { lotId: idOf('lot', 2), class: 'bonus', expiresAt: newYear }
const orderId = 'order-1041'

const spend = transfer(3, {
  kind: 'spend',
  amount: 3_000,
  merchantId: cafe,
  reason: 'Two lattes',
  reference: orderId,
  lots: [share(bonus, 1_000), share(paid, 2_000)],
  balanceAfter: 8_000,
})
const refund = transfer(4, {
  kind: 'refund',
  amount: 500,
  merchantId: cafe,
  reason: 'Sold out',
  reverses: spend.id,
  lots: [share(paid, 500)],
  balanceAfter: 8_500,
})
const hold = {
  id: idOf('hld', 1),
  walletId: wallet,
  merchantId: cafe,
  status: 'pending',
  amount: 2_000,
  postedAmount: 0,
  createdAt: '2026-11-20T09:00:00.000Z',
  expiresAt: '2026-11-20T09:15:00.000Z',
  memberId: null,
  reason: null,
  reference: 'table-7',
  metadata: null,
  postTransferId: null,
  lots: [share(paid, 2_000)],
}

const code = { walletId: wallet, expiresAt: '2026-11-20T09:03:00.000Z' }

/** Of payment codes. */
export const codeExamples = {
  createCode: {
    body: {},
    answer: { code: '7K3M-Q9XD-V2PH-R5TN', qr: '<svg xmlns="http://www.w3.org/2000/svg">…</svg>', ...code },
  },
  lookUpCode: { body: { code: '7K3M-Q9XD-V2PH-R5TN' }, answer: code },
} satisfies Record<string, Example>

/** Of each action. */
export const actionExamples = {
  charge: {
    body: { amount: 1_000, class: 'bonus', expiresAt: newYear, reason: 'Welcome' },
    answer: transfer(2, {
      kind: 'charge',
      amount: 1_000,
      reason: 'Welcome',
      lots: [share(bonus, 1_000)],
      balanceAfter: 11_000,
    }),
  },
  spend: { body: { amount: 3_000, reason: 'Two lattes', reference: orderId }, answer: spend },
  refund: { body: { amount: 500, reason: 'Sold out' }, answer: refund },
  cancel: {
    body: { reason: 'Charged twice' },
    answer: transfer(3, {
      kind: 'cancel',
      amount: 1_000,
      reason: 'Charged twice',
      reverses: idOf('trf', 2),
      lots: [share(bonus, 1_000)],
      balanceAfter: 10_000,
    }),
  },
  hold: { body: { amount: 2_000, expiresInSeconds: 900, reference: 'table-7' }, answer: hold },
  post: {
    body: { amount: 1_500 },
    answer: { ...hold, status: 'posted', postedAmount: 1_500, postTransferId: idOf('trf', 6) },
  },
  void: { body: {}, answer: { ...hold, status: 'voided' } },
  move: {
    body: { toWalletId: friend, amount: 500, reason: 'Happy birthday' },
    answer: transfer(7, {
      kind: 'move',
      amount: 500,
      toWalletId: friend,
      reason: 'Happy birthday',
      lots: [share(paid, 500)],
      balanceAfter: 6_500,
    }),
  },
} satisfies Record<ActionName, Example>

/** Of what is read, and of a batch. */
export const readingExamples = {
  wallet: {
    answer: {
      id: wallet,
      owner: { type: 'member', id: idOf('mem', 1) },
      balance: 8_500,
      available: 6_500,
      held: 2_000,
      byClass: { paid: 8_500, bonus: 0, prize: 0 },
      expiringSoon: [],
      unbooked: false,
    },
  },
  lots: {
    answer: {
      items: [
        {
          id: paid.lotId,
          class: 'paid',
          amount: 10_000,
          remaining: 8_500,
          held: 2_000,
          issuedAt: '2026-11-20T09:00:00.000Z',
          expiresAt: null,
          source: { transferId: idOf('trf', 1), lotId: null },
        },
      ],
      nextCursor: null,
    },
  },
  statement: { answer: { items: [line(refund, 500), line(spend, -3_000)], nextCursor: null } },
  transfer: { answer: { ...spend, refundedAmount: 500 } },
  hold: { answer: hold },
  batch: {
    body: {
      transfers: [
        { kind: 'spend', walletId: wallet, amount: 3_000, reference: orderId, idempotencyKey: orderId },
        { kind: 'refund', transferId: spend.id, amount: 500, idempotencyKey: `${orderId}-refund` },
      ],
    },
    answer: {
      results: [
        { status: 201, replayed: false, idempotencyKey: orderId, transfer: spend },
        { status: 201, replayed: false, idempotencyKey: `${orderId}-refund`, transfer: refund },
      ],
    },
  },
} satisfies Record<string, Example>

function share(lot: typeof paid | typeof bonus, amount: number) {
  return { lotId: lot.lotId, class: lot.class, amount, expiresAt: lot.expiresAt }
}

interface Told {
  readonly kind: string
  readonly amount: number
  readonly toWalletId?: string
  readonly merchantId?: string
  readonly reason?: string
  readonly reference?: string
  readonly reverses?: string
  readonly lots: readonly object[]
  readonly balanceAfter: number
}

function transfer(seq: number, told: Told) {
  return {
    id: idOf('trf', seq),
    kind: told.kind,
    amount: told.amount,
    walletId: wallet,
    toWalletId: told.toWalletId ?? null,
    merchantId: told.merchantId ?? null,
    memberId: null,
    actor: { type: 'operator', id: null },
    seq,
    reason: told.reason ?? null,
    reference: told.reference ?? null,
    metadata: null,
    createdAt: '2026-11-20T09:00:00.000Z',
    reverses: told.reverses ?? null,
    refundedAmount: 0,
    forfeitedAmount: 0,
    lots: told.lots,
    balanceAfter: told.balanceAfter,
  }
}

function line({ refundedAmount: _refunded, forfeitedAmount: _forfeited, ...shown }: typeof spend, amount: number) {
  return { ...shown, amount, heldChange: 0, holdId: null }
}
