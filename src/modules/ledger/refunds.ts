import type { Cancel, Outcome, Refund } from './commands.ts'
import { type AccountDraft, type Draft, free, type Leg, type LotDraft } from './draft.ts'
import { expireLots } from './expiry.ts'
import { type Case, done, refuse, refuseIncoming } from './outcomes.ts'
import { ledgerProblems as problems } from './problems.ts'
import type { Original } from './state.ts'

const dayMs = 86_400_000

/** Spent points go back to the very lots they came from, in reverse order, never more than was spent in all. */
export function refundSpend({ command, draft, now }: Case<Refund>): Outcome {
  const original = draft.state.originals.get(command.transferId)!
  if (original.kind !== 'spend' && original.kind !== 'post') return refuse(problems.notRefundable)
  const reversal = draft.reversal(original.id)
  const refundable = original.amount - reversal.refundedAmount
  const amount = command.amount ?? refundable
  if (amount === 0 || amount > refundable) return refuse(problems.refundTooLarge, { refundable })
  const wallet = draft.account(original.payerId)
  const refusal = refuseIncoming(wallet, amount)
  if (refusal) return refusal
  const id = draft.newId()
  const parts = refundedParts(original, { skip: reversal.refundedAmount, amount })
  const legs = parts.map((part) => toRefundLeg(draft, { part, transferId: id, now }))
  reversal.refundedAmount += amount
  const sides = { payerId: original.payeeId, payeeId: wallet.id }
  const booking = { id, kind: 'refund' as const, amount, ...sides, legs, reverses: original.id, at: now }
  const transfer = draft.book(booking, command)
  forfeitExpired(draft, wallet, legs, now)
  return done(transfer)
}

/** Takes the lot of a charge or grant back while it is whole. */
export function cancelCharge({ command, draft, now }: Case<Cancel>): Outcome {
  const original = draft.state.originals.get(command.transferId)!
  if (original.kind !== 'charge' && original.kind !== 'grant') return refuse(problems.notCancellable)
  const reversal = draft.reversal(original.id)
  if (reversal.isCancelled) return refuse(problems.alreadyCancelled)
  const lot = draft.lot(original.legs[0]!.lotId)
  if (free(lot) !== lot.amount) return refuse(problems.lotTouched, { amount: lot.amount, free: free(lot) })
  reversal.isCancelled = true
  const sides = { payerId: lot.accountId, payeeId: original.payerId }
  const legs = [{ lot, amount: -lot.amount, held: 0 }]
  const booking = { kind: 'cancel' as const, amount: lot.amount, ...sides, legs, reverses: original.id, at: now }
  return done(draft.book(booking, command))
}

interface Part {
  readonly lotId: string
  readonly amount: number
}

/** The parts of a spend that a refund gives back, last first, after skipping what was refunded before. */
function refundedParts(original: Original, { skip, amount }: { skip: number; amount: number }): Part[] {
  const parts: Part[] = []
  let toSkip = skip
  let missing = amount
  for (const leg of original.legs.toReversed()) {
    const spent = -leg.amount
    const skipped = Math.min(spent, toSkip)
    toSkip -= skipped
    const part = Math.min(spent - skipped, missing)
    missing -= part
    if (part > 0) parts.push({ lotId: leg.lotId, amount: part })
  }
  return parts
}

/**
 * Back into the lot; or, where it has expired meanwhile and there is grace, into a new one. There is grace once: else
 * whoever spends at a company of their own and has it refunded again and again would have points that never expire.
 */
function toRefundLeg(draft: Draft, refund: { part: Part; transferId: string; now: Date }): Leg {
  const { part, transferId, now } = refund
  const lot = draft.lot(part.lotId)
  const graceMs = draft.state.settings.refundGraceDays * dayMs
  if (!isExpired(lot, now) || lot.isReissued || graceMs === 0) return { lot, amount: part.amount, held: 0 }
  const reissued = draft.openLot({
    id: draft.newId(),
    accountId: lot.accountId,
    class: lot.class,
    issuedAt: lot.issuedAt,
    expiresAt: new Date(now.getTime() + graceMs),
    amount: part.amount,
    transferId,
    sourceLotId: lot.id,
    paymentId: lot.paymentId,
    isReissued: true,
  })
  return { lot: reissued, amount: part.amount, held: 0 }
}

function forfeitExpired(draft: Draft, account: AccountDraft, legs: readonly Leg[], now: Date): void {
  expireLots(draft, { account, lots: legs.map((leg) => leg.lot), now })
}

function isExpired(lot: LotDraft, now: Date): boolean {
  return lot.expiresAt !== null && lot.expiresAt <= now
}
