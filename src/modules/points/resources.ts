import {
  type Entry,
  type HoldState,
  type IssuedLot,
  type LotShare,
  ledgerProblems,
  systemAccounts,
  type Transfer,
} from '#modules/ledger'
import { toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { Actor } from '#platform/work'
import type { Receipt, WalletState } from './points.ts'
import { pointsProblems } from './problems.ts'
import type { View } from './rights.ts'
import { findSides } from './sides.ts'

/** What a caller sees of something that was booked; nothing has been refunded of it when it is first answered. */
export function toAnswer(receipt: Extract<Receipt, { status: 'done' }>, shows: 'transfer' | 'hold') {
  const { hold, transfer, view } = receipt
  return shows === 'hold' ? toHold(hold!, view) : toTransfer({ ...transfer, refundedAmount: 0 }, view)
}

/** The problem that a refusal is; a replayed one says so. Who pays with a code is not told what the wallet has. */
export function toRefusal({ problem, replayed, view }: Extract<Receipt, { status: 'refused' }>): Problem {
  const headers: Record<string, string> = replayed ? { 'Idempotent-Replayed': 'true' } : {}
  const { kind, params } = problem
  if (view === 'other' && kind.type === ledgerProblems.insufficientPoints.type)
    return new Problem(pointsProblems.codeNotCovered, { params: { required: params.required! }, headers })
  const pointer = fieldsAtFault.get(kind.type)
  if (pointer === undefined) return new Problem(kind, { params, headers })
  return new Problem(kind, { params, headers, errors: [{ pointer, detail: kind.detail }] })
}

/** Which field is wrong where the schema could not see that one is. By type: a replay brings the kind as stored. */
const fieldsAtFault = new Map([
  [pointsProblems.merchantRequired.type, '/merchantId'],
  [pointsProblems.memberNotOfWallet.type, '/memberId'],
  [ledgerProblems.expiresInPast.type, '/expiresAt'],
  [ledgerProblems.sameWallet.type, '/toWalletId'],
])

/** A wallet as callers see it. */
export function toWallet(wallet: WalletState) {
  const { bonus, prize, paid, held, owner } = wallet
  const balance = bonus + prize + paid
  return {
    id: toPublicId('wlt', wallet.id),
    owner: { type: owner.type, id: toPublicId(owner.type === 'company' ? 'cmp' : 'mem', owner.id) },
    balance,
    available: balance - held,
    held,
    byClass: { paid, bonus, prize },
    expiringSoon: wallet.expiringSoon.map(({ amount, class: kind, expiresAt }) => ({
      amount,
      class: kind,
      expiresAt: expiresAt.toISOString(),
    })),
    unbooked: wallet.isDue,
  }
}

/** A lot as callers see it; a lot that was moved or issued again names the one it came from. */
export function toLot(lot: IssuedLot) {
  return {
    id: toPublicId('lot', lot.id),
    class: lot.class,
    amount: lot.amount,
    remaining: lot.remaining,
    held: lot.held,
    issuedAt: lot.issuedAt.toISOString(),
    expiresAt: lot.expiresAt?.toISOString() ?? null,
    source: {
      transferId: toPublicId('trf', lot.transferId),
      lotId: lot.sourceLotId && toPublicId('lot', lot.sourceLotId),
    },
  }
}

/** A transfer as callers see it: the same code for a first answer, a replay and a later reading. */
export function toTransfer(transfer: Transfer & { readonly refundedAmount: number }, view: View) {
  return {
    id: toPublicId('trf', transfer.id),
    kind: transfer.kind,
    amount: transfer.amount,
    ...toSides(transfer),
    memberId: transfer.memberId && toPublicId('mem', transfer.memberId),
    actor: toActor(transfer.actor),
    // How often the wallet moved meanwhile is not the other side's to know.
    seq: view === 'own' ? transfer.seq : null,
    reason: transfer.reason,
    reference: transfer.reference,
    metadata: transfer.metadata && toCanonical(transfer.metadata),
    createdAt: transfer.createdAt.toISOString(),
    reverses: transfer.reverses && toPublicId('trf', transfer.reverses),
    refundedAmount: transfer.refundedAmount,
    forfeitedAmount: forfeitedOf(transfer),
    lots: view === 'own' ? transfer.lots.map(toShare) : [],
    balanceAfter: view === 'own' ? transfer.balanceAfter : null,
  }
}

/** A line of a wallet's statement as callers see it: amounts are signed, those of its lots are not. */
export function toLine({ transfer, ...entry }: Entry) {
  return {
    id: toPublicId('trf', transfer.id),
    kind: transfer.kind,
    amount: entry.amount,
    heldChange: entry.heldChange,
    balanceAfter: entry.balanceAfter,
    seq: entry.seq,
    ...toSides(transfer),
    holdId: transfer.holdId && toPublicId('hld', transfer.holdId),
    memberId: transfer.memberId && toPublicId('mem', transfer.memberId),
    actor: toActor(transfer.actor),
    reason: transfer.reason,
    reference: transfer.reference,
    metadata: transfer.metadata && toCanonical(transfer.metadata),
    createdAt: transfer.createdAt.toISOString(),
    reverses: transfer.reverses && toPublicId('trf', transfer.reverses),
    lots: entry.lots.map(toShare),
  }
}

/** A line of somebody else's statement, as the merchant on its other side sees it: nothing of the wallet's. */
export function toOtherSide(line: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...line, balanceAfter: null, seq: null, lots: [] }
}

