import type { Sql } from '#platform/database'
import type { Actor } from '#platform/work'
import type { Class, TransferKind } from '../commands.ts'
import type { Account, IssuedLot } from '../state.ts'

export interface AccountRow extends Omit<Account, 'lastAt' | 'nextDueAt' | 'closedAt'> {
  readonly ownerType: string
  readonly ownerId: string | null
  readonly isDue: boolean
}

export function findAccountRows(sql: Sql, ids: readonly string[]): Promise<AccountRow[]> {
  return sql.rows<AccountRow>(
    `select id, kind, owner_type as "ownerType", owner_id as "ownerId", bonus, prize, paid, held, seq,
       coalesce(next_due_at <= platform.programme_time(), false) as "isDue"
     from ledger.account where id = any($1::uuid[])`,
    [ids],
  )
}

export type WalletRow = Pick<AccountRow, 'bonus' | 'prize' | 'paid' | 'held'>

/** A wallet with what is due taken for booked: of a lot past its expiry counts what holds keep that have not run out. */
export async function findUnbookedRow(sql: Sql, walletId: string): Promise<WalletRow> {
  const rows = await sql.rows<WalletRow>(
    `with clock as materialized (select platform.programme_time() as now),
       kept as (
         select part.lot_id, sum(part.amount) as amount
         from clock cross join ledger.hold h cross join unnest(h.lot_ids, h.lot_amounts) as part (lot_id, amount)
         where h.account_id = $1 and h.status = 'pending' and h.expires_at > clock.now group by part.lot_id
       ),
       counted as (
         select lot.class, coalesce(kept.amount, 0) as held,
           case when lot.expires_at <= clock.now then coalesce(kept.amount, 0) else lot.remaining end as amount
         from clock cross join ledger.lot left join kept on kept.lot_id = lot.id
         where lot.account_id = $1 and lot.remaining > 0
       )
     select coalesce(sum(amount) filter (where class = 'bonus'), 0)::bigint as bonus,
       coalesce(sum(amount) filter (where class = 'prize'), 0)::bigint as prize,
       coalesce(sum(amount) filter (where class = 'paid'), 0)::bigint as paid,
       coalesce(sum(held), 0)::bigint as held
     from counted`,
    [walletId],
  )
  return rows[0]!
}

export interface AccountToOpen {
  readonly id: string
  readonly kind: 'wallet' | 'pot' | 'merchant'
  readonly ownerType: string
  readonly ownerId: string
}

export async function insertAccounts(sql: Sql, accounts: readonly AccountToOpen[]): Promise<void> {
  await sql.run(
    `with opened as (
       insert into ledger.account (id, kind, owner_type, owner_id)
       select * from unnest($1::uuid[], $2::ledger.account_kind[], $3::text[], $4::uuid[])
       returning id, kind
     )
     insert into ledger.rolled_balance (account_id) select id from opened where kind = 'merchant'`,
    [
      accounts.map((account) => account.id),
      accounts.map((account) => account.kind),
      accounts.map((account) => account.ownerType),
      accounts.map((account) => account.ownerId),
    ],
  )
}

export async function markClosed(sql: Sql, id: string): Promise<void> {
  await sql.run('update ledger.account set closed_at = platform.programme_time() where id = $1', [id])
}

export interface ExpiringRow {
  readonly amount: number
  readonly class: Class
  readonly expiresAt: Date
}

const expiringMax = 100

/**
 * Free and held points of unexpired lots that expire within so many days, summed by class and instant. The clock is
 * read once (asked for each lot, 10,000 open lots took 210 ms and more), and of each class only the first lots. Those
 * held whole stand in no index, which every hold would have to change: the pending holds name them.
 */
