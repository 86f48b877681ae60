import type { Database } from '#platform/database'
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
  /** Tells how far the zone is from UTC: where clocks change, the hour is another until the next start. */
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

/** The queue counts in UTC. */
function dailyAt(time: string, { timeZone, now }: { timeZone: string; now: Date }): string {
  const today = now.toTemporalInstant().toZonedDateTimeISO(timeZone)
  const { minute, hour } = today.withPlainTime(time).withTimeZone('UTC')
  return `${minute} ${hour} * * *`
}
