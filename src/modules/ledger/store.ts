import { type Sql, sparse, type TransactionSql } from '#platform/database'
import { canonicalJson } from '#platform/idempotency'
import type { Class } from './commands.ts'
import type { Account, Delta, Due, Hold, IssuedLot, JournalRow, Lot, LotPage, Original } from './state.ts'

const accountColumns = `id, kind, bonus, prize, paid, held, seq, last_at as "lastAt", next_due_at as "nextDueAt",
  closed_at as "closedAt"`

const lotColumns = `id, account_id as "accountId", class, issued_at as "issuedAt", expires_at as "expiresAt",
  amount, remaining, held, payment_id as "paymentId", reissued as "isReissued"`

const holdColumns = `h.id, h.account_id as "accountId", h.payee_id as "payeeId", h.status, h.amount,
  h.posted_amount as "postedAmount", h.expires_at as "expiresAt", h.lot_ids as "lotIds", h.lot_amounts as "lotAmounts",
  t.at as "createdAt", t.member_id as "memberId", t.reason, t.reference, t.metadata`
const holdTables = 'ledger.hold h join ledger.transfer t on t.id = h.transfer_id'

/**
 * Locks accounts in the order of their ids and answers them as they are then. Without `wait`, those that somebody
 * else holds are left out: with plain waiting, one process stopped inside a transaction stopped all others.
 */
export function lockAccounts(sql: Sql, { ids, wait }: { ids: readonly string[]; wait: boolean }): Promise<Account[]> {
  return sql.rows<Account>(
    `select ${accountColumns} from ledger.account where id = any($1::uuid[]) order by id for update ${
      wait ? '' : 'skip locked'
    }`,
    [ids],
  )
}

/** A place to return to without the locks taken after it. */
export async function markNothingLocked(sql: Sql): Promise<void> {
  await sql.run('savepoint nothing_locked')
}

/** Gives back every lock taken since the mark. */
export async function unlockSinceMark(sql: Sql): Promise<void> {
  await sql.run('rollback to savepoint nothing_locked')
}

/** Accounts without a lock: their kinds, for those that are never changed or could not be locked. */
export function findAccountKinds(sql: Sql, ids: readonly string[]): Promise<Account[]> {
  return sql.rows<Account>(`select ${accountColumns} from ledger.account where id = any($1::uuid[])`, [ids])
}

/** The programme's time, in a statement of its own after the locks: in theirs it is taken before the wait. */
export async function readClock(sql: Sql): Promise<Date> {
  return (await sql.rows<{ now: Date }>('select platform.programme_time() as now'))[0]!.now
}

const pageSql = (order: string) => `
  select l.* from unnest($1::uuid[]) as wanted (id)
  cross join lateral (
    select ${lotColumns} from ledger.lot where account_id = wanted.id and open order by ${order} limit $2
  ) l`
const pageBonusFirst = pageSql('class, expires_at, issued_at, id')
const pageFifo = pageSql('issued_at, id')

/** The first open lots of each account in spend order, by an index: a running sum would read them all. */
export async function readLotPages(
  sql: Sql,
  { accountIds, order, size }: { accountIds: readonly string[]; order: 'bonus-first' | 'fifo'; size: number },
): Promise<Map<string, LotPage>> {
  const pages = new Map<string, { lots: Lot[]; isComplete: boolean }>()
  for (const id of accountIds) pages.set(id, { lots: [], isComplete: true })
  for (const lot of await sql.rows<Lot>(order === 'fifo' ? pageFifo : pageBonusFirst, [accountIds, size])) {
    const page = pages.get(lot.accountId)!
    page.lots.push(lot)
    page.isComplete = page.lots.length < size
  }
  return pages
}

export function findLots(sql: Sql, ids: readonly string[]): Promise<Lot[]> {
  return sql.rows<Lot>(`select ${lotColumns} from ledger.lot where id = any($1::uuid[])`, [ids])
}

/** What refunds have issued anew of these lots, and what others were moved of that. */
export function findReissues(sql: Sql, lotIds: readonly string[]): Promise<IssuedLot[]> {
  return sql.rows<IssuedLot>(
    `select ${lotColumns}, transfer_id as "transferId", source_lot_id as "sourceLotId"
     from ledger.lot where source_lot_id = any($1::uuid[]) and reissued order by id`,
    [lotIds],
  )
}

