import type { Sql } from '../database.ts'
import type { Work } from '../work.ts'
import type { Event } from './events.ts'

/** An event that failed so often as it may, and why. */
export interface DeadLetter {
  /** UUID, of version 7: later ones sort after earlier ones. */
  readonly id: string
  /** The name of the subscriber that could not take it in. */
  readonly subscription: string
  readonly event: Event
  readonly attempts: number
  /** What the last attempt failed of. */
  readonly error: string
  readonly failedAt: Date
}

/** Which dead letters are meant; null where it does not matter. */
export interface DeadLetterFilter {
  readonly ids: readonly string[] | null
  readonly subscription: string | null
  readonly type: string | null
  /** UUID of what the event happened to. */
  readonly key: string | null
}

const matching = `($1::uuid[] is null or id = any($1)) and ($2::text is null or subscription = $2)
  and ($3::text is null or type = $3) and ($4::uuid is null or key = $4)`

const valuesOf = ({ ids, subscription, type, key }: DeadLetterFilter) => [ids, subscription, type, key]

/** Newest first, after the one whose id is given. */
export async function listDeadLetters(
  reads: { readonly sql: Sql },
  { filter, after, limit }: { filter: DeadLetterFilter; after: string | null; limit: number },
): Promise<DeadLetter[]> {
  const rows = await reads.sql.rows<Omit<DeadLetter, 'event'> & { event: Event & { at: string } }>(
    `select id, subscription, event, attempts, error, failed_at as "failedAt" from platform.dead_letter
     where ${matching} and id < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit $6`,
    [...valuesOf(filter), after, limit],
  )
  return rows.map(({ event, ...letter }) => ({ ...letter, event: { ...event, at: new Date(event.at) } }))
}

/**
 * Sends dead letters again, the oldest first and at most `limit`, as if they had just been said: they are tried as
 * often as any event. Answers how many there were. Of two who send one again the second finds none, and an event that
 * was taken in meanwhile has no second effect.
 */
export async function redriveDeadLetters(
  work: Work,
  { filter, limit }: { filter: DeadLetterFilter; limit: number },
): Promise<number> {
  return work.sql.run(
    `with gone as (
       delete from platform.dead_letter where id in (
         select id from platform.dead_letter where ${matching} order by id limit $5
       )
       returning subscription, event_id, number, key, event
     ), stopped as (
       insert into platform.event_stop (subscription, key) select distinct subscription, key from gone order by 1, 2
       on conflict (subscription, key) do update set due_at = least(event_stop.due_at, excluded.due_at)
     )
     insert into platform.event_retry (subscription, event_id, number, key, event)
     select subscription, event_id, number, key, event from gone`,
    [...valuesOf(filter), limit],
  )
}
