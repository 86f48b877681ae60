import type { Database, Sql, TransactionSql } from '#platform/database'
import {
  compareAccount,
  compareHold,
  compareLot,
  type Difference,
  type FoundAccount,
  type FoundLot,
  unknownTo,
} from './differences.ts'
import { followEntry, openRecount, type Recount } from './recount.ts'
import {
  findAccountsIn,
  findHoldsById,
  findLotsById,
  listAccountSizes,
  listEntryRows,
  listLotsIn,
  type Range,
} from './store.ts'

/** Accounts that are recounted together: a range of ids, or a single one that has a long history. */
export interface Group extends Range {
  readonly accounts: number
  readonly isLong: boolean
}

const entriesMax = 5_000
const accountsMax = 1_000
const lotsMax = 20_000
const seqMax = Number.MAX_SAFE_INTEGER
const lowestId = '00000000-0000-0000-0000-000000000000'
const highestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Every account that there may be, in groups small enough to be read in a moment. */
export async function* listGroups(sql: Sql): AsyncGenerator<Group> {
  let from = lowestId
  let gathered = { accounts: 0, entries: 0, to: lowestId }
  for (let afterId = lowestId; ; ) {
    const page = await listAccountSizes(sql, afterId)
    for (const { id, seq } of page) {
      const isFull = gathered.entries + seq > entriesMax || gathered.accounts === accountsMax
      if (gathered.accounts > 0 && isFull) {
        yield { from, to: gathered.to, accounts: gathered.accounts, isLong: false }
        from = neighbour(gathered.to, 1n)
        gathered = { accounts: 0, entries: 0, to: gathered.to }
      }
      if (seq > entriesMax) {
        if (from < id) yield { from, to: neighbour(id, -1n), accounts: 0, isLong: false }
        yield { from: id, to: id, accounts: 1, isLong: true }
        from = neighbour(id, 1n)
      } else gathered = { accounts: gathered.accounts + 1, entries: gathered.entries + seq, to: id }
    }
    if (page.length === 0) break
    afterId = page.at(-1)!.id
  }
  yield { from, to: highestId, accounts: gathered.accounts, isLong: false }
}

/** The group of one account. */
export function groupOf(accountId: string): Group {
  return { from: accountId, to: accountId, accounts: 1, isLong: true }
}