/** A hold as callers see it. */
export function toHold(hold: HoldState, view: View) {
  return {
    id: toPublicId('hld', hold.id),
    walletId: toPublicId('wlt', hold.walletId),
    merchantId: hold.payeeId === systemAccounts.payout ? null : toPublicId('cmp', hold.payeeId),
    status: hold.status,
    amount: hold.amount,
    postedAmount: hold.postedAmount,
    createdAt: hold.createdAt.toISOString(),
    expiresAt: hold.expiresAt.toISOString(),
    memberId: hold.memberId && toPublicId('mem', hold.memberId),
    reason: hold.reason,
    reference: hold.reference,
    metadata: hold.metadata && toCanonical(hold.metadata),
    postTransferId: hold.postTransferId && toPublicId('trf', hold.postTransferId),
    lots: view === 'own' ? hold.lots.map(toShare) : [],
  }
}

function toShare({ lotId, class: kind, amount, expiresAt }: LotShare) {
  return { lotId: toPublicId('lot', lotId), class: kind, amount, expiresAt: expiresAt?.toISOString() ?? null }
}

function toActor({ type, id }: Actor) {
  if (type === 'anonymous') throw new Error('a transfer was made by nobody in particular')
  if (id === null) return { type, id }
  return { type, id: toPublicId(type === 'company' ? 'cmp' : 'mem', id) }
}

function toSides(transfer: Transfer) {
  const { walletId, toWalletId, merchantId } = findSides(transfer)
  return {
    walletId: walletId && toPublicId('wlt', walletId),
    toWalletId: toWalletId && toPublicId('wlt', toWalletId),
    merchantId: merchantId && toPublicId('cmp', merchantId),
  }
}

/** Of a refund without grace, what went back into lots that had expired: the next transfer takes it away. */
function forfeitedOf({ kind, lots, createdAt }: Transfer): number {
  if (kind !== 'refund') return 0
  return lots.reduce((sum, { amount, expiresAt }) => (expiresAt && expiresAt <= createdAt ? sum + amount : sum), 0)
}

/** The same fields in one order, however deep, so that equal metadata has equal text. */
function toCanonical(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = Object.keys(fields).sort()
  return Object.fromEntries(names.map((name) => [name, toCanonicalValue(fields[name])]))
}

function toCanonicalValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCanonicalValue)
  return typeof value === 'object' && value !== null ? toCanonical(value as Record<string, unknown>) : value
}
