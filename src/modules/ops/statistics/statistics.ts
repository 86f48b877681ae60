import { countMembers } from '#modules/identity'
import { listFlows } from '#modules/ledger'
import type { Sql } from '#platform/database'
import type { Job } from '#platform/jobs'
import { system, type WithWork } from '#platform/work'
import { addFlows, lockWatermark, selectFlowSums, selectMemberDays, selectTotals, updateMembers } from './store.ts'

type Reads = { readonly sql: Sql }

/** What becomes of points, as statistics count it. */
export const flowNames = ['issued', 'cancelled', 'spent', 'refunded', 'expired'] as const
export type FlowName = (typeof flowNames)[number]

/** Points of each class, as decimal text. */
export interface FlowSum {
  /** A day of the programme's zone like 2026-11-20. */
  readonly day: string
  readonly flow: FlowName
  readonly paid: string
  readonly bonus: string
  readonly prize: string
}

export interface DayOfMembers {
  readonly day: string
  readonly joined: number
  readonly left: number
}

/** How many there were when it was counted; null, and nobody, before the first time. */
export interface Totals {
  readonly computedAt: Date | null
  readonly members: number
  readonly withLogin: number
  readonly left: number
  readonly activeSessions: number
}

export interface Statistics {
  readonly totals: Totals
  readonly ageSeconds: number
  readonly days: readonly DayOfMembers[]
  readonly flows: readonly Omit<FlowSum, 'day'>[]
}

/** How often the job runs, and so about how old an answer may be. */
export const statisticsAgeSeconds = 60

/** Kinds of transfers that are counted; the others pass points on, or set them aside. */
const flowOf: Readonly<Record<string, FlowName>> = {
  charge: 'issued',
  grant: 'issued',
  reward: 'issued',
  cancel: 'cancelled',
  spend: 'spent',
  post: 'spent',
  refund: 'refunded',
  expire: 'expired',
}

interface Counting {
  readonly database: Reads
  readonly withWork: WithWork
  readonly timeZone: string
}

/** Adds up each minute what has come to the journal, and counts members. */
export function statisticsJob(counting: Counting): Job {
  return {
    name: 'ops.statistics',
    cron: '* * * * *',
    attemptsMax: 1,
    async run(_payload, { signal }) {
      while (!signal.aborted && (await addNextFlows(counting))) {}
      if (!signal.aborted) await countAgain(counting)
    },
  }
}

/** Whether there is more. */
function addNextFlows({ withWork, timeZone }: Counting): Promise<boolean> {
  return withWork(system, async (work) => {
    const after = await lockWatermark(work)
    const { upTo, hasMore, days } = await listFlows(work, { after, timeZone })
    const flows = days.flatMap(({ kind, ...sums }) => {
      const flow = flowOf[kind]
      return flow ? [{ ...sums, flow }] : []
    })
    if (upTo > after) await addFlows(work, { flows, watermark: upTo })
    return hasMore
  })
}

async function countAgain({ database, withWork, timeZone }: Counting): Promise<void> {
  const counted = await countMembers(database, timeZone)
  await withWork(system, async (work) => {
    await lockWatermark(work)
    await updateMembers(work, { ...counted, computedAt: await work.now() })
  })
}

/** What was counted last, of the days from `from` to `to`, both inclusive. */
export async function findStatistics(reads: Reads, period: { from: string; to: string }): Promise<Statistics> {
  const [{ ageSeconds, ...totals }, days, flows] = await Promise.all([
    selectTotals(reads),
    selectMemberDays(reads, period),
    selectFlowSums(reads, period),
  ])
  return { totals, ageSeconds, days, flows }
}
