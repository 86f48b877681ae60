import type { Database } from '#platform/database'
import type { Job } from '#platform/jobs'
import type { Difference } from './verify/differences.ts'
import { type VerifyReport, verifyLedger } from './verify/verify.ts'

/** Differences of one night that are told one by one. */
const toldMax = 100

/** Recomputes every projection each night and tells what differs; it repairs nothing, since somebody should look. */
export function nightlyVerification(options: {
  readonly database: Database
  readonly onDifference: (difference: Difference) => void
  readonly onEnd: (report: VerifyReport) => void
}): Job {
  return {
    name: 'ledger.verify',
    // The quietest hour in Seoul, 03:30; the queue counts in UTC.
    cron: '30 18 * * *',
    attemptsMax: 3,
    async run(_payload, { signal }) {
      let told = 0
      const report = await verifyLedger(options.database, {
        signal,
        onDifference(difference) {
          told += 1
          if (told <= toldMax) options.onDifference(difference)
        },
      })
      options.onEnd(report)
    },
  }
}