export async function findHolds(sql: Sql, ids: readonly string[]): Promise<Hold[]> {
  const rows = await sql.rows<HoldRow>(`select ${holdColumns} from ${holdTables} where h.id = any($1::uuid[])`, [ids])
  return rows.map(toHold)
}

/** Transfers that others reverse, with what has been reversed of each until now. */
export async function findOriginals(sql: Sql, ids: readonly string[]): Promise<Original[]> {
  const rows = await sql.rows<OriginalRow>(
    `select t.id, t.kind, t.amount, t.payer_id as "payerId", t.payee_id as "payeeId", t.lot_ids as "lotIds",
       t.lot_classes::text[] as "lotClasses", t.lot_amounts as "lotAmounts",
       coalesce((select sum(r.amount) from ledger.transfer r where r.reverses = t.id and r.kind = 'refund'), 0)::bigint
         as "refundedAmount",
       exists (select from ledger.transfer r where r.reverses = t.id and r.kind = 'cancel') as "isCancelled"
     from ledger.transfer t where t.id = any($1::uuid[])`,
    [ids],
  )
  return rows.map(({ lotIds, lotClasses, lotAmounts, ...row }) => ({
    ...row,
    legs: lotIds.map((lotId, at) => ({ lotId, class: lotClasses[at]!, amount: lotAmounts[at]! })),
  }))
}

const dueMax = 1_000

/** What has fallen due in an account by `until`, at most a thousand lots and holds, and when the next thing will. */
export async function readDue(sql: Sql, { accountId, until }: { accountId: string; until: Date }): Promise<Due> {
  const [lots, holds, next] = await Promise.all([
    sql.rows<Lot>(
      `select ${lotColumns} from ledger.lot
       where account_id = $1 and open and class = any('{bonus,prize,paid}'::ledger.class[]) and expires_at <= $2
       limit ${dueMax}`,
      [accountId, until],
    ),
    sql.rows<HoldRow>(
      `select ${holdColumns} from ${holdTables}
       where h.account_id = $1 and h.status = 'pending' and h.expires_at <= $2 limit ${dueMax}`,
      [accountId, until],
    ),
    sql.rows<{ at: Date | null }>(
      `select least(
         (select min(expires_at) from unnest('{bonus,prize,paid}'::ledger.class[]) as each (class) cross join lateral (
            select expires_at from ledger.lot
            where account_id = $1 and open and class = each.class and expires_at > $2 order by expires_at limit 1
          ) soonest),
         (select min(expires_at) from ledger.hold where account_id = $1 and status = 'pending' and expires_at > $2)
       ) as at`,
      [accountId, until],
    ),
  ])
  const hasMore = lots.length === dueMax || holds.length === dueMax
  // What did not fit is due already.
  return { lots, holds: holds.map(toHold), nextDueAt: hasMore ? new Date(0) : next[0]!.at, hasMore }
}

/** Wallets and pots in which something is due and not booked yet, the longest overdue first. */
export async function listDueAccounts(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(
    `select id from ledger.account where next_due_at <= (select platform.programme_time())
     order by next_due_at limit $1`,
    [limit],
  )
  return rows.map(({ id }) => id)
}

/** What merchants have: the folded value and, in the same statement, the journal past its watermark. */
export async function readRolledBalances(
  sql: Sql,
  accountIds: readonly string[],
): Promise<Map<string, Record<Class, bigint>>> {
  const rows = await sql.rows<{ id: string } & Record<Class, string>>(
    `select r.account_id as id, r.bonus + coalesce(tail.bonus, 0) as bonus,
       r.prize + coalesce(tail.prize, 0) as prize, r.paid + coalesce(tail.paid, 0) as paid
     from ledger.rolled_balance r
     cross join lateral (
       select sum(bonus) as bonus, sum(prize) as prize, sum(paid) as paid from (
         select bonus, prize, paid from ledger.transfer
         where payee_id = r.account_id and payee_seq is null and position >= r.watermark
         union all
         select -bonus, -prize, -paid from ledger.transfer
         where payer_id = r.account_id and payer_seq is null and position >= r.watermark
       ) crossing
     ) tail
     where r.account_id = any($1::uuid[])`,
    [accountIds],
  )
  return new Map(
    rows.map((row) => [row.id, { bonus: BigInt(row.bonus), prize: BigInt(row.prize), paid: BigInt(row.paid) }]),
  )
}

