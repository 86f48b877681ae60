import type { Sql } from '../database.ts'
import type { EventSource } from './events.ts'

type Reads = { readonly sql: Sql }

/** More than this is late, however many there are. */
const countedMax = 100_000

/** How many rows of the sources are told of nowhere yet; counted up to 100,000 a source. */
export async function findUnnumbered(reads: Reads, sources: readonly EventSource[]): Promise<number> {
  const counts = sources.map(
    ({ table }) =>
      `(select count(*) from (
         select from ${table} p where p.position >= m.position order by p.position limit ${countedMax}
       ) late)`,
  )
  const rows = await reads.sql.rows<{ count: number }>(
    `select ${counts.join(' + ')} as count from platform.event_mark m`,
  )
  return rows[0]!.count
}

/** How many numbers each of these subscriptions has yet to look at. Others stand still: nobody hears by them now. */
export async function findBehind(reads: Reads, subscriptions: readonly string[]): Promise<Map<string, number>> {
  const rows = await reads.sql.rows<{ name: string; behind: number }>(
    `select s.name, m.number - s.number as behind from platform.subscription s, platform.event_mark m
     where s.name = any($1)`,
    [subscriptions],
  )
  return new Map(rows.map(({ name, behind }) => [name, behind]))
}

/** How many events of each subscription failed, or wait behind one that did. */
export async function findWaiting(reads: Reads): Promise<Map<string, number>> {
  const rows = await reads.sql.rows<{ subscription: string; count: number }>(
    'select subscription, count(*) as count from platform.event_retry group by subscription',
  )
  return new Map(rows.map(({ subscription, count }) => [subscription, count]))
}
