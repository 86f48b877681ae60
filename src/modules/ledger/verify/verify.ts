import type { Database } from '#platform/database'
import { type Class, classes } from '../commands.ts'
import { inspectGroup, listGroups } from './accounts.ts'
import { type Difference, isMendable, isRemark, unknownTo } from './differences.ts'
import {
  findExtent,
  findWatermarks,
  findWindow,
  listBalancesAt,
  listUnsound,
  listWithoutBalance,
  sumWindow,
} from './journal-store.ts'
import { countAccounts, listOverReversed, listRemarks, listUnknownHolds, type Remark, shareSnapshot } from './store.ts'

/** What is being looked through, and how far; `of` is null where nobody knows without counting. */
export interface VerifyProgress {
  readonly step: 'journal' | 'reversals' | 'accounts' | 'holds' | 'balances'
  readonly done: number
  readonly of: number | null
}

/** What a verification tells on its way. An aborted `signal` ends it between two reads. */
export interface VerifyOptions {
  readonly onProgress?: (progress: VerifyProgress) => void
  readonly onDifference?: (difference: Difference) => void
  readonly signal?: AbortSignal
}

/** What a verification has seen, and what a repair needs to know of it. */
export interface VerifyReport {
  readonly transfers: number
  readonly accounts: number
  readonly differences: number
  /**
   * Accounts that a repair has something to do for, each with what only the whole verification knows: holds that the
   * journal does not know of, and wrong remarks of the journal.
   */
  readonly mendable: ReadonlyMap<string, readonly Difference[]>
  /** Accounts whose journal contradicts itself: nothing can be made again from it. */
  readonly contradicted: ReadonlySet<string>
  /** What merchants and the system must have at a place in the journal, and where what is stored says otherwise. */
  readonly balances: {
    readonly position: number
    readonly expected: Balances
    readonly differences: readonly Difference[]
  }
}

type Balances = ReadonlyMap<string, Readonly<Record<Class, bigint>>>

/**
 * Recomputes every projection from the journal and tells of each difference, while others book: every part is read in
 * a short snapshot of its own, so that the horizon is never held. Lots and holds that are right take memory only while
 * their own account is looked at. Remarks of the journal that a repair has written down are not told again. Throws when
 * the signal is aborted, and when the database fails.
 */
export async function verifyLedger(database: Database, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { onProgress = () => {}, onDifference = () => {}, signal } = options
  const writtenDown = new Set((await listRemarks(database.sql)).map(toKey))
  const found: Found = { count: 0, mendable: new Map(), contradicted: new Set(), ofBalances: [] }
  const run: Run = {
    database,
    onProgress(progress) {
      signal?.throwIfAborted()
      onProgress(progress)
    },
    tell(differences) {
      for (const difference of differences) {
        if (writtenDown.has(toKey(difference))) continue
        note(found, difference)
        onDifference(difference)
      }
    },
  }
  const { position, transfers, expected } = await verifyJournal(run)
  await verifyReversals(run)
  const accounts = await verifyAccounts(run)
  await verifyHolds(run)
  await verifyBalances(run, { position, expected })
  const { count, ofBalances, mendable, contradicted } = found
  const balances = { position, expected, differences: ofBalances }
  return { transfers, accounts, differences: count, mendable, contradicted, balances }
}

interface Found {
  count: number
  readonly mendable: Map<string, Difference[]>
  readonly contradicted: Set<string>
  readonly ofBalances: Difference[]
}

function note(found: Found, difference: Difference): void {
  const { kind, accountId, field, expected } = difference
  found.count += 1
  if (kind === 'journal' && accountId && !isRemark(difference)) found.contradicted.add(accountId)
  else if (kind === 'balance' || kind === 'watermark') found.ofBalances.push(difference)
  else if ((isMendable(difference) || isRemark(difference)) && accountId) {
    const known = found.mendable.get(accountId) ?? []
    const isUnknownHold = kind === 'hold' && field === 'existence' && expected === null
    if (isUnknownHold || isRemark(difference)) known.push(difference)
    found.mendable.set(accountId, known)
  }
}

function toKey({ accountId, id, field, found }: Remark): string {
  return [accountId, id, field, found].join()
}

interface Run {
  readonly database: Database
  onProgress(progress: VerifyProgress): void
  tell(differences: readonly Difference[]): void
}

