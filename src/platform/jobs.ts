import { setTimeout as delay } from 'node:timers/promises'
import { parseCronItems, run, Logger as WorkerLogger } from 'graphile-worker'
import pg from 'pg'
import type { Logger } from './log.ts'
import type { Work } from './work.ts'

/** Something that is done later, by whichever worker is free, at least once. */
export interface Job {
  /** `module.verb`, as it stands in the queue. */
  readonly name: string
  /** Minutes, hours, days, months and weekdays (crontab) in UTC, for a job that comes round by itself. */
  readonly cron?: string
  /** Runs again with growing delays when it throws, so often in all. */
  readonly attemptsMax: number
  run(payload: unknown, context: { signal: AbortSignal }): Promise<void>
}

/** A job for later, in the unit of work that wants it: undone with it, and seen by workers only after its commit. */
export async function addJob(work: Work, job: { name: string; payload: unknown; attemptsMax: number }): Promise<void> {
  await work.sql.run('select graphile_worker.add_job($1, $2::json, max_attempts => $3)', [
    job.name,
    JSON.stringify(job.payload),
    job.attemptsMax,
  ])
}

export interface JobsOptions {
  /** The service's login; workers need no right of the owner. */
  readonly url: string
  readonly role?: string | undefined
  readonly jobs: readonly Job[]
  readonly concurrency: number
  readonly log: Logger
}

/** A worker on the queue of jobs. */
export interface Jobs {
  /** Takes no more and waits for what runs; what is not done after five seconds is told to stop. */
  close(): Promise<void>
}

/** Starts to work on the jobs of the queue, in this process. The queue was prepared by `prepareJobs`. */
export async function openJobs(options: JobsOptions): Promise<Jobs> {
  const { jobs, concurrency, log } = options
  // One connection listens, one fetches and returns; jobs themselves use the service's own pool.
  const pool = new pg.Pool({
    connectionString: options.url,
    max: 3,
    application_name: 'podo jobs',
    keepAlive: true,
    options: ['-c timezone=UTC', ...(options.role ? [`-c role=${options.role}`] : [])].join(' '),
  })
  pool.on('error', (error) => log.warn(`A connection of the jobs was lost: ${error.message}`))
  // The queue attaches its own listener to each client and takes it off again: between the two an error is nobody's.
  pool.on('connect', (client) => client.on('error', () => {}))
  const start = () =>
    run({
      pgPool: pool,
      noHandleSignals: true,
      logger: loggerOver(log),
      taskList: Object.fromEntries(
        jobs.map((job) => [job.name, (payload, helpers) => job.run(payload, { signal: helpers.abortSignal! })]),
      ),
      parsedCronItems: parseCronItems(
        jobs.flatMap(({ name, cron, attemptsMax }) =>
          cron ? [{ task: name, match: cron, identifier: name, options: { maxAttempts: attemptsMax } }] : [],
        ),
      ),
      preset: {
        // Without a local queue a worker asks the database for each job: a tenth of the speed.
        worker: { concurrentJobs: concurrency, localQueue: { size: 100 }, gracefulShutdownAbortTimeout: 5_000 },
      },
    })
  const stop = new AbortController()
  let runner = await start()
  // The runner gives up when the database stays away for long.
  const supervise = async () => {
    while (!stop.signal.aborted) {
      await runner.promise.catch((error) =>
        log.warn({ err: error }, 'The worker of the jobs ended; it is started again'),
      )
      await delay(restartMs, undefined, { signal: stop.signal }).catch(() => {})
      if (!stop.signal.aborted) runner = await start().catch(() => runner)
    }
  }
  const supervised = supervise()
  return {
    async close() {
      stop.abort()
      await runner.stop().catch(() => {})
      await supervised
      await pool.end()
    },
  }
}

const restartMs = 2_000

function loggerOver(log: Logger): WorkerLogger {
  const levels = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const
  return new WorkerLogger((scope) => (level, message, meta) => {
    log[levels[level as keyof typeof levels] ?? 'debug']({ ...scope, err: meta?.error }, message)
  })
}