export function listExpiringRows(
  sql: Sql,
  { walletId, withinDays }: { walletId: string; withinDays: number },
): Promise<ExpiringRow[]> {
  return sql.rows<ExpiringRow>(
    `with clock as materialized (select platform.programme_time() as now),
       period as (select now, now + $2 * interval '1 day' as until from clock)
     select sum(amount)::bigint as amount, class, expires_at as "expiresAt"
     from period cross join lateral (
       (select open_lot.* from unnest('{bonus,prize,paid}'::ledger.class[]) as each (class) cross join lateral (
          select each.class, expires_at, sum(remaining) as amount from ledger.lot
          where account_id = $1 and open and class = each.class and expires_at > now and expires_at <= until
          group by expires_at order by expires_at limit ${expiringMax}
        ) open_lot)
       union all
       select class, expires_at, remaining from ledger.lot
       where id in (select unnest(lot_ids) from ledger.hold where account_id = $1 and status = 'pending')
         and not open and remaining > 0 and expires_at > now and expires_at <= until
     ) expiring
     group by class, expires_at order by expires_at, class limit ${expiringMax}`,
    [walletId, withinDays],
  )
}

/** Lots of a wallet, newest first, after the one whose id is given. */
export function listLotRows(
  sql: Sql,
  query: { walletId: string; openOnly: boolean; afterId: string | null; limit: number },
): Promise<IssuedLot[]> {
  return sql.rows<IssuedLot>(
    `select id, account_id as "accountId", class, issued_at as "issuedAt", expires_at as "expiresAt", amount,
       remaining, held, transfer_id as "transferId", source_lot_id as "sourceLotId", payment_id as "paymentId",
       reissued as "isReissued"
     from ledger.lot
     where account_id = $1 and (not $2::boolean or remaining > 0) and ($3::uuid is null or id < $3)
     order by id desc limit $4`,
    [query.walletId, query.openOnly, query.afterId, query.limit],
  )
}

/** Lots, or where a refund has issued one anew, the lot that this one stands for. */
export async function listFirstLotIds(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(
    `select distinct coalesce(first.id, lot.id) as id
     from ledger.lot left join ledger.lot first
       on first.id = lot.source_lot_id and first.account_id = lot.account_id and lot.reissued
     where lot.id = any($1::uuid[])`,
    [ids],
  )
  return rows.map(({ id }) => id)
}

export interface TransferRow {
  readonly id: string
  readonly kind: TransferKind
  readonly amount: number
  readonly payerId: string
  readonly payeeId: string
  readonly payerSeq: number | null
  readonly payerBalance: number | null
  readonly payeeSeq: number | null
  readonly payeeBalance: number | null
  readonly lotIds: string[]
  readonly lotClasses: Class[]
  readonly lotAmounts: number[]
  readonly lotHolds: number[] | null
  readonly lotAccounts: string[]
  readonly lotExpiries: string[]
  readonly reverses: string | null
  readonly holdId: string | null
  readonly actorType: 'operator' | 'company' | 'member' | 'system'
  readonly actorId: string | null
  readonly memberId: string | null
  readonly reason: string | null
  readonly reference: string | null
  readonly metadata: Record<string, unknown> | null
  readonly at: Date
  readonly refundedAmount: number
}

const never = `'infinity'`

const transferColumns = `t.id, t.kind, t.amount, t.payer_id as "payerId", t.payee_id as "payeeId",
  t.payer_seq as "payerSeq", t.payer_balance as "payerBalance", t.payee_seq as "payeeSeq",
  t.payee_balance as "payeeBalance", t.lot_ids as "lotIds", t.lot_classes::text[] as "lotClasses",
  t.lot_amounts as "lotAmounts", t.lot_holds as "lotHolds", l.accounts as "lotAccounts", l.expiries as "lotExpiries",
  t.reverses, t.hold_id as "holdId", t.actor_type as "actorType", t.actor_id as "actorId",
  t.member_id as "memberId", t.reason, t.reference, t.metadata, t.at,
  coalesce((select sum(r.amount) from ledger.transfer r where r.reverses = t.id and r.kind = 'refund'), 0)::bigint
    as "refundedAmount"`

const lotsOfTransfer = `cross join lateral (
    select coalesce(array_agg(lot.account_id order by place), '{}') as accounts,
      coalesce(array_agg(
        coalesce(to_char(lot.expires_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), ${never}) order by place), '{}') as expiries
    from unnest(t.lot_ids) with ordinality as leg (lot_id, place) join ledger.lot on lot.id = leg.lot_id
  ) l`