/** Writes each table once; nothing is waited for, so that the commit travels with it. */
export function writeDelta(sql: TransactionSql, delta: Delta): void {
  insertTransfers(sql, delta.transfers)
  insertLots(sql, delta.newLots)
  updateLots(sql, delta.changedLots)
  updateAccounts(sql, delta.accounts)
  insertHolds(sql, delta.newHolds)
  updateHolds(sql, delta.changedHolds)
}

function insertTransfers(sql: TransactionSql, rows: readonly JournalRow[]): void {
  if (rows.length === 0) return
  sql.send(
    `insert into ledger.transfer (id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, payee_seq,
       payee_balance, bonus, prize, paid, lot_ids, lot_classes, lot_amounts, lot_holds, reverses, hold_id,
       actor_type, actor_id, member_id, reason, reference, metadata, at)
     select id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, payee_seq, payee_balance,
       bonus, prize, paid, lot_ids::uuid[], lot_classes::ledger.class[], lot_amounts::bigint[], lot_holds::bigint[],
       reverses, hold_id, actor_type, actor_id, member_id, reason, reference, metadata, at
     from unnest($1::uuid[], $2::ledger.transfer_kind[], $3::bigint[], $4::uuid[], $5::uuid[], $6::bigint[],
       $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::text[],
       $15::text[], $16::text[], $17::uuid[], $18::uuid[], $19::text[], $20::uuid[], $21::uuid[], $22::text[],
       $23::text[], $24::jsonb[], $25::timestamptz[])
       as u (id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, payee_seq, payee_balance, bonus, prize,
         paid, lot_ids, lot_classes, lot_amounts, lot_holds, reverses, hold_id, actor_type, actor_id, member_id,
         reason, reference, metadata, at)`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.kind),
      rows.map((row) => row.amount),
      rows.map((row) => row.payerId),
      rows.map((row) => row.payeeId),
      sparse(rows.map((row) => row.payerSeq)),
      sparse(rows.map((row) => row.payerBalance)),
      sparse(rows.map((row) => row.payeeSeq)),
      sparse(rows.map((row) => row.payeeBalance)),
      rows.map((row) => row.crossing.bonus),
      rows.map((row) => row.crossing.prize),
      rows.map((row) => row.crossing.paid),
      rows.map((row) => `{${row.legs.map((leg) => leg.lotId).join()}}`),
      rows.map((row) => `{${row.legs.map((leg) => leg.class).join()}}`),
      rows.map((row) => `{${row.legs.map((leg) => leg.amount).join()}}`),
      sparse(
        rows.map((row) => (row.legs.some((leg) => leg.held) ? `{${row.legs.map((leg) => leg.held).join()}}` : null)),
      ),
      sparse(rows.map((row) => row.reverses)),
      sparse(rows.map((row) => row.holdId)),
      rows.map((row) => row.actorType),
      sparse(rows.map((row) => row.actorId)),
      sparse(rows.map((row) => row.memberId)),
      sparse(rows.map((row) => row.reason)),
      sparse(rows.map((row) => row.reference)),
      sparse(rows.map((row) => (row.metadata ? canonicalJson(row.metadata) : null))),
      rows.map((row) => row.at.toISOString()),
    ],
  )
}

function insertLots(sql: TransactionSql, lots: readonly IssuedLot[]): void {
  if (lots.length === 0) return
  sql.send(
    `insert into ledger.lot (id, account_id, class, issued_at, expires_at, amount, remaining, held, transfer_id,
       source_lot_id, payment_id, reissued)
     select * from unnest($1::uuid[], $2::uuid[], $3::ledger.class[], $4::timestamptz[], $5::timestamptz[],
       $6::bigint[], $7::bigint[], $8::bigint[], $9::uuid[], $10::uuid[], $11::uuid[], $12::boolean[])`,
    [
      lots.map((lot) => lot.id),
      lots.map((lot) => lot.accountId),
      lots.map((lot) => lot.class),
      lots.map((lot) => lot.issuedAt.toISOString()),
      sparse(lots.map((lot) => lot.expiresAt?.toISOString() ?? null)),
      lots.map((lot) => lot.amount),
      lots.map((lot) => lot.remaining),
      lots.map((lot) => lot.held),
      lots.map((lot) => lot.transferId),
      sparse(lots.map((lot) => lot.sourceLotId)),
      sparse(lots.map((lot) => lot.paymentId)),
      lots.map((lot) => lot.isReissued),
    ],
  )
}

