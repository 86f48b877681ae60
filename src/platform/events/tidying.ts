import type { Database } from '../database.ts'
import { dailyAt } from '../job-queue.ts'
import type { Job } from '../jobs.ts'
import { deleteOldAges, deleteOldEvents, noteAge } from './store.ts'

/** For how long events can be read again, by whoever is behind. */
export const keptDays = 30
const chunkSize = 5_000

/**
 * Forgets each night what happened more than a month ago and every one of `positions` has passed, and that
 * `subscribers` took it in. What a source says remains where it is the source's own.
 */
export function nightlyEventTidying({
  database,
  positions,
  subscribers,
  ...night
}: {
  readonly database: Database
  /** Subscriptions whose places count. */
  readonly positions: readonly string[]
  readonly subscribers: readonly string[]
  /** The programme's, whose night it is. */
  readonly timeZone: string
  readonly now: Date
}): Job {
  return {
    name: 'events.tidy',
    cron: dailyAt('04:20', night),
    attemptsMax: 3,
    async run(_payload, { signal }) {
      await noteAge(database)
      const old = { keptDays, chunkSize, positions, subscribers }
      // A chunk at a time: no lock and no transaction lasts.
      while (!signal.aborted && (await deleteOldEvents(database, old)) === chunkSize);
      await deleteOldAges(database, keptDays)
    },
  }
}
