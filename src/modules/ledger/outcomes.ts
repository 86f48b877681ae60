import type { ProblemKind, ProblemParams } from '#platform/problem'
import { amountMax, type CommandContext, type HoldState, type Outcome, type Transfer } from './commands.ts'
import { type AccountDraft, type Draft, total } from './draft.ts'
import { ledgerProblems as problems } from './problems.ts'

/** A command being decided; its time is never earlier than anything that its accounts have seen. */
export interface Case<C> {
  readonly command: C & CommandContext
  readonly draft: Draft
  readonly now: Date
}

export function done(transfer: Transfer, hold: HoldState | null = null): Outcome {
  return { status: 'done', transfer, hold, replayed: false }
}

export function refuse(kind: ProblemKind, params: ProblemParams = {}): Outcome {
  return { status: 'refused', problem: { kind, params }, replayed: false }
}

export function insufficient(account: AccountDraft, required: number): Outcome {
  return refuse(problems.insufficientPoints, { available: available(account), required })
}

/** As `insufficient`, for balances that may lie beyond safe integers or below zero. */
export function short(has: bigint, required: number): Outcome {
  return refuse(problems.insufficientPoints, { available: has < 0n ? 0 : Number(has), required })
}

/** What may be spent: everything but what is held. */
export function available(account: AccountDraft): number {
  return total(account) - account.held
}

/** Why so many points cannot come into a wallet or pot: it is closed, or its bound leaves no room for them. */
export function refuseIncoming(account: AccountDraft, amount: number): Outcome | null {
  if (account.closedAt) return refuse(problems.walletClosed)
  return amount <= amountMax - total(account) ? null : refuse(problems.balanceLimit, { limit: amountMax })
}