function updateLots(sql: TransactionSql, lots: readonly Lot[]): void {
  if (lots.length === 0) return
  sql.send(
    `update ledger.lot set remaining = u.remaining, held = u.held
     from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as u (id, remaining, held) where lot.id = u.id`,
    [lots.map((lot) => lot.id), lots.map((lot) => lot.remaining), lots.map((lot) => lot.held)],
  )
}

function updateAccounts(sql: TransactionSql, accounts: readonly Account[]): void {
  if (accounts.length === 0) return
  sql.send(
    `update ledger.account set bonus = u.bonus, prize = u.prize, paid = u.paid, held = u.held, seq = u.seq,
       last_at = u.last_at, next_due_at = u.next_due_at
     from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
       $7::timestamptz[], $8::timestamptz[]) as u (id, bonus, prize, paid, held, seq, last_at, next_due_at)
     where account.id = u.id`,
    [
      accounts.map((account) => account.id),
      accounts.map((account) => account.bonus),
      accounts.map((account) => account.prize),
      accounts.map((account) => account.paid),
      accounts.map((account) => account.held),
      accounts.map((account) => account.seq),
      accounts.map((account) => account.lastAt.toISOString()),
      sparse(accounts.map((account) => account.nextDueAt?.toISOString() ?? null)),
    ],
  )
}

function insertHolds(sql: TransactionSql, holds: Delta['newHolds']): void {
  if (holds.length === 0) return
  sql.send(
    `insert into ledger.hold (id, account_id, payee_id, status, amount, posted_amount, expires_at, lot_ids,
       lot_amounts, transfer_id)
     select id, account_id, payee_id, status, amount, posted_amount, expires_at, lot_ids::uuid[],
       lot_amounts::bigint[], transfer_id
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[],
       $8::text[], $9::text[], $10::uuid[])
       as u (id, account_id, payee_id, status, amount, posted_amount, expires_at, lot_ids, lot_amounts, transfer_id)`,
    [
      holds.map((hold) => hold.id),
      holds.map((hold) => hold.accountId),
      holds.map((hold) => hold.payeeId),
      holds.map((hold) => hold.status),
      holds.map((hold) => hold.amount),
      holds.map((hold) => hold.postedAmount),
      holds.map((hold) => hold.expiresAt.toISOString()),
      holds.map((hold) => `{${hold.lots.map((lot) => lot.lotId).join()}}`),
      holds.map((hold) => `{${hold.lots.map((lot) => lot.amount).join()}}`),
      holds.map((hold) => hold.transferId),
    ],
  )
}

function updateHolds(sql: TransactionSql, holds: Delta['changedHolds']): void {
  if (holds.length === 0) return
  sql.send(
    `update ledger.hold set status = u.status, posted_amount = u.posted_amount, completed_at = u.completed_at
     from unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[]) as u (id, status, posted_amount, completed_at)
     where hold.id = u.id`,
    [
      holds.map((hold) => hold.id),
      holds.map((hold) => hold.status),
      holds.map((hold) => hold.postedAmount),
      holds.map((hold) => hold.completedAt.toISOString()),
    ],
  )
}

type HoldRow = Omit<Hold, 'lots'> & { lotIds: string[]; lotAmounts: number[] }
type OriginalRow = Omit<Original, 'legs'> & { lotIds: string[]; lotClasses: Class[]; lotAmounts: number[] }

function toHold({ lotIds, lotAmounts, ...hold }: HoldRow): Hold {
  return { ...hold, lots: lotIds.map((lotId, at) => ({ lotId, amount: lotAmounts[at]! })) }
}
