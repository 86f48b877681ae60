import type { Sql } from '../database.ts'
import type { DeadLetter } from '../events/dead-letters.ts'
import type { Event } from '../events/events.ts'
import { moveSubscription } from '../events/store.ts'
import type { Work } from '../work.ts'

type Reads = { readonly sql: Sql }

/** The subscription that stands for what Kafka has been given. */
export const publishing = 'kafka'

/**
 * Up to which number events were published. The first time that is as far as everybody has heard, so that nobody misses
 * what happened while there was no Kafka.
 */
export async function openPublishing(reads: Reads): Promise<number> {
  const find = () =>
    reads.sql.rows<{ number: number }>('select number from platform.subscription where name = $1', [publishing])
  const [found] = await find()
  if (found) return found.number
  await reads.sql.run(
    `insert into platform.subscription (name, number)
     select $1, coalesce((select min(number) from platform.subscription), m.number) from platform.event_mark m
     on conflict (name) do nothing`,
    [publishing],
  )
  // Of two who begin at once, the second sees in a statement of its own what the first wrote.
  return (await find())[0]!.number
}

/** Notes that events up to this number were published. */
export function movePublishing(work: Work, number: number): void {
  moveSubscription(work, { name: publishing, number })
}

/** Notes that a subscriber has heard everything up to this number. */
export async function advanceSubscription(
  reads: Reads,
  { name, number }: { name: string; number: number },
): Promise<void> {
  await reads.sql.run('update platform.subscription set number = $2 where name = $1 and number < $2', [name, number])
}

/** Dead letters of which the topics have no copy yet, the oldest first. */
export async function selectUncopied(reads: Reads, limit: number): Promise<DeadLetter[]> {
  const rows = await reads.sql.rows<Omit<DeadLetter, 'event'> & { event: Event & { at: string } }>(
    `select id, subscription, event, attempts, error, failed_at as "failedAt" from platform.dead_letter
     where copied_at is null order by id limit $1`,
    [limit],
  )
  return rows.map(({ event, ...letter }) => ({ ...letter, event: { ...event, at: new Date(event.at) } }))
}

/** Notes that the topics have a copy of these dead letters. */
export function markCopied(work: Work, ids: readonly string[]): void {
  work.sql.send('update platform.dead_letter set copied_at = clock_timestamp() where id = any($1::uuid[])', [ids])
}
