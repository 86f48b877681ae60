import type { Sql } from '#platform/database'
import type { Class } from '../commands.ts'
import type { Difference } from './differences.ts'

/** Up to where the journal is complete now, and where its first row stands; nothing is committed before that later. */
export async function findExtent(sql: Sql): Promise<{ first: number; horizon: number }> {
  const rows = await sql.rows<{ first: number; horizon: number }>(
    `select h.horizon, coalesce((select min(position) from ledger.transfer), h.horizon) as first
     from (select platform.position_horizon() as horizon) h`,
  )
  return rows[0]!
}

/** A window of places in the journal, the upper one exclusive. */
export interface Window {
  readonly from: number
  readonly to: number
}

/** The window from there that has about so many rows, all of each transaction. */
export async function findWindow(
  sql: Sql,
  { from, until, rowsMax }: { from: number; until: number; rowsMax: number },
): Promise<Window> {
  const rows = await sql.rows<{ to: number }>(
    `select least($2, coalesce((
       select greatest(position, $1 + 1) from ledger.transfer
       where position >= $1 and position < $2 order by position offset $3 limit 1
     ), $2))::bigint as to`,
    [from, until, rowsMax],
  )
  return { from, to: rows[0]!.to }
}

export interface Sum {
  /** Null for rows that brought nothing to an account without lots. */
  readonly accountId: string | null
  readonly bonus: string
  readonly prize: string
  readonly paid: string
  readonly count: number
}

/** What came to accounts without lots in a window, less what went, and how many rows there were. */
export function sumWindow(sql: Sql, { from, to }: Window): Promise<Sum[]> {
  return sql.rows<Sum>(
    `select account_id as "accountId", sum(bonus)::text as bonus, sum(prize)::text as prize, sum(paid)::text as paid,
       sum(counts) as count
     from (
       select case when payee_seq is null and bonus + prize + paid > 0 then payee_id end as account_id, bonus, prize,
         paid, 1 as counts
       from ledger.transfer where position >= $1 and position < $2
       union all
       select payer_id, -bonus, -prize, -paid, 0
       from ledger.transfer where position >= $1 and position < $2 and payer_seq is null
     ) crossing
     group by account_id`,
    [from, to],
  )
}

/** Rows of a window that do not balance in every class, or whose sides are not accounts of the right kind. */
export async function listUnsound(sql: Sql, { from, to }: Window): Promise<Difference[]> {
  const rows = await sql.rows<{ id: string; accountId: string; field: string }>(
    `select t.id, t.payer_id as "accountId",
       case when payer.id is null or (t.payer_seq is null) <> (payer.kind in ('merchant', 'system')) then 'payer'
         when payee.id is null or (t.payee_seq is null) <> (payee.kind in ('merchant', 'system')) then 'payee'
         else 'legs' end as field
     from ledger.transfer t
     left join ledger.account payer on payer.id = t.payer_id
     left join ledger.account payee on payee.id = t.payee_id
     cross join lateral (
       select
         array[coalesce(sum(-amount) filter (where class = 'bonus' and amount < 0), 0),
           coalesce(sum(-amount) filter (where class = 'prize' and amount < 0), 0),
           coalesce(sum(-amount) filter (where class = 'paid' and amount < 0), 0)] as outgoing,
         array[coalesce(sum(amount) filter (where class = 'bonus' and amount > 0), 0),
           coalesce(sum(amount) filter (where class = 'prize' and amount > 0), 0),
           coalesce(sum(amount) filter (where class = 'paid' and amount > 0), 0)] as incoming
       from unnest(t.lot_classes, t.lot_amounts) as leg (class, amount)
     ) legs
     where t.position >= $1 and t.position < $2 and (
       payer.id is null or (t.payer_seq is null) <> (payer.kind in ('merchant', 'system'))
       or payee.id is null or (t.payee_seq is null) <> (payee.kind in ('merchant', 'system'))
       or t.bonus + t.prize + t.paid <> case when t.kind in ('hold', 'void') then 0 else t.amount end
       or legs.outgoing <> case when t.payer_seq is null then array[0, 0, 0]
         else array[t.bonus, t.prize, t.paid] end::numeric[]
       or legs.incoming <> case when t.payee_seq is null then array[0, 0, 0]
         when t.kind = 'reward' then array[0, t.amount, 0] else array[t.bonus, t.prize, t.paid] end::numeric[])`,
    [from, to],
  )
  const expected = { payer: 'an account of the right kind', payee: 'an account of the right kind', legs: 'balanced' }
  return rows.map(({ id, accountId, field }) => ({
    kind: 'journal',
    accountId,
    id,
    field,
    expected: expected[field as keyof typeof expected],
    found: null,
  }))
}

/** A stored balance, brought back or forward to one place in the journal. */
export type FoundBalance = { readonly accountId: string; readonly watermark: number } & Readonly<Record<Class, string>>

/** Stored balances as they are at `position`: with the rows from their watermark to there, or less those past it. */
export function listBalancesAt(
  sql: Sql,
  { position, afterId, limit }: { position: number; afterId: string; limit: number },
): Promise<FoundBalance[]> {
  return sql.rows<FoundBalance>(
    `select r.account_id as "accountId", r.watermark, (r.bonus + coalesce(rest.bonus, 0))::text as bonus,
       (r.prize + coalesce(rest.prize, 0))::text as prize, (r.paid + coalesce(rest.paid, 0))::text as paid
     from (select * from ledger.rolled_balance where account_id > $2 order by account_id limit $3) r
     cross join lateral (
       select sum(sign * t.bonus) as bonus, sum(sign * t.prize) as prize, sum(sign * t.paid) as paid from (
         select bonus, prize, paid, case when position < $1 then 1 else -1 end as sign from ledger.transfer
         where payee_id = r.account_id and payee_seq is null
           and position >= least($1, r.watermark) and position < greatest($1, r.watermark)
         union all
         select bonus, prize, paid, case when position < $1 then -1 else 1 end from ledger.transfer
         where payer_id = r.account_id and payer_seq is null
           and position >= least($1, r.watermark) and position < greatest($1, r.watermark)
       ) t
     ) rest
     order by r.account_id`,
    [position, afterId, limit],
  )
}

/** Merchants and system accounts without a stored balance. */
export async function listWithoutBalance(sql: Sql): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(
    `select id from ledger.account a where kind in ('merchant', 'system')
       and not exists (select from ledger.rolled_balance r where r.account_id = a.id)`,
  )
  return rows.map((row) => row.id)
}

/** How far was folded, how far could be, and the furthest that any account says it was; all of one moment. */
export async function findWatermarks(sql: Sql): Promise<{ watermark: number; horizon: number; furthest: number }> {
  const rows = await sql.rows<{ watermark: number; horizon: number; furthest: number }>(
    `select r.watermark, platform.position_horizon() as horizon,
       (select coalesce(max(watermark), 0) from ledger.rolled_balance) as furthest
     from ledger.roll_up r`,
  )
  return rows[0]!
}
