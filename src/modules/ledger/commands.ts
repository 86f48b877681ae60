import type { Act } from '#platform/audit'
import type { IdempotencyKey } from '#platform/idempotency'
import type { ProblemKind, ProblemParams } from '#platform/problem'
import type { Actor } from '#platform/work'

/** Largest amount, and largest balance of a wallet or pot: 2^53−1. */
export const amountMax = Number.MAX_SAFE_INTEGER

/** Most commands in one batch. */
export const batchSizeMax = 1_000

/** What points are: given free, won from others' stakes, or bought. In the order in which `bonus-first` spends them. */
export const classes = ['bonus', 'prize', 'paid'] as const
/** One of `classes`. */
export type Class = (typeof classes)[number]

/** What a transfer does: the verbs of the ledger. */
export type TransferKind =
  | 'charge'
  | 'grant'
  | 'reward'
  | 'spend'
  | 'refund'
  | 'cancel'
  | 'move'
  | 'hold'
  | 'post'
  | 'void'
  | 'expire'
  | 'adjust'
  | 'payout'

/** What every command carries besides what it does. All ids are UUIDs. */
export interface CommandContext {
  /** Null only for what the house does by itself, and knows when it is done (expiry). */
  readonly key: IdempotencyKey | null
  readonly actor: Actor
  /** For a company's wallet: the member who spends from it. */
  readonly memberId: string | null
  readonly reason: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** What a room above has against it: told, and kept, like what the ledger refuses. An earlier answer goes first. */
  readonly refusal?: Refusal
  /** The request names no payee: its answer has to, since who is meant may change. */
  readonly isPayeeAssumed?: boolean
  /** Goes into the audit log with the transfer, which is named in `after`; what is refused or replayed does not. */
  readonly act?: Act
  /** Nobody waits for the answer, who could mend the request: every refusal is kept under the key, for ever. */
  readonly isFinal?: boolean
}

/** Points come in: `charge` paid or bonus, `grant` bonus only. */
export interface Charge {
  readonly kind: 'charge' | 'grant'
  readonly walletId: string
  readonly class: 'paid' | 'bonus'
  readonly amount: number
  /** When the points were first issued, for balances that come from elsewhere; without it, now. It decides `fifo`. */
  readonly issuedAt?: Date | null
  readonly expiresAt: Date | null
  readonly paymentId: string | null
}

/** Points of a wallet are spent at a merchant. */
export interface Spend {
  readonly kind: 'spend'
  readonly walletId: string
  readonly merchantId: string
  readonly amount: number
}

/** Spent points go back to the very lots they came from; without an amount, all that is left to refund. */
export interface Refund {
  readonly kind: 'refund'
  readonly transferId: string
  readonly amount: number | null
}

/** A charge or grant is taken back while its lot is whole. */
export interface Cancel {
  readonly kind: 'cancel'
  readonly transferId: string
}

/** A gift or a stake: points change hands and keep class, expiry and where they came from. */
export interface Move {
  readonly kind: 'move'
  readonly walletId: string
  readonly toWalletId: string
  readonly amount: number
}

/** Points of a pot become a prize in a wallet. */
export interface Reward {
  readonly kind: 'reward'
  readonly potId: string
  readonly walletId: string
  readonly amount: number
  readonly expiresAt: Date | null
}

/** Points are set aside, in spend order or on the lot named, for a merchant or for payout. */
export interface Hold {
  readonly kind: 'hold'
  readonly walletId: string
  /** A merchant, or the system's payout account: posted, such a hold is a `payout`. */
  readonly payeeId: string
  readonly amount: number
  readonly expiresInSeconds: number
  readonly lotId: string | null
}

/** A hold is carried out, whole or in part; what is left is released. */
export interface Post {
  readonly kind: 'post'
  readonly holdId: string
  readonly amount: number | null
}

/** A hold is released whole. */
export interface Void {
  readonly kind: 'void'
  readonly holdId: string
}

/** What is due in a wallet or pot is booked: holds that ran out, lots past their expiry. */
export interface Expire {
  readonly kind: 'expire'
  readonly walletId: string
}

/** A correction by the operator: signed; a negative one takes from lots of the class in spend order. */
export interface Adjust {
  readonly kind: 'adjust'
  readonly accountId: string
  readonly class: Class
  readonly amount: number
}

/**
 * Points that were given and are no longer due are taken back from what is left of the lot that they came in as, and of
 * what refunds have issued anew of it in the same wallet: what is free there, and at most so much; its transfer is an
 * `adjust` and says how much. Where nothing is free: refused.
 */
export interface TakeBack {
  readonly kind: 'take-back'
  readonly lotId: string
  readonly upTo: number
}

/** Points leave for money: the unspent part of a paid lot, or what a merchant has earned. */
export interface Payout {
  readonly kind: 'payout'
  readonly from: { readonly lotId: string } | { readonly merchantId: string }
  readonly amount: number
}

/** One thing to decide and book, with who wants it and under which key. */
export type Command = CommandContext &
  (Charge | Spend | Refund | Cancel | Move | Reward | Hold | Post | Void | Expire | Adjust | TakeBack | Payout)

/** The part of a lot that a transfer touched; amounts are positive. */
export interface LotShare {
  readonly lotId: string
  readonly class: Class
  readonly amount: number
  readonly expiresAt: Date | null
}

/** A booked movement from payer to payee, as its first answer showed it. */
export interface Transfer {
  readonly id: string
  readonly kind: TransferKind
  readonly amount: number
  readonly payerId: string
  readonly payeeId: string
  readonly memberId: string | null
  readonly actor: Actor
  /** Place among the transfers of the wallet that was decided on (the payer where both sides are wallets). */
  readonly seq: number | null
  readonly reason: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly createdAt: Date
  readonly reverses: string | null
  readonly holdId: string | null
  readonly lots: readonly LotShare[]
  /** Balance of that wallet after it, held points included. */
  readonly balanceAfter: number | null
}

/** What became of a command. A refusal is an outcome, never an exception: it does not disturb its neighbours. */
export type Outcome =
  | {
      readonly status: 'done'
      readonly transfer: Transfer
      readonly hold: HoldState | null
      readonly replayed: boolean
    }
  | { readonly status: 'refused'; readonly problem: Refusal; readonly replayed: boolean }
  /** What was due has been booked (`expire`); there may be more. */
  | { readonly status: 'booked'; readonly more: boolean }
  /** Nothing was decided: an account is locked by somebody else, or the batch was full. */
  | { readonly status: 'again'; readonly isLocked: boolean }

/** Why a command was refused, as the parts of a `Problem`. */
export interface Refusal {
  readonly kind: ProblemKind
  readonly params: ProblemParams
}

/** A hold as it stood when it was read or answered; amounts are whole points. */
export interface HoldState {
  readonly id: string
  readonly walletId: string
  readonly payeeId: string
  readonly status: 'pending' | 'posted' | 'voided' | 'expired'
  readonly amount: number
  readonly postedAmount: number
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly memberId: string | null
  readonly reason: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** The transfer that spent what was held: the one to refund. */
  readonly postTransferId: string | null
  readonly lots: readonly LotShare[]
}

/** Settings of the programme that the ledger decides by. */
export interface LedgerSettings {
  readonly spendOrder: 'bonus-first' | 'fifo'
  /** A refund into a lot that has expired opens a new one for this many days, once; 0 forfeits it. */
  readonly refundGraceDays: number
}
