import { classes } from '../commands.ts'
import type { Recount, RecountedHold, RecountedLot } from './recount.ts'

/** One field that is not what the journal says, or one row of the journal that contradicts others. */
export interface Difference {
  readonly kind: 'account' | 'lot' | 'hold' | 'balance' | 'watermark' | 'journal'
  /** The wallet, pot, merchant or system account concerned, where there is one. */
  readonly accountId: string | null
  /** Of the lot, hold, transfer or account. */
  readonly id: string
  readonly field: string
  /** What the journal says; null where nothing should be. */
  readonly expected: string | null
  readonly found: string | null
}

/** Whether a repair can mend it: projections can be made again, the journal can't. */
export function isMendable(difference: Difference): boolean {
  return difference.kind !== 'journal' && !(difference.kind === 'account' && difference.field === 'existence')
}

/**
 * Whether a row of the journal is wrong only about what the account had after it, as when a projection was wrong while
 * it was booked. What it moved is not in doubt: projections can be made from it, and the remark is written down.
 */
export function isRemark({ kind, field }: Difference): boolean {
  return kind === 'journal' && field === 'balanceAfter'
}

/** Rows as found, numbers as text: what was tampered with may be beyond every number. */
export interface FoundAccount {
  readonly id: string
  readonly bonus: string
  readonly prize: string
  readonly paid: string
  readonly held: string
  readonly seq: string
  readonly lastAt: Date
  /** Something of the account is due and nobody would notice. */
  readonly overlooked: Date | null
  readonly closedAt: Date | null
}

export interface FoundLot {
  readonly id: string
  readonly accountId: string
  readonly class: string
  readonly issuedAt: Date
  readonly amount: string
  readonly remaining: string
  readonly held: string
  readonly transferId: string
  readonly sourceLotId: string | null
  readonly isReissued: boolean
  /** What is stored of the lot that it came from. */
  readonly isSourceReissued: boolean | null
}

export interface FoundHold {
  readonly id: string
  readonly accountId: string
  readonly payeeId: string
  readonly status: string
  readonly amount: string
  readonly postedAmount: string
  readonly expiresAt: Date
  readonly completedAt: Date | null
  readonly transferId: string
  readonly lotIds: readonly string[]
  readonly lotAmounts: readonly string[]
}

type Subject = Pick<Difference, 'kind' | 'accountId' | 'id'>

export function compareAccount(recount: Recount, found: FoundAccount | undefined): Difference[] {
  const subject: Subject = { kind: 'account', accountId: recount.accountId, id: recount.accountId }
  if (!found) return [missing(subject)]
  return fieldsThatDiffer(subject, [
    ['bonus', recount.balances.bonus, found.bonus],
    ['prize', recount.balances.prize, found.prize],
    ['paid', recount.balances.paid, found.paid],
    ['held', recount.held, found.held],
    ['seq', recount.seq, found.seq],
    ['lastAt', recount.lastAt, found.lastAt],
    ['nextDueAt', found.overlooked, null],
    // Whatever has points is open, or nobody could be given what is theirs.
    ['closedAt', isEmpty(recount) ? found.closedAt : null, found.closedAt],
  ])
}

function isEmpty({ balances }: Recount): boolean {
  return classes.every((name) => balances[name] === 0)
}

export function compareLot(lot: RecountedLot, found: FoundLot | undefined): Difference[] {
  const subject: Subject = { kind: 'lot', accountId: lot.accountId, id: lot.id }
  if (!found) return [missing(subject)]
  return fieldsThatDiffer(subject, [
    ['account', lot.accountId, found.accountId],
    ['class', lot.class, found.class],
    ['amount', lot.amount, found.amount],
    ['remaining', lot.remaining, found.remaining],
    ['held', lot.held, found.held],
    ['transfer', lot.transferId, found.transferId],
    ['reissued', lot.isReissued ?? found.isSourceReissued ?? false, found.isReissued],
    ...(lot.issuedAt ? [['issuedAt', lot.issuedAt, found.issuedAt] as const] : []),
    ...(lot.sourceLotId ? [['sourceLot', lot.sourceLotId, found.sourceLotId] as const] : []),
  ])
}

export function compareHold(hold: RecountedHold, found: FoundHold | undefined): Difference[] {
  const subject: Subject = { kind: 'hold', accountId: hold.accountId, id: hold.id }
  if (!found) return [missing(subject)]
  return fieldsThatDiffer(subject, [
    ['account', hold.accountId, found.accountId],
    ['payee', hold.payeeId, found.payeeId],
    ['status', statusOf(hold, found.expiresAt), found.status],
    ['amount', hold.amount, found.amount],
    ['postedAmount', hold.postedAmount, found.postedAmount],
    ['completedAt', hold.completedAt, found.completedAt],
    ['transfer', hold.transferId, found.transferId],
    ['lots', hold.lots.map((lot) => lot.lotId).join(), found.lotIds.join()],
    ['lotAmounts', hold.lots.map((lot) => lot.amount).join(), found.lotAmounts.join()],
  ])
}

/** Released before its time a hold was voided; at its time or later it expired. */
export function statusOf(hold: RecountedHold, expiresAt: Date): string {
  if (hold.status !== 'released') return hold.status
  return hold.completedAt! >= expiresAt ? 'expired' : 'voided'
}

/** Something that the journal does not know of. */
export function unknownTo(subject: Subject): Difference {
  return { ...subject, field: 'existence', expected: null, found: 'exists' }
}

function missing(subject: Subject): Difference {
  return { ...subject, field: 'existence', expected: 'exists', found: null }
}

type Value = string | number | boolean | Date | null

function fieldsThatDiffer(
  subject: Subject,
  fields: readonly (readonly [field: string, expected: Value, found: Value])[],
): Difference[] {
  return fields.flatMap(([field, expected, found]) => {
    const [wanted, is] = [toText(expected), toText(found)]
    return wanted === is ? [] : [{ ...subject, field, expected: wanted, found: is }]
  })
}

function toText(value: Value): string | null {
  return value === null ? null : value instanceof Date ? value.toISOString() : String(value)
}
