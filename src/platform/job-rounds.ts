import { setTimeout as delay } from 'node:timers/promises'
import { parseCronItems } from 'graphile-worker'
import type pg from 'pg'
import type { Job } from './jobs.ts'

/** A job that comes round by itself, and when. */
interface Round extends Pick<Job, 'name' | 'attemptsMax'> {
  nextAfter(now: Date): Date
}

const minuteMs = 60_000
const yearMs = 366 * 24 * 60 * minuteMs

/**
 * Sees to it that each job that comes round waits in the queue, once for all workers, for its next time by the clock of
 * the database. The queue's own crontab goes by the clock of the process: one that is three days ahead keeps all others
 * from adding anything for as long, and one that is set back adds nothing itself. Runs until the signal comes.
 */
export async function keepRounds(
  queue: Pick<pg.Pool, 'query'>,
  by: {
    readonly jobs: readonly Job[]
    readonly lookMs: number
    readonly signal: AbortSignal
    readonly onError: (error: Error) => void
  },
): Promise<void> {
  const { jobs, lookMs, signal, onError } = by
  const rounds = jobs.flatMap(({ cron, ...job }) => (cron ? [toRound({ ...job, cron })] : []))
  while (rounds.length > 0 && !signal.aborted) {
    await addMissing(queue, rounds).catch(onError)
    await delay(lookMs, undefined, { signal }).catch(() => {})
  }
}

const keyOf = ({ name }: Round) => `round ${name}`

/** Whatever runs, or is tried again, comes round when it is over; what nobody was there to do is done once. */
async function addMissing(queue: Pick<pg.Pool, 'query'>, rounds: readonly Round[]): Promise<void> {
  const { rows } = await queue.query<{ now: Date; missing: string[] }>(
    `select clock_timestamp() as now, array(
       select key from unnest($1::text[]) as round (key) where not exists (
         select from graphile_worker._private_jobs j
         where j.key = round.key and (j.locked_at is not null or j.attempts < j.max_attempts))
     ) as missing`,
    [rounds.map(keyOf)],
  )
  const { now, missing } = rows[0]!
  const wanted = rounds.filter((round) => missing.includes(keyOf(round)))
  if (wanted.length === 0) return
  // Where another worker was quicker, what it added stays.
  await queue.query(
    `select graphile_worker.add_job(name, run_at => due_at, max_attempts => attempts_max, job_key => key,
       job_key_mode => 'preserve_run_at')
     from unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[]) as round (name, key, due_at, attempts_max)`,
    [
      wanted.map(({ name }) => name),
      wanted.map(keyOf),
      wanted.map((round) => round.nextAfter(now).toISOString()),
      wanted.map(({ attemptsMax }) => attemptsMax),
    ],
  )
}

function toRound({ name, attemptsMax, cron }: Pick<Job, 'name' | 'attemptsMax'> & { cron: string }): Round {
  const [{ match }] = parseCronItems([{ task: name, match: cron }]) as [ReturnType<typeof parseCronItems>[number]]
  return {
    name,
    attemptsMax,
    nextAfter(now) {
      const first = (Math.floor(now.getTime() / minuteMs) + 1) * minuteMs
      for (let at = first; at <= first + yearMs; at += minuteMs) if (match(digestOf(new Date(at)))) return new Date(at)
      throw new Error(`"${cron}" of ${name} is no time of any year`)
    },
  }
}

function digestOf(at: Date) {
  return {
    min: at.getUTCMinutes(),
    hour: at.getUTCHours(),
    date: at.getUTCDate(),
    month: at.getUTCMonth() + 1,
    dow: at.getUTCDay(),
  }
}