const windowRowsMax = 20_000
const pageMax = 2_000
const lowestId = '00000000-0000-0000-0000-000000000000'

/** Every row up to the horizon: whether it is sound by itself, and what it brought to accounts without lots. */
async function verifyJournal(run: Run): Promise<{ position: number; transfers: number; expected: Balances }> {
  const { sql } = run.database
  const { first, horizon } = await findExtent(sql)
  const expected = new Map<string, Record<Class, bigint>>()
  let transfers = 0
  for (let from = first; from < horizon; ) {
    const window = await findWindow(sql, { from, until: horizon, rowsMax: windowRowsMax })
    const [sums, unsound] = await Promise.all([sumWindow(sql, window), listUnsound(sql, window)])
    for (const { accountId, count, ...sum } of sums) {
      transfers += count
      if (accountId === null) continue
      const balance = expected.get(accountId) ?? { bonus: 0n, prize: 0n, paid: 0n }
      for (const name of classes) balance[name] += BigInt(sum[name])
      expected.set(accountId, balance)
    }
    run.tell(unsound)
    from = window.to
    run.onProgress({ step: 'journal', done: from - first, of: horizon - first })
  }
  return { position: horizon, transfers, expected }
}

async function verifyReversals(run: Run): Promise<void> {
  let done = 0
  for (let afterId: string | null = lowestId; afterId !== null; ) {
    const { lastId, wrong }: Awaited<ReturnType<typeof listOverReversed>> = await listOverReversed(run.database.sql, {
      afterId,
      limit: pageMax,
    })
    run.tell(wrong)
    afterId = lastId
    done += pageMax
    run.onProgress({ step: 'reversals', done, of: null })
  }
}

async function verifyAccounts(run: Run): Promise<number> {
  const of = await countAccounts(run.database.sql)
  let accounts = 0
  for await (const group of listGroups(run.database.sql)) {
    run.tell(await inspectGroup(run.database, group, { begin: shareSnapshot, end: async () => {} }))
    accounts += group.accounts
    run.onProgress({ step: 'accounts', done: accounts, of: Math.max(of, accounts) })
  }
  return accounts
}

/** What holds say is compared with their accounts; here only those are left that no row of the journal has opened. */
async function verifyHolds(run: Run): Promise<void> {
  let done = 0
  for (let afterId: string | null = lowestId; afterId !== null; ) {
    const { lastId, unknown }: Awaited<ReturnType<typeof listUnknownHolds>> = await listUnknownHolds(run.database.sql, {
      afterId,
      limit: pageMax,
    })
    run.tell(unknown.map(({ id, accountId }) => unknownTo({ kind: 'hold', accountId, id })))
    afterId = lastId
    done += pageMax
    run.onProgress({ step: 'holds', done, of: null })
  }
}

async function verifyBalances(run: Run, { position, expected }: { position: number; expected: Balances }) {
  const { sql } = run.database
  const { watermark, horizon, furthest } = await findWatermarks(sql)
  const subject = { kind: 'watermark', accountId: null, id: 'roll-up', field: 'watermark' } as const
  if (watermark > horizon) run.tell([{ ...subject, expected: `at most ${horizon}`, found: String(watermark) }])
  if (watermark < furthest) run.tell([{ ...subject, expected: `at least ${furthest}`, found: String(watermark) }])
  const without = await listWithoutBalance(sql)
  const isMissing = { kind: 'balance', field: 'existence', expected: 'exists', found: null } as const
  run.tell(without.map((id) => ({ ...isMissing, accountId: id, id })))
  let done = 0
  for (let afterId = lowestId; ; ) {
    const page = await listBalancesAt(sql, { position, afterId, limit: 100 })
    for (const found of page) run.tell(compareBalance(found, expected.get(found.accountId)))
    done += page.length
    run.onProgress({ step: 'balances', done, of: null })
    if (page.length === 0) return
    afterId = page.at(-1)!.accountId
  }
}

function compareBalance(
  found: { accountId: string } & Readonly<Record<Class, string>>,
  expected: Readonly<Record<Class, bigint>> | undefined,
): Difference[] {
  const { accountId } = found
  return classes.flatMap((name) => {
    const wanted = String(expected?.[name] ?? 0n)
    if (wanted === found[name]) return []
    return [{ kind: 'balance' as const, accountId, id: accountId, field: name, expected: wanted, found: found[name] }]
  })
}
