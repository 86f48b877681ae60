import type { CommandContext } from './commands.ts'
import { type AccountDraft, type Draft, free, type HoldDraft, type LotDraft } from './draft.ts'
import { systemAccounts } from './system-accounts.ts'

/** Nobody asked for it: it was due. */
export const bySystem: Omit<CommandContext, 'key'> = {
  actor: { type: 'system', id: null },
  memberId: null,
  reason: null,
  reference: null,
  metadata: null,
}

/**
 * Books what has fallen due in an account: holds that ran out are released, free points past their expiry leave.
 * Answers whether more is due than was read.
 */
export function bookDue(draft: Draft, account: AccountDraft, now: Date): boolean {
  if (!account.nextDueAt || account.nextDueAt > now) return false
  const due = draft.due(account.id)
  account.nextDueAt = due.nextDueAt
  for (const hold of due.holds) {
    if (hold.status !== 'pending') continue
    if (hold.expiresAt <= now) releaseHold(draft, { hold, status: 'expired', context: bySystem, now })
    else draft.noteDue(account, hold.expiresAt)
  }
  for (const lot of due.lots)
    if (lot.expiresAt && lot.expiresAt > now && free(lot) > 0) draft.noteDue(account, lot.expiresAt)
  expireLots(draft, { account, lots: due.lots, now })
  return due.hasMore
}

/** Free points of those lots that are past their expiry leave the account, in one transfer. */
export function expireLots(
  draft: Draft,
  { account, lots, now }: { account: AccountDraft; lots: readonly LotDraft[]; now: Date },
): void {
  const expired = lots.filter((lot) => lot.expiresAt && lot.expiresAt <= now && free(lot) > 0)
  if (expired.length === 0) return
  const legs = expired.map((lot) => ({ lot, amount: -free(lot), held: 0 }))
  const amount = -legs.reduce((sum, leg) => sum + leg.amount, 0)
  const sides = { payerId: account.id, payeeId: systemAccounts.expired }
  draft.book({ kind: 'expire', amount, ...sides, legs, at: now }, bySystem)
}

/** A pending hold lets go of everything; what expired while it was held expires at once. */
export function releaseHold(
  draft: Draft,
  release: {
    hold: HoldDraft
    status: 'voided' | 'expired'
    context: Omit<CommandContext, 'key'>
    now: Date
  },
) {
  const { hold, status, context, now } = release
  const account = draft.account(hold.accountId)
  const legs = hold.lots.map(({ lotId, amount }) => ({ lot: draft.lot(lotId), amount: 0, held: -amount }))
  hold.status = status
  draft.endHold(hold, now)
  const sides = { payerId: account.id, payeeId: hold.payeeId }
  const transfer = draft.book({ kind: 'void', amount: hold.amount, ...sides, legs, holdId: hold.id, at: now }, context)
  expireLots(draft, { account, lots: legs.map((leg) => leg.lot), now })
  return transfer
}
