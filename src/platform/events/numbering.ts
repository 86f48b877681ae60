import type { Sql } from '../database.ts'
import { assertGeneration, type Lease } from '../leases.ts'
import type { Work } from '../work.ts'
import type { EventSource } from './events.ts'

type Reads = { readonly sql: Sql }

/** About how many rows of a source are numbered at once, so that no unit of work takes long however much there is. */
const windowMax = 10_000

/**
 * Numbers what the sources hold between the last mark and the horizon, at most about so many, or `rowsMax`; answers how
 * many there were, and whether there is more. Nothing can come there any more. A row before the horizon may follow one
 * of its key that stands behind it: that one began to write later, had the key first, and was committed, while a third
 * still holds the horizon back. So whatever a row follows in its key is numbered with it, and passed over when the mark
 * has come so far. Throws `LeaseLost`, and writes nothing, where the lease is somebody else's.
 */
export async function numberEvents(
  work: Work,
  { sources, lease, rowsMax = windowMax }: { sources: readonly EventSource[]; lease?: Lease; rowsMax?: number },
): Promise<{ count: number; hasMore: boolean }> {
  // In a statement of its own, so that the next one sees what was numbered by whoever held it.
  await work.sql.rows('select from platform.event_mark for update')
  await readByIndexes(work)
  const numbered = await work.sql.rows<{ count: number; hasMore: boolean }>(numberingOf(sources), [
    Math.min(rowsMax, windowMax),
  ])
  if (lease) await assertGeneration(work, lease)
  return numbered[0]!
}

function numberingOf(sources: readonly EventSource[]): string {
  const each = (write: (source: EventSource) => string, between: string) => sources.map(write).join(between)
  const columns = 'p.event_id, p.row_id, p.type, p.key, p.seq, p.position'
  // Of a table of one row without statistics a planner believes anything: with limits it knows. Adding nothing to a
  // position keeps the index of positions out of where the index of keys is meant.
  return `with span as materialized (
      select lower, upper, number, upper < horizon as has_more, newest >= upper as is_followed from (
        select m.position as lower, m.number, h.horizon, least(h.horizon, ${each(
          ({ table }) => `(
            select greatest(p.position, 1 + (
              select f.position from ${table} f where f.position >= m.position order by f.position limit 1
            )) from ${table} p where p.position >= m.position order by p.position offset $1 limit 1
          )`,
          ', ',
        )}) as upper, greatest(${each(
          ({ table }) => `(select p.position from ${table} p order by p.position desc limit 1)`,
          ', ',
        )}) as newest
        from (select * from platform.event_mark limit 1) m, (select platform.position_horizon() as horizon) h offset 0
      ) bounds limit 1
    ), reached as materialized (
      ${each(
        ({ name, view }) =>
          `select '${name}' as source, ${columns}
           from span join ${view} p
             on p.position >= span.lower and p.position < span.upper and p.seq is not null`,
        ' union all ',
      )}
    ), told as (
      select source, key, min(seq) as first, max(seq) as last from reached
      where (select is_followed from span) group by source, key
    ), followed as (
      ${each(
        ({ name, view }) =>
          `select '${name}' as source, ${columns}
           from (
             select key, last, coalesce((
               select f.seq from ${view} f
               where f.key = told.key and f.seq < first and f.position + 0 < (select lower from span)
               order by f.seq desc limit 1
             ), 0) as before
             from told where source = '${name}' offset 0
           ) told join ${view} p on p.key = told.key and p.seq > before and p.seq < last
           where p.position + 0 >= (select upper from span)`,
        ' union all ',
      )}
    ), ready as materialized (
      select near.*, max(position) over (partition by source, key order by seq) as follows
      from (select * from reached union all select * from followed) near
      where event_id not in (select event_id from platform.event_ahead)
    ), numbered as (
      insert into platform.event (number, id, source, row_id, type, key)
      select span.number + row_number() over (order by follows, source, key, seq), event_id, source, row_id, type, key
      from ready, span
      returning number
    ), passed as (
      delete from platform.event_ahead a using span where a.position < span.upper
    ), ahead as (
      insert into platform.event_ahead (event_id, position)
      select event_id, position from ready, span where position >= span.upper
    ), mark as (
      update platform.event_mark m set position = upper, number = span.number + (select count(*) from ready) from span
    )
    select (select count(*) from numbered) as count, has_more as "hasMore" from span`
}

/** A table that has grown since it was last counted is small to the planner, which would read it from end to end. */
async function readByIndexes(work: Work): Promise<void> {
  await work.sql.rows(
    `select set_config(name, 'off', true) from unnest(array['enable_seqscan', 'enable_bitmapscan']) name`,
  )
}

/** What there is to number. */
export interface News {
  /** Whether there is anything behind the horizon that has no number yet. */
  readonly isAny: boolean
  /** How many rows stand behind the newest of the look before; counted up to 10,000 a source. */
  readonly arrived: number
  /** The position of the newest row. */
  readonly newest: number
}

/** Looks for what there is to number, without writing or locking; `since` is the newest position of the look before. */
export async function lookForNews(
  reads: Reads,
  { sources, since }: { sources: readonly EventSource[]; since: number },
): Promise<News> {
  const each = (write: (table: string) => string) => sources.map(({ table }) => `(${write(table)})`)
  const nexts = each(
    (table) => `select p.position from ${table} p where p.position >= m.position order by p.position limit 1`,
  )
  const counts = each(
    (table) => `select count(*) from (
      select from ${table} p where p.position > $1 order by p.position limit ${windowMax}
    ) late`,
  )
  const newest = each((table) => `select p.position from ${table} p order by p.position desc limit 1`)
  const rows = await reads.sql.rows<News>(
    `select coalesce(least(${nexts.join(', ')}) < platform.position_horizon(), false) as "isAny",
       ${counts.join(' + ')} as arrived, coalesce(greatest(${newest.join(', ')}), 0) as newest
     from platform.event_mark m`,
    [since],
  )
  return rows[0]!
}