export async function findTransferRow(sql: Sql, id: string): Promise<TransferRow | null> {
  const rows = await sql.rows<TransferRow>(
    `select ${transferColumns} from ledger.transfer t ${lotsOfTransfer} where t.id = $1`,
    [id],
  )
  return rows[0] ?? null
}

export function listTransferRows(sql: Sql, ids: readonly string[]): Promise<TransferRow[]> {
  return sql.rows<TransferRow>(
    `select ${transferColumns}
     from unnest($1::uuid[]) as asked (id) join ledger.transfer t on t.id = asked.id ${lotsOfTransfer}`,
    [ids],
  )
}

export function listRefundedRows(
  sql: Sql,
  ids: readonly string[],
): Promise<({ readonly id: string } & Record<Class, number>)[]> {
  return sql.rows(
    `select reverses as id, sum(bonus)::bigint as bonus, sum(prize)::bigint as prize, sum(paid)::bigint as paid
     from ledger.transfer where reverses = any($1::uuid[]) and kind = 'refund' group by reverses`,
    [ids],
  )
}

export interface EntriesQuery {
  readonly walletId: string
  readonly kinds: readonly TransferKind[] | null
  readonly from: Date | null
  readonly to: Date | null
  readonly beforeSeq: number | null
  readonly limit: number
}

/** Transfers of a wallet by its own count, newest first: both sides are read from an index and merged. */
export function listEntryRows(sql: Sql, query: EntriesQuery): Promise<TransferRow[]> {
  const side = (name: 'payer' | 'payee') => `(
    select id, ${name}_seq as seq from ledger.transfer
    where ${name}_id = $1 and ${name}_seq is not null and ($2::bigint is null or ${name}_seq < $2)
      and ($3::ledger.transfer_kind[] is null or kind = any($3))
      and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
    order by ${name}_seq desc limit $6)`
  return sql.rows<TransferRow>(
    `select ${transferColumns}
     from (select * from (${side('payer')} union all ${side('payee')}) sides order by seq desc limit $6) page
     join ledger.transfer t on t.id = page.id ${lotsOfTransfer}
     order by page.seq desc`,
    [
      query.walletId,
      query.beforeSeq,
      query.kinds,
      query.from?.toISOString() ?? null,
      query.to?.toISOString() ?? null,
      query.limit,
    ],
  )
}

export interface HoldStateRow {
  readonly id: string
  readonly walletId: string
  readonly payeeId: string
  readonly status: 'pending' | 'posted' | 'voided' | 'expired'
  readonly amount: number
  readonly postedAmount: number
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly memberId: string | null
  readonly actorType: Actor['type']
  readonly actorId: string | null
  readonly reason: string | null
  readonly reference: string | null
  readonly metadata: Record<string, unknown> | null
  readonly postTransferId: string | null
  readonly lots: { lotId: string; class: Class; amount: number; expiresAt: string | null }[]
}

/** A hold as it stands: one past its expiry counts as expired, whether or not that has been booked. */
export async function findHoldRow(sql: Sql, id: string): Promise<HoldStateRow | null> {
  const rows = await sql.rows<HoldStateRow>(
    `select h.id, h.account_id as "walletId", h.payee_id as "payeeId", h.amount, h.posted_amount as "postedAmount",
       t.at as "createdAt", h.expires_at as "expiresAt", t.member_id as "memberId", t.reason, t.reference, t.metadata,
       t.actor_type as "actorType", t.actor_id as "actorId",
       (select id from ledger.transfer where hold_id = h.id and kind in ('post', 'payout')) as "postTransferId",
       case when h.status = 'pending' and h.expires_at <= platform.programme_time() then 'expired' else h.status end
         as status,
       (select jsonb_agg(jsonb_build_object('lotId', lot.id, 'class', lot.class, 'amount', part.amount,
          'expiresAt', to_char(lot.expires_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by part.place)
        from unnest(h.lot_ids, h.lot_amounts) with ordinality as part (lot_id, amount, place)
        join ledger.lot on lot.id = part.lot_id) as lots
     from ledger.hold h join ledger.transfer t on t.id = h.transfer_id where h.id = $1`,
    [id],
  )
  return rows[0] ?? null
}
