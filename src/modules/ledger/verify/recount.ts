import { type Class, classes, type TransferKind } from '../commands.ts'
import type { Difference } from './differences.ts'

/** A row of the journal as one of its two accounts sees it. */
export interface EntryRow {
  readonly accountId: string
  readonly isPayer: boolean
  readonly seq: number
  /** As text: what was tampered with may be beyond every number. */
  readonly balance: string
  readonly id: string
  readonly kind: TransferKind
  readonly amount: number
  readonly payeeId: string
  readonly lotIds: readonly string[]
  readonly lotClasses: readonly Class[]
  readonly lotAmounts: readonly string[]
  readonly lotHolds: readonly string[] | null
  readonly holdId: string | null
  readonly at: Date
}

/** A lot as the journal tells of it. */
export interface RecountedLot {
  readonly id: string
  readonly accountId: string
  readonly class: Class
  readonly amount: number
  remaining: number
  held: number
  readonly transferId: string
  readonly openedAt: Date
  /** Null where the journal does not tell. */
  readonly issuedAt: Date | null
  /** Null of lots that came by a move: it is as of the lot that they came from. */
  readonly isReissued: boolean | null
  /** Of lots that came by a move; the journal does not name the source of a lot that a refund issued anew. */
  readonly sourceLotId: string | null
  isCompared: boolean
}

/** A hold as the journal tells of it; a void does not say whether somebody asked for it or time did. */
export interface RecountedHold {
  readonly id: string
  readonly accountId: string
  readonly payeeId: string
  status: 'pending' | 'posted' | 'released'
  readonly amount: number
  postedAmount: number
  readonly transferId: string
  readonly openedAt: Date
  completedAt: Date | null
  readonly lots: readonly { readonly lotId: string; readonly amount: number }[]
}

/** What an account must be according to its rows of the journal until now. */
export interface Recount {
  readonly accountId: string
  seq: number
  lastAt: Date
  readonly balances: Record<Class, number>
  held: number
  /** What the last row says that the account had after it. */
  balanceAfter: string
  readonly lots: Map<string, RecountedLot>
  /** Those that have not been compared since they ended. */
  readonly holds: Map<string, RecountedHold>
  /** What contradicts itself in the journal. */
  readonly contradictions: Difference[]
}

export function openRecount(accountId: string): Recount {
  return {
    accountId,
    seq: 0,
    lastAt: new Date(0),
    balances: { bonus: 0, prize: 0, paid: 0 },
    held: 0,
    balanceAfter: '0',
    lots: new Map(),
    holds: new Map(),
    contradictions: [],
  }
}

/** Follows the journal by one row; rows come in the order of the account's own count. */
export function followEntry(recount: Recount, row: EntryRow): void {
  const contradict: Contradict = (field, expected, found) => {
    const subject = { kind: 'journal', accountId: recount.accountId, id: row.id } as const
    recount.contradictions.push({ ...subject, field, expected: String(expected), found: String(found) })
  }
  if (row.seq !== recount.seq + 1) contradict('seq', recount.seq + 1, row.seq)
  if (row.at < recount.lastAt) contradict('at', `not before ${recount.lastAt.toISOString()}`, row.at.toISOString())
  const before = totalOf(recount)
  recount.seq = row.seq
  recount.lastAt = row.at
  row.lotIds.forEach((_id, index) => {
    followLeg(recount, row, { index, contradict })
  })
  followHold(recount, row, contradict)
  const total = totalOf(recount)
  if (row.balance !== String(total) && row.balance !== carriedOn(recount.balanceAfter, total - before)) {
    contradict('balanceAfter', total, row.balance)
  }
  recount.balanceAfter = row.balance
}

/** Rows behind a wrong one go on from what it says, until the account is mended: the fault is told once. */
function carriedOn(balanceBefore: string, change: number): string {
  return String(BigInt(balanceBefore) + BigInt(change))
}

function totalOf({ balances }: Recount): number {
  return classes.reduce((sum, name) => sum + balances[name], 0)
}

type Contradict = (field: string, expected: string | number, found: string | number) => void

/** What leaves is the payer's, what comes in is the payee's, and only a payer sets aside. */
function followLeg(recount: Recount, row: EntryRow, at: { index: number; contradict: Contradict }): void {
  const { index, contradict } = at
  const id = row.lotIds[index]!
  const pointClass = row.lotClasses[index]!
  const amount = Number(row.lotAmounts[index])
  const held = Number(row.lotHolds?.[index] ?? 0)
  if (row.isPayer ? amount > 0 : amount <= 0) return
  let lot = recount.lots.get(id)
  if (!lot) {
    if (amount <= 0) {
      contradict('lots', 'lots of the account', id)
      return
    }
    lot = openLot(recount, row, index)
  }
  if (lot.class !== pointClass) contradict('lots', `${id} of class ${lot.class}`, pointClass)
  lot.remaining += amount
  lot.held += held
  lot.isCompared = false
  recount.balances[pointClass] += amount
  recount.held += held
  const isWithin = 0 <= lot.held && lot.held <= lot.remaining && lot.remaining <= lot.amount
  if (!isWithin) contradict('lots', `${id} within ${lot.amount}`, `${lot.remaining}, held ${lot.held}`)
}

/** Kinds whose lots are issued at the time of the transfer itself; what is charged may be older than the ledger. */
const issuing: ReadonlySet<TransferKind> = new Set<TransferKind>(['reward', 'adjust'])

function openLot(recount: Recount, row: EntryRow, index: number): RecountedLot {
  const lot: RecountedLot = {
    id: row.lotIds[index]!,
    accountId: recount.accountId,
    class: row.lotClasses[index]!,
    amount: Number(row.lotAmounts[index]),
    remaining: 0,
    held: 0,
    transferId: row.id,
    openedAt: row.at,
    issuedAt: issuing.has(row.kind) ? row.at : null,
    isReissued: row.kind === 'move' ? null : row.kind === 'refund',
    // A move names each lot that it takes from right before the one that it makes.
    sourceLotId: row.kind === 'move' ? (row.lotIds[index - 1] ?? null) : null,
    isCompared: false,
  }
  recount.lots.set(lot.id, lot)
  return lot
}

function followHold(recount: Recount, row: EntryRow, contradict: Contradict): void {
  if (!row.holdId) return
  if (row.kind === 'hold') {
    const lots = row.lotIds.map((lotId, index) => ({ lotId, amount: Number(row.lotHolds?.[index] ?? 0) }))
    recount.holds.set(row.holdId, {
      id: row.holdId,
      accountId: recount.accountId,
      payeeId: row.payeeId,
      status: 'pending',
      amount: row.amount,
      postedAmount: 0,
      transferId: row.id,
      openedAt: row.at,
      completedAt: null,
      lots,
    })
    return
  }
  const hold = recount.holds.get(row.holdId)
  if (hold?.status !== 'pending') {
    contradict('holdId', 'a pending hold', row.holdId)
    return
  }
  hold.status = row.kind === 'void' ? 'released' : 'posted'
  hold.postedAmount = row.kind === 'void' ? 0 : row.amount
  hold.completedAt = row.at
}