function neighbour(id: string, step: bigint): string {
  const hex = (BigInt(`0x${id.replaceAll('-', '')}`) + step).toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** What was found of a group in one moment. */
export interface Inspection {
  readonly recounts: ReadonlyMap<string, Recount>
  readonly differences: readonly Difference[]
}

/** How the moments are made: of one snapshot each, or under the locks of the accounts, with a repair in each. */
export interface Moments {
  /** Runs before anything is read in the transaction. */
  begin(sql: TransactionSql): Promise<void>
  /** Runs when the differences of the moment are known, in its transaction. */
  end(sql: TransactionSql, inspection: Inspection): Promise<void>
}

/**
 * Recounts the accounts of a group from the journal and compares what is stored. A long history is read page by page
 * beforehand, since what was committed of it never changes; then each moment reads what came since, and some lots.
 * An account and its journal commit together, so that each moment is exact while others book.
 */
export async function inspectGroup(database: Database, group: Group, moments: Moments): Promise<Difference[]> {
  const recounts = new Map<string, Recount>()
  const differences: Difference[] = []
  if (group.isLong) await followHistory(database.sql, group, recounts)
  for (let after: { accountId: string; id: string } | null = null; ; ) {
    const lots: FoundLot[] = await database.transaction(async (sql) => {
      await moments.begin(sql)
      const { found, page } = await readMoment(sql, { group, recounts, after })
      const isLast = page.length < lotsMax
      const seen = [...compareLots(recounts, page), ...(isLast ? await compareRest(sql, { recounts, found }) : [])]
      await moments.end(sql, { recounts, differences: seen })
      differences.push(...seen)
      return page
    })
    if (lots.length < lotsMax) break
    const { accountId, id } = lots.at(-1)!
    after = { accountId, id }
  }
  return [...differences, ...[...recounts.values()].flatMap((recount) => recount.contradictions)]
}

/** Follows what the only account of a group has behind it. */
async function followHistory(sql: Sql, group: Group, recounts: Map<string, Recount>): Promise<void> {
  const recount = recountOf(recounts, group.from)
  for (;;) {
    const untilSeq = recount.seq + entriesMax
    const rows = await listEntryRows(sql, { ...group, afterSeq: recount.seq, untilSeq })
    for (const row of rows) followEntry(recount, row)
    if (rows.length < entriesMax) return
    await forgetEndedHolds(sql, recount)
  }
}

/** A history may have millions of holds; those that have ended never change again, and are forgotten when right. */
async function forgetEndedHolds(sql: Sql, recount: Recount): Promise<void> {
  const ended = [...recount.holds.values()].filter((hold) => hold.status !== 'pending')
  const ids = ended.map((hold) => hold.id)
  const found = new Map((await findHoldsById(sql, ids)).map((hold) => [hold.id, hold]))
  for (const hold of ended) {
    if (compareHold(hold, found.get(hold.id)).length === 0) recount.holds.delete(hold.id)
  }
}

/** The accounts, the next lots, and the journal of the group up to this moment. */
async function readMoment(
  sql: Sql,
  read: {
    group: Group
    recounts: Map<string, Recount>
    after: { accountId: string; id: string } | null
  },
): Promise<{ found: FoundAccount[]; page: FoundLot[] }> {
  const { group, recounts, after } = read
  const afterSeq = group.isLong ? recountOf(recounts, group.from).seq : 0
  const followed = new Map([...recounts].map(([accountId, { seq }]) => [accountId, seq]))
  const [found, page, rows] = await Promise.all([
    findAccountsIn(sql, group),
    listLotsIn(sql, { ...group, after, limit: lotsMax }),
    listEntryRows(sql, { ...group, afterSeq, untilSeq: seqMax }),
  ])
  for (const account of found) recountOf(recounts, account.id)
  for (const row of rows) {
    if (row.seq > (followed.get(row.accountId) ?? 0)) followEntry(recountOf(recounts, row.accountId), row)
  }
  return { found, page }
}

function recountOf(recounts: Map<string, Recount>, accountId: string): Recount {
  let recount = recounts.get(accountId)
  if (!recount) {
    recount = openRecount(accountId)
    recounts.set(accountId, recount)
  }
  return recount
}

function compareLots(recounts: ReadonlyMap<string, Recount>, page: readonly FoundLot[]): Difference[] {
  return page.flatMap((found) => {
    const { accountId, id } = found
    const lot = recounts.get(accountId)?.lots.get(id)
    if (!lot) return [unknownTo({ kind: 'lot', accountId, id })]
    lot.isCompared = true
    return compareLot(lot, found)
  })
}

/** Whatever no page of lots has shown, the holds, and the accounts themselves. */
async function compareRest(
  sql: Sql,
  { recounts, found }: { recounts: ReadonlyMap<string, Recount>; found: readonly FoundAccount[] },
): Promise<Difference[]> {
  const all = [...recounts.values()]
  const lots = all.flatMap((recount) => [...recount.lots.values()].filter((lot) => !lot.isCompared))
  const holds = all.flatMap((recount) => [...recount.holds.values()])
  const [foundLots, foundHolds] = await Promise.all([
    lots.length > 0
      ? findLotsById(
          sql,
          lots.map((lot) => lot.id),
        )
      : [],
    holds.length > 0
      ? findHoldsById(
          sql,
          holds.map((hold) => hold.id),
        )
      : [],
  ])
  const lotById = new Map(foundLots.map((lot) => [lot.id, lot]))
  const holdById = new Map(foundHolds.map((hold) => [hold.id, hold]))
  const accountById = new Map(found.map((account) => [account.id, account]))
  return [
    ...lots.flatMap((lot) => compareLot(lot, lotById.get(lot.id))),
    ...holds.flatMap((hold) => compareHold(hold, holdById.get(hold.id))),
    ...all.flatMap((recount) => compareAccount(recount, accountById.get(recount.accountId))),
  ]
}
