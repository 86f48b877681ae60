import type { Database } from '#platform/database'
import { dailyAt } from '#platform/job-queue'
import type { Job } from '#platform/jobs'
import type { Difference } from './verify/differences.ts'
import { type VerifyReport, verifyLedger } from './verify/verify.ts'

/** Differences of one night that are told one by one. */
const toldMax = 100

/** Recomputes every projection each night and tells what differs; it repairs nothing, since somebody should look. */
export function nightlyVerification(options: {
  readonly database: Database
  /** The programme's, whose night it is. */
  readonly timeZone: string
  readonly now: Date
  readonly onDifference: (difference: Difference) => void
  readonly onEnd: (report: VerifyReport) => void
}): Job {
  return {
    name: 'ledger.verify',
    cron: dailyAt('03:30', options),
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
