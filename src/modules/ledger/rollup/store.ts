import type { Sql } from '#platform/database'

/** Nobody else folds or mends what was folded until the unit of work ends. */
export async function lockRollUp(sql: Sql): Promise<void> {
  await sql.rows('select from ledger.roll_up for update')
}

/**
 * Folds the rows of the journal from the last watermark up to the horizon, at most about so many, into the accounts
 * without lots, and moves the watermarks of those that changed in the same statement: whoever reads sees both or
 * neither. Only behind the horizon is the journal complete: with `position > last` what commits late is never seen.
 * A transaction of more rows than that is folded whole. With nothing in the window nothing is written.
 */
export async function foldWindow(sql: Sql, rowsMax: number): Promise<{ rows: number; hasMore: boolean }> {
  const folded = await sql.rows<{ rows: number; hasMore: boolean }>(
    `with span as materialized (
       select lower, upper, upper < horizon as has_more from (
         select r.watermark as lower, h.horizon, least(h.horizon, (
           select greatest(position, 1 + (
             select position from ledger.transfer where position >= r.watermark order by position limit 1
           )) from ledger.transfer
           where position >= r.watermark order by position offset $1 limit 1
         )) as upper
         from ledger.roll_up r, (select platform.position_horizon() as horizon) h
       ) bounds
     ), part as materialized (
       select t.payer_id, t.payee_id, t.payer_seq, t.payee_seq, t.bonus, t.prize, t.paid
       from span join ledger.transfer t on t.position >= span.lower and t.position < span.upper
     ), change as materialized (
       select account_id, sum(bonus) as bonus, sum(prize) as prize, sum(paid) as paid from (
         select payee_id as account_id, bonus, prize, paid from part
         where payee_seq is null and bonus + prize + paid > 0
         union all
         select payer_id, -bonus, -prize, -paid from part where payer_seq is null
       ) crossing
       group by account_id
     ), balance as (
       update ledger.rolled_balance b set bonus = b.bonus + change.bonus, prize = b.prize + change.prize,
         paid = b.paid + change.paid, watermark = span.upper
       from change, span where b.account_id = change.account_id
     ), mark as (
       update ledger.roll_up set watermark = span.upper from span where exists (select from part)
     )
     select (select count(*) from part) as rows, has_more as "hasMore" from span`,
    [rowsMax],
  )
  return folded[0]!
}

/** Whether anything is behind the horizon and not folded yet, without writing or locking. */
export async function isAnythingUnfolded(sql: Sql): Promise<boolean> {
  const rows = await sql.rows<{ is: boolean }>(
    `select exists (
       select from ledger.transfer t where t.position >= r.watermark and t.position < platform.position_horizon()
     ) as is
     from ledger.roll_up r`,
  )
  return rows[0]!.is
}

/** Seconds by which the oldest row that is not folded yet is old; 0 when everything is. */
export async function findLag(sql: Sql): Promise<number> {
  const rows = await sql.rows<{ lag: number }>(
    `select coalesce(extract(epoch from platform.programme_time() - (
       select t.at from ledger.transfer t where t.position >= r.watermark order by t.position limit 1
     )), 0)::float8 as lag
     from ledger.roll_up r`,
  )
  return Math.max(0, rows[0]!.lag)
}
