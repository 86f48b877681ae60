import type { StoredAnswer } from '#platform/idempotency'
import type { Class, HoldState, LedgerSettings, TransferKind } from './commands.ts'

/** An account as read under its lock, or unlocked where it is a merchant or the system. */
export interface Account {
  readonly id: string
  readonly kind: 'wallet' | 'pot' | 'merchant' | 'system'
  readonly bonus: number
  readonly prize: number
  readonly paid: number
  readonly held: number
  readonly seq: number
  readonly lastAt: Date
  readonly nextDueAt: Date | null
  /** Since when nothing comes in any more; null while it is open. */
  readonly closedAt: Date | null
}

/** Points that came in together; `remaining` includes what is held. */
export interface Lot {
  readonly id: string
  readonly accountId: string
  readonly class: Class
  readonly issuedAt: Date
  readonly expiresAt: Date | null
  readonly amount: number
  readonly remaining: number
  readonly held: number
  readonly paymentId: string | null
  /** Had its grace: a refund issued it anew, or the lot that it came from by moves. */
  readonly isReissued: boolean
}

/** A lot with where it came from: the transfer that issued it, and the lot that it was part of. */
export interface IssuedLot extends Lot {
  readonly transferId: string
  readonly sourceLotId: string | null
}

/** A hold with what it set aside, lot by lot in the order in which it was taken. */
export interface Hold {
  readonly id: string
  readonly accountId: string
  readonly payeeId: string
  readonly status: HoldState['status']
  readonly amount: number
  readonly postedAmount: number
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly memberId: string | null
  readonly reason: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly lots: readonly { readonly lotId: string; readonly amount: number }[]
}

/** The immutable part of a transfer that another one reverses, and what has been reversed of it. */
export interface Original {
  readonly id: string
  readonly kind: TransferKind
  readonly amount: number
  readonly payerId: string
  readonly payeeId: string
  readonly legs: readonly { readonly lotId: string; readonly class: Class; readonly amount: number }[]
  readonly refundedAmount: number
  readonly isCancelled: boolean
}

/** Open lots of an account in spend order, from the first; `isComplete` when there are no more. */
export interface LotPage {
  readonly lots: readonly Lot[]
  readonly isComplete: boolean
}

/** What has fallen due in an account, and when the next thing will; `hasMore` when it did not fit. */
export interface Due {
  readonly holds: readonly Hold[]
  readonly lots: readonly Lot[]
  readonly nextDueAt: Date | null
  readonly hasMore: boolean
}

/** All that a batch is decided on, read under its locks. */
export interface State {
  readonly clock: Date
  readonly settings: LedgerSettings
  /** Locked wallets and pots, and everything else by its kind. */
  readonly accounts: ReadonlyMap<string, Account>
  /** Accounts that exist but are locked by somebody else. */
  readonly lockedElsewhere: ReadonlySet<string>
  readonly pages: ReadonlyMap<string, LotPage>
  /** Lots that commands name, or that transfers and holds named by commands touched. */
  readonly lots: ReadonlyMap<string, Lot>
  /** Lots that refunds issued anew of those that are taken back; they stand in `lots` as well. */
  readonly reissues: readonly IssuedLot[]
  readonly holds: ReadonlyMap<string, Hold>
  readonly originals: ReadonlyMap<string, Original>
  readonly due: ReadonlyMap<string, Due>
  /** Balances of merchants that pay out or are adjusted, read under their lock. */
  readonly rolled: ReadonlyMap<string, Readonly<Record<Class, bigint>>>
  readonly answers: ReadonlyMap<string, StoredAnswer>
}

/** What the decision could not do without; it is read under the same locks, and the batch decided again. */
export interface Needs {
  readonly pages: ReadonlySet<string>
  readonly due: ReadonlySet<string>
}

/** A row of the journal. */
export interface JournalRow {
  readonly id: string
  readonly kind: TransferKind
  readonly amount: number
  readonly payerId: string
  readonly payeeId: string
  readonly payerSeq: number | null
  readonly payerBalance: number | null
  readonly payeeSeq: number | null
  readonly payeeBalance: number | null
  readonly crossing: Readonly<Record<Class, number>>
  readonly legs: readonly JournalLeg[]
  readonly reverses: string | null
  readonly holdId: string | null
  readonly actorType: string
  readonly actorId: string | null
  readonly memberId: string | null
  readonly reason: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly at: Date
}

export interface JournalLeg {
  readonly lotId: string
  readonly class: Class
  /** Change of what remains in the lot. */
  readonly amount: number
  /** Change of what is held in it. */
  readonly held: number
}

/** What a decided batch writes, each table once. */
export interface Delta {
  readonly transfers: readonly JournalRow[]
  readonly accounts: readonly Account[]
  readonly newLots: readonly IssuedLot[]
  readonly changedLots: readonly Lot[]
  readonly newHolds: readonly (Hold & { readonly transferId: string })[]
  readonly changedHolds: readonly (Hold & { readonly completedAt: Date })[]
  readonly answers: readonly StoredAnswer[]
}
