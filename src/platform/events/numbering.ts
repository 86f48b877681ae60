import type { Sql } from '../database.ts'
import { assertGeneration, type Lease } from '../leases.ts'
import type { Work } from '../work.ts'
import type { EventSource } from './events.ts'

type Reads = { readonly sql: Sql }

/**
 * Numbers what the sources hold between the last mark and the horizon; answers how many events. Nothing can come there
 * any more. A row before the horizon may follow one of its key that stands behind it: that one began to write later,
 * had the key first, and was committed, while a third still holds the horizon back. So whatever a row follows in its
 * key is numbered with it, and passed over when the horizon has come so far. Throws `LeaseLost`, and writes nothing,
 * where the lease is somebody else's.
 */
export async function numberEvents(
  work: Work,
  { sources, lease }: { sources: readonly EventSource[]; lease?: Lease },
): Promise<number> {
  // In a statement of its own, so that the next one sees what was numbered by whoever held it.
  await work.sql.rows('select from platform.event_mark for update')
  const numbered = await work.sql.rows<{ count: number }>(numberingOf(sources))
  if (lease) await assertGeneration(work, lease)
  return numbered[0]!.count
}

function numberingOf(sources: readonly EventSource[]): string {
  const near = sources.map(
    ({ name, view }) =>
      `select '${name}' as source, p.event_id, p.row_id, p.type, p.key, p.seq, p.position
       from span join ${view} p on p.position >= span.lower`,
  )
  return `with span as materialized (
      select position as lower, platform.position_horizon() as upper, number from platform.event_mark
    ), near as (
      ${near.join(' union all ')}
    ), related as (
      select near.*, upper,
        max(seq) filter (where position < upper) over (partition by source, key) as reach,
        max(position) over (partition by source, key order by seq) as follows
      from near, span
    ), ready as materialized (
      select * from related
      where (position < upper or seq < reach)
        and not exists (select from platform.event_ahead a where a.event_id = related.event_id)
    ), numbered as (
      insert into platform.event (number, id, source, row_id, type, key)
      select span.number + row_number() over (order by follows, source, key, seq), event_id, source, row_id, type, key
      from ready, span
      returning number
    ), passed as (
      delete from platform.event_ahead a using span where a.position < span.upper
    ), ahead as (
      insert into platform.event_ahead (event_id, position) select event_id, position from ready where position >= upper
    ), mark as (
      update platform.event_mark m set position = upper, number = span.number + (select count(*) from ready) from span
    )
    select count(*) as count from numbered`
}

/** Whether there is anything to number, without writing or locking. */
export async function isAnythingUnnumbered(reads: Reads, sources: readonly EventSource[]): Promise<boolean> {
  const exists = sources.map(
    ({ view }) =>
      `exists (select from ${view} p where p.position >= m.position and p.position < platform.position_horizon())`,
  )
  const rows = await reads.sql.rows<{ is: boolean }>(`select ${exists.join(' or ')} as is from platform.event_mark m`)
  return rows[0]!.is
}
