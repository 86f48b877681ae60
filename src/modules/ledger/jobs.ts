import { type Alert, endAlert, raiseAlert } from '#platform/alerts'
import type { Database } from '#platform/database'
import { dailyAt } from '#platform/job-queue'
import type { Job } from '#platform/jobs'
import { system, type WithWork } from '#platform/work'
import type { Difference } from './verify/differences.ts'
import { type VerifyReport, verifyLedger } from './verify/verify.ts'

/** Differences of one night that are told one by one. */
const toldMax = 100

const cause = 'ledger/differences'

/**
 * Recomputes every projection each night and tells what differs, with an alert until a night finds nothing; it repairs
 * nothing, since somebody should look.
 */
export function nightlyVerification(options: {
  readonly database: Database
  readonly withWork: WithWork
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
      await options.withWork(system, (work) =>
        report.differences > 0 ? raiseAlert(work, { cause, ...differing }) : endAlert(work, { cause }),
      )
    },
  }
}

const differing: Omit<Alert, 'cause'> = {
  title: {
    ko: '야간 검증에서 원장과 다른 곳이 발견되었습니다',
    en: 'The nightly verification found differences from the journal',
  },
  todo: {
    ko: '"podo verify"로 다른 곳을 모두 볼 수 있습니다. 원인을 찾은 다음 "podo verify --repair"로 복구하십시오.',
    en: 'List them with "podo verify", find out what wrote there, and mend them with "podo verify --repair".',
  },
}
