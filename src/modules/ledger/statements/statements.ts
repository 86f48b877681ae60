import type { Sql } from '#platform/database'
import type { Actor, Work } from '#platform/work'
import type { Class, HoldState, LotShare, Transfer } from '../commands.ts'
import { isShownFromPayee } from '../sides.ts'
import type { IssuedLot } from '../state.ts'
import { lockAccounts, readRolledBalances } from '../store.ts'
import {
  type AccountRow,
  type AccountToOpen,
  type EntriesQuery,
  type ExpiringRow,
  findAccountRows,
  findHoldRow,
  findTransferRow,
  findUnbookedRow,
  insertAccounts,
  listEntryRows,
  listExpiringRows,
  listFirstLotIds,
  listLotRows,
  listRefundedRows,
  listTransferRows,
  markClosed,
  type TransferRow,
} from './store.ts'

/** Whatever can be read with: a unit of work, or the database itself. */
export interface Reads {
  readonly sql: Sql
}

/** Opens accounts with nothing in them; a merchant's id is its company's. Throws when an id is taken. */
export async function openAccounts(work: Work, accounts: readonly AccountToOpen[]): Promise<void> {
  await insertAccounts(work.sql, accounts)
}

/** A wallet or pot as booked; `isDue` when something has fallen due that is to be booked before this is shown. */
export type AccountState = AccountRow

/** The accounts among `ids` that exist, in no order. Merchants and the system show zeros here (`findRolledBalance`). */
export function findAccounts(reads: Reads, ids: readonly string[]): Promise<AccountState[]> {
  return findAccountRows(reads.sql, ids)
}

/** An account as booked, which nobody else changes until the unit of work ends; null where there is none. */
export async function lockAccount(work: Work, id: string): Promise<AccountState | null> {
  await lockAccounts(work.sql, { ids: [id], wait: true })
  // A later statement, so that it sees what was committed while this one waited.
  const [account] = await findAccounts(work, [id])
  return account ?? null
}

/** Closes a wallet for good: nothing comes in any more. Throws unless it is empty; lock it before (`lockAccount`). */
export async function closeAccount(work: Work, id: string): Promise<void> {
  await markClosed(work.sql, id)
}

/** A wallet in which something is due, as it will stand when that is booked: for while the database takes no writes. */
export async function findUnbooked(reads: Reads, wallet: AccountState): Promise<AccountState> {
  return { ...wallet, ...(await findUnbookedRow(reads.sql, wallet.id)) }
}

/** What a merchant or system account has by class, exact at the moment of reading; null for any other account. */
export async function findRolledBalance(reads: Reads, accountId: string): Promise<Record<Class, bigint> | null> {
  return (await readRolledBalances(reads.sql, [accountId])).get(accountId) ?? null
}

/** Free and held points of a wallet that will expire within so many days, the soonest first; at most 100 entries. */
export function listExpiring(reads: Reads, query: { walletId: string; withinDays: number }): Promise<ExpiringRow[]> {
  return listExpiringRows(reads.sql, query)
}

/** Lots of a wallet, newest first; `afterId` is the id of the last one seen. */
export function listLots(
  reads: Reads,
  query: { walletId: string; openOnly: boolean; afterId: string | null; limit: number },
): Promise<IssuedLot[]> {
  return listLotRows(reads.sql, query)
}

/**
 * The lots as which points first came into their wallet: where a refund has issued some anew, which it does once, the
 * lot that they were spent from. In no order, each once.
 */
export async function listFirstLots(reads: Reads, lotIds: readonly string[]): Promise<string[]> {
  return lotIds.length > 0 ? listFirstLotIds(reads.sql, lotIds) : []
}

/** A transfer as the journal has it, and what has been refunded of it until now. */
export interface JournalTransfer extends Transfer {
  readonly payerSeq: number | null
  readonly payerBalance: number | null
  readonly payeeSeq: number | null
  readonly payeeBalance: number | null
  readonly refundedAmount: number
}

/** A transfer of the journal, and how much of it was refunded so far; null when there is none. */
export async function findTransfer(reads: Reads, id: string): Promise<JournalTransfer | null> {
  const row = await findTransferRow(reads.sql, id)
  return row && toJournalTransfer(row, isShownFromPayee(row) ? row.payeeId : row.payerId)
}

