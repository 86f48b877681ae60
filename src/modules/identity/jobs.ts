import type { Database } from '#platform/database'
import { dailyAt } from '#platform/job-queue'
import type { Job } from '#platform/jobs'
import { deleteOldRevocations } from '#platform/revocations'
import { deleteOldSessions, deleteUsedRefreshTokens } from './sessions/store.ts'

/** How long it can still be looked up where somebody was signed in; the same for a refresh token that was used. */
const keptDays = 30
const chunkSize = 10_000

/**
 * Forgets each night which sessions ended a month ago, which refresh tokens were used then, and what was taken away the
 * day before.
 */
export function nightlyTidying({
  database,
  ...night
}: {
  readonly database: Database
  /** The programme's, whose night it is. */
  readonly timeZone: string
  readonly now: Date
}): Job {
  return {
    name: 'identity.tidy',
    cron: dailyAt('04:10', night),
    attemptsMax: 3,
    async run(_payload, { signal }) {
      for (const forget of [deleteUsedRefreshTokens, deleteOldSessions, deleteOldRevocations]) {
        // A chunk at a time: no lock and no transaction lasts.
        while (!signal.aborted && (await forget(database, { keptDays, chunkSize })) === chunkSize);
      }
    },
  }
}
