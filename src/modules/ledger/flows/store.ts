import type { Sql } from '#platform/database'
import type { FlowDay } from './flows.ts'

/**
 * What crossed by day and kind from a position on, up to the horizon, in windows of about so many rows; one transaction
 * is never cut. Behind the horizon the journal is complete: with a time in place of positions, what commits late would
 * never be added.
 */
export async function selectFlows(
  sql: Sql,
  input: { after: number; rowsMax: number; timeZone: string },
): Promise<{ upTo: number; hasMore: boolean; days: readonly FlowDay[] }> {
  const [found] = await sql.rows<{ upTo: number; hasMore: boolean; days: readonly FlowDay[] }>(
    `with span as materialized (
       select upper, upper < horizon as has_more from (
         select h.horizon, least(h.horizon, (
           select greatest(position, 1 + (
             select position from ledger.transfer where position >= $1 order by position limit 1
           )) from ledger.transfer where position >= $1 order by position offset $2 limit 1
         )) as upper
         from (select platform.position_horizon() as horizon) h
       ) bounds
     ), flow as (
       select (t.at at time zone $3)::date::text as day, t.kind::text as kind,
         sum(t.paid)::text as paid, sum(t.bonus)::text as bonus, sum(t.prize)::text as prize
       from span join ledger.transfer t on t.position >= $1 and t.position < span.upper
       group by 1, 2
     )
     select greatest(upper, $1)::bigint as "upTo", has_more as "hasMore",
       coalesce((select json_agg(flow) from flow), '[]') as days
     from span`,
    [input.after, input.rowsMax, input.timeZone],
  )
  return found!
}
