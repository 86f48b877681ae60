import { EventEmitter } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { run, type TaskList, type WorkerEvents, Logger as WorkerLogger } from 'graphile-worker'
import pg from 'pg'
import { connectionTo } from './connections.ts'
import { failureOf } from './database.ts'
import { type JobHolder, keepJobHolder } from './job-holders.ts'
import { keepRounds } from './job-rounds.ts'
import type { Logger } from './log.ts'
import { type Outage, openOutage } from './outage.ts'

/** Something that is done later, by whichever worker is free, at least once. */
export interface Job {
  /** `module.verb`, as it stands in the queue. */
  readonly name: string
  /**
   * Minutes, hours, days, months and weekdays (crontab) in UTC, for a job that comes round by itself: never twice at
   * once, and once where it was due and no worker was there.
   */
  readonly cron?: string
  /** Runs again with growing delays when it throws, so often in all. */
  readonly attemptsMax: number
  run(payload: unknown, context: JobContext): Promise<void>
}

interface JobContext {
  readonly signal: AbortSignal
  /** 1 the first time; more where it threw before, or its worker went away. */
  readonly attempt: number
}

export interface JobsOptions {
  /** The service's login; workers need no right of the owner. */
  readonly url: string
  readonly role?: string | undefined
  readonly jobs: readonly Job[]
  readonly concurrency: number
  readonly log: Logger
  /**
   * How often it is looked for what is to come round, and for jobs of workers that died; these are done again after the
   * second time.
   */
  readonly lookMs?: number
}

/** A worker on the queue of jobs. */
export interface Jobs {
  /** Takes no more and waits for what runs; what is not done after five seconds is told to stop. */
  close(): Promise<void>
}

/** Starts to work on the jobs of the queue, in this process. The queue was prepared by `prepareJobs`. */
export async function openJobs(options: JobsOptions): Promise<Jobs> {
  const { jobs, concurrency, log } = options
  const outage = openOutage((error) =>
    log.warn(`The jobs have lost the database and go on when it is back: ${error.message}`),
  )
  const connection = {
    ...connectionTo(options.url),
    application_name: 'podo jobs',
    connectionTimeoutMillis: 5_000,
    // Pipelined, a connection is given up where an answer stays away; otherwise the next statement would wait as well.
    pipeline: true,
    query_timeout: silenceMs,
    options: ['-c timezone=UTC', ...(options.role ? [`-c role=${options.role}`] : [])].join(' '),
  }
  // One connection listens, one fetches and returns; jobs themselves use the service's own pool.
  const pool = new pg.Pool({ ...connection, max: 3 })
  pool.on('error', outage.noticed)
  pool.on('connect', (client) => {
    outage.reached()
    // The queue attaches its own listener to each client and takes it off again: between the two an error is nobody's.
    client.on('error', () => {})
  })
  const events: WorkerEvents = new EventEmitter()
  let holder: JobHolder | null = null
  events.on('pool:create', ({ workerPool: { id: name } }) => {
    void holder?.close()
    holder = keepJobHolder(connection, { name, lookMs: options.lookMs ?? usualLookMs })
  })
  const start = () =>
    run({
      pgPool: pool,
      events,
      noHandleSignals: true,
      logger: loggerOver(log, outage),
      taskList: toTasks(jobs, pool),
      // Else it would look for a file of them. What comes round is added by `keepRounds`.
      parsedCronItems: [],
      preset: {
        worker: {
          concurrentJobs: concurrency,
          // Without a local queue a worker asks the database for each job: a tenth of the speed.
          localQueue: { size: 100 },
          gracefulShutdownAbortTimeout: 5_000,
          // Without these two a job's end that cannot be noted is a rejection that nobody handles: the process dies.
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
    })
  const stop = new AbortController()
  let runner = await start()
  // The runner gives up when the database stays away for long.
  const supervise = async () => {
    while (!stop.signal.aborted) {
      await runner.promise.catch((error) => {
        if (failureOf(error) === 'unavailable') outage.noticed(error)
        else log.warn({ err: error }, 'The worker of the jobs ended; it is started again')
      })
      await delay(restartMs, undefined, { signal: stop.signal }).catch(() => {})
      if (!stop.signal.aborted) runner = await start().catch(() => runner)
    }
  }
  const supervised = supervise()
  const rounds = keepRounds(pool, {
    jobs,
    lookMs: options.lookMs ?? usualLookMs,
    signal: stop.signal,
    onError: (error) =>
      log.debug({ err: error }, 'Nobody knows what is to come round; it is looked for a little later'),
  })
  return {
    async close() {
      stop.abort()
      await runner.stop().catch(() => {})
      await Promise.all([supervised, rounds])
      await holder?.close()
      await pool.end()
    },
  }
}

const usualLookMs = 15_000
const silenceMs = 12_000
const restartMs = 2_000
const retryMs = 250

function toTasks(jobs: readonly Job[], pool: pg.Pool): TaskList {
  return Object.fromEntries(
    jobs.map((job) => [
      job.name,
      async (payload, { abortSignal, job: { attempts: attempt } }) => {
        const signal = abortSignal!
        await job.run(payload, { signal, attempt }).finally(() => untilReachable(pool, signal))
      },
    ]),
  )
}

/** The queue notes the end of a job once: where that fails, the job counts as running for hours and is done again. */
async function untilReachable(pool: pg.Pool, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const isReachable = await pool.query('select').then(
      () => true,
      () => false,
    )
    if (isReachable) return
    await delay(retryMs, undefined, { signal }).catch(() => {})
  }
}

/** Of an outage the queue says many lines, of which ours is enough; that a job failed is told in any case. */
function loggerOver(log: Logger, outage: Outage): WorkerLogger {
  const levels = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const
  return new WorkerLogger((scope) => (level, message, meta) => {
    const { error, fatalError, failure } = (meta ?? {}) as { error?: Error; fatalError?: Error; failure?: boolean }
    const err = error ?? fatalError
    const isOfOutage = err !== undefined && !failure && failureOf(err) === 'unavailable'
    if (isOfOutage) outage.noticed(err)
    // Why it stops was said before.
    const isRepeated = isOfOutage || message.startsWith('Runner stopping')
    const own = levels[level as keyof typeof levels] ?? 'debug'
    // Its messages repeat the stack of the error.
    log[isRepeated ? 'debug' : own]({ ...scope, err }, message.split('\n', 1)[0]!)
  })
}