/** What has been refunded of transfers until now, class by class; those of which nothing was are left out. */
export async function findRefunded(
  reads: Reads,
  ids: readonly string[],
): Promise<Map<string, Readonly<Record<Class, number>>>> {
  const rows = await listRefundedRows(reads.sql, ids)
  return new Map(rows.map(({ id, ...refunded }) => [id, refunded]))
}

/** A line of a wallet's statement. */
export interface Entry {
  readonly transfer: JournalTransfer
  readonly seq: number
  /** Signed change of the balance. */
  readonly amount: number
  /** Signed change of the held points. */
  readonly heldChange: number
  readonly balanceAfter: number
  /** Lots of this wallet that were touched; amounts are positive. */
  readonly lots: readonly LotShare[]
}

/** A wallet's statement, newest first by its own count; `balanceAfter` forms an unbroken chain. */
export async function listEntries(reads: Reads, query: EntriesQuery): Promise<Entry[]> {
  const rows = await listEntryRows(reads.sql, query)
  return rows.map((row) => toEntry(row, query.walletId))
}

/** The lines that transfers are in the statements of wallets, in the order in which they are asked for. */
export async function findEntries(
  reads: Reads,
  asked: readonly { readonly transferId: string; readonly walletId: string }[],
): Promise<Entry[]> {
  const rows = await listTransferRows(reads.sql, [...new Set(asked.map(({ transferId }) => transferId))])
  const known = new Map(rows.map((row) => [row.id, row]))
  return asked.map(({ transferId, walletId }) => toEntry(known.get(transferId)!, walletId))
}

/** A hold as it stands now, and who made it. */
export interface JournalHold extends HoldState {
  readonly actor: Actor
}

/** A hold as it stands now; null when there is none. */
export async function findHold(reads: Reads, id: string): Promise<JournalHold | null> {
  const found = await findHoldRow(reads.sql, id)
  if (!found) return null
  const { actorType: type, actorId, ...row } = found
  const toShare = (lot: (typeof row.lots)[number]): LotShare => ({ ...lot, expiresAt: toExpiry(lot.expiresAt) })
  return { ...row, actor: { type, id: actorId }, lots: row.lots.map(toShare) }
}

function toEntry(row: TransferRow, walletId: string): Entry {
  const isPayer = row.payerId === walletId
  const mine = row.lotAccounts.map((accountId) => accountId === walletId)
  const sum = (values: readonly number[]) => values.reduce((total, value, at) => (mine[at] ? total + value : total), 0)
  return {
    transfer: toJournalTransfer(row, walletId),
    seq: (isPayer ? row.payerSeq : row.payeeSeq)!,
    amount: sum(row.lotAmounts),
    heldChange: row.lotHolds ? sum(row.lotHolds) : 0,
    balanceAfter: (isPayer ? row.payerBalance : row.payeeBalance)!,
    lots: sharesOf(row, walletId),
  }
}

function toJournalTransfer(row: TransferRow, walletId: string): JournalTransfer {
  const isPayee = isShownFromPayee(row)
  return {
    id: row.id,
    kind: row.kind,
    amount: row.amount,
    payerId: row.payerId,
    payeeId: row.payeeId,
    payerSeq: row.payerSeq,
    payerBalance: row.payerBalance,
    payeeSeq: row.payeeSeq,
    payeeBalance: row.payeeBalance,
    memberId: row.memberId,
    actor: { type: row.actorType, id: row.actorId },
    seq: isPayee ? row.payeeSeq : row.payerSeq,
    reason: row.reason,
    reference: row.reference,
    metadata: row.metadata,
    createdAt: row.at,
    reverses: row.reverses,
    holdId: row.holdId,
    lots: sharesOf(row, walletId),
    balanceAfter: isPayee ? row.payeeBalance : row.payerBalance,
    refundedAmount: row.refundedAmount,
  }
}

/** Of a hold or void the parts held or released; of anything else the parts that came or went. */
function sharesOf(row: TransferRow, walletId: string): LotShare[] {
  const isAside = row.kind === 'hold' || row.kind === 'void'
  const changes = isAside ? row.lotHolds! : row.lotAmounts
  return row.lotIds.flatMap((lotId, at) => {
    const amount = Math.abs(changes[at]!)
    if (amount === 0 || row.lotAccounts[at] !== walletId) return []
    return [{ lotId, class: row.lotClasses[at]!, amount, expiresAt: toExpiry(row.lotExpiries[at]!) }]
  })
}

function toExpiry(text: string | null): Date | null {
  return text === null || text === 'infinity' ? null : new Date(text)
}
