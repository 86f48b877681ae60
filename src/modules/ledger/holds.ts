import type { Hold, HoldState, LotShare, Outcome, Post, Void } from './commands.ts'
import { type Draft, free, type HoldDraft } from './draft.ts'
import { expireLots, releaseHold } from './expiry.ts'
import { available, type Case, done, insufficient, refuse, short } from './outcomes.ts'
import { ledgerProblems as problems } from './problems.ts'
import { systemAccounts } from './system-accounts.ts'

/** Sets points aside, in spend order or on the lot named. */
export function holdPoints({ command, draft, now }: Case<Hold>): Outcome {
  const wallet = draft.account(command.walletId)
  const { amount } = command
  if (command.lotId !== null) {
    const lot = draft.lot(command.lotId)
    const isExpired = lot.expiresAt !== null && lot.expiresAt <= now
    const has = isExpired ? 0 : free(lot)
    if (has < amount) return short(BigInt(has), amount)
  } else if (available(wallet) < amount) return insufficient(wallet, amount)
  const parts = command.lotId === null ? draft.take(wallet, amount) : [{ lot: draft.lot(command.lotId), amount }]
  const id = draft.newId()
  const holdId = draft.newId()
  const expiresAt = new Date(now.getTime() + command.expiresInSeconds * 1000)
  const lots = parts.map((part) => ({ lotId: part.lot.id, amount: part.amount }))
  const sides = { payerId: wallet.id, payeeId: command.payeeId }
  const legs = parts.map((part) => ({ lot: part.lot, amount: 0, held: part.amount }))
  const transfer = draft.book({ id, kind: 'hold', amount, ...sides, legs, holdId, at: now }, command)
  draft.openHold(
    {
      id: holdId,
      accountId: wallet.id,
      payeeId: command.payeeId,
      status: 'pending',
      amount,
      postedAmount: 0,
      createdAt: now,
      expiresAt,
      memberId: command.memberId,
      reason: command.reason,
      reference: command.reference,
      metadata: command.metadata,
      lots,
    },
    id,
  )
  draft.noteDue(wallet, expiresAt)
  return done(transfer, toHoldState(draft, draft.hold(holdId)))
}

/** Carries a hold out, whole or in part; what it leaves is released. */
export function postHold({ command, draft, now }: Case<Post>): Outcome {
  const hold = draft.hold(command.holdId)
  if (hold.status !== 'pending') return refuse(problems.holdNotPending, { holdStatus: hold.status })
  const amount = command.amount ?? hold.amount
  if (amount > hold.amount) return refuse(problems.postTooLarge, { held: hold.amount })
  let missing = amount
  const legs = hold.lots.map((part) => {
    const taken = Math.min(part.amount, missing)
    missing -= taken
    return { lot: draft.lot(part.lotId), amount: 0 - taken, held: -part.amount }
  })
  hold.status = 'posted'
  hold.postedAmount = amount
  draft.endHold(hold, now)
  const kind = hold.payeeId === systemAccounts.payout ? 'payout' : 'post'
  const sides = { payerId: hold.accountId, payeeId: hold.payeeId }
  const transfer = draft.book({ kind, amount, ...sides, legs, holdId: hold.id, at: now }, command)
  expireLots(draft, { account: draft.account(hold.accountId), lots: legs.map((leg) => leg.lot), now })
  return done(transfer, { ...toHoldState(draft, hold), postTransferId: transfer.id })
}

/** Releases a hold whole. */
export function voidHold({ command, draft, now }: Case<Void>): Outcome {
  const hold = draft.hold(command.holdId)
  if (hold.status !== 'pending') return refuse(problems.holdNotPending, { holdStatus: hold.status })
  const transfer = releaseHold(draft, { hold, status: 'voided', context: command, now })
  return done(transfer, toHoldState(draft, hold))
}

function toHoldState(draft: Draft, hold: HoldDraft): HoldState {
  const lots = hold.lots.map(({ lotId, amount }): LotShare => {
    const lot = draft.lot(lotId)
    return { lotId, class: lot.class, amount, expiresAt: lot.expiresAt }
  })
  const { accountId: walletId, ...rest } = hold
  return { ...rest, walletId, lots, postTransferId: null }
}
