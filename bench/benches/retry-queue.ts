import assert from 'node:assert/strict'
import { openDatabase } from '#platform/database'
import { usualPatience } from '#platform/events/delivery'
import { openLog } from '#platform/log'
import { openRedis } from '#platform/redis/connection'
import { openRedisRetryQueue } from '#platform/redis/retry-queue'
import { openRetryQueue, type RetryQueue } from '#platform/retry-queue'
import { keepRetrying } from '#platform/retrying'
import { openRedisServer } from '#test/engines/redis'
import { until } from '#test/harness'
import type { Bench, Measure } from '../bench.ts'
import { timeAll } from '../events.ts'
import { alternate } from '../rounds.ts'
import type { Seed } from '../seed.ts'
import type { Stage } from '../stage.ts'

const name = 'bench'
const payload = 'as much as a notification says to whom, of what, and where it leads; '.repeat(3)
const batchMax = 500
const workers = 2
/** What a call leaves behind that was not answered in time comes again after so long. */
const leaseMs = 5_000
/** Behind a worker nobody waits. */
const answerMs = 1_000

export const retryQueue: Bench = {
  name: 'retry-queue',
  compares: 'due items claimed, handled by a no-op and acknowledged a second, in the slower of database and Redis',
  must: 10_000,
  goal: 30_000,
  async run(stage) {
    const items = Math.ceil(stage.seconds * 60_000)
    const few = Math.ceil(items / 100)
    const sides = await alternate(stage, {
      'the database': () => inDatabase(stage, items, workOff),
      Redis: () => inRedis(stage, items, workOff),
      'the database, one at a time': () => inDatabase(stage, few, takeEach),
      'Redis, one at a time': () => inRedis(stage, few, takeEach),
    })
    return {
      ratio: Math.min(sides['the database'].rate, sides.Redis.rate),
      sides,
      figures: [],
      notes: [
        `${items} due items in batches of ${batchMax} by ${workers} workers of one process; ${few} one at a time.`,
      ],
      musts: [],
    }
  },
}

/** Handles what is due in a queue, counting what was acknowledged; ends what it began. */
type Work = (queue: RetryQueue) => { done(): number; close(): Promise<unknown> }

/** As the service does. */
const workOff: Work = (queue) => {
  let done = 0
  const counting: RetryQueue = {
    ...queue,
    async done(told) {
      const touched = await queue.done(told)
      done += touched
      return touched
    },
  }
  const working = Array.from({ length: workers }, () =>
    keepRetrying({
      queue: counting,
      patience: usualPatience,
      handle: async () => {},
      onGivenUp: async () => {},
      onError: console.error,
      batchMax,
      concurrentMax: batchMax,
      leaseMs,
    }),
  )
  return { done: () => done, close: () => Promise.all(working.map(({ close }) => close())) }
}

/** The obvious way: the next one, and then the next. */
const takeEach: Work = (queue) => {
  let done = 0
  const loop = async () => {
    for (;;) {
      const claimed = await queue.claim({ max: 1, leaseMs })
      if (claimed.length === 0) return
      done += await queue.done(claimed)
    }
  }
  const ended = loop()
  return { done: () => done, close: () => ended }
}

async function measure(
  stage: Stage,
  queue: RetryQueue,
  { items, work }: { items: number; work: Work },
): Promise<Measure> {
  const working = work(queue)
  const measured = await timeAll(stage, { events: items, done: working.done })
  await working.close()
  assert.deepEqual([working.done(), await queue.count()], [items, { waiting: 0, due: 0, claimed: 0 }])
  return measured
}

function inDatabase(stage: Stage, items: number, work: Work): Promise<Measure> {
  return stage.withGround(dueSeed(items), async (ground) => {
    const database = openDatabase({ url: ground.url, poolSize: 2 * workers })
    const measured = await measure(stage, openRetryQueue(database, name), { items, work })
    await database.close()
    return measured
  })
}

function dueSeed(items: number): Seed {
  return {
    name: `due_${items}`,
    async plant({ owner }) {
      await owner.sql.run(
        `insert into platform.retry (queue, id, payload, due_at)
         select $1, gen_random_uuid(), $2, now() - n * interval '1 millisecond' from generate_series(1, $3::int) as n`,
        [name, payload, items],
      )
      await owner.sql.run('vacuum (freeze, analyze) platform.retry')
    },
  }
}

async function inRedis(stage: Stage, items: number, work: Work): Promise<Measure> {
  const endings: (() => Promise<void> | void)[] = []
  try {
    const { url } = await openRedisServer({ after: (end) => void endings.unshift(end) })
    const redis = openRedis({ url, prefix: 'bench:', log: openLog({ level: 'silent' }), answerMs })
    endings.unshift(redis.close)
    await until('Redis was found', redis.isThere)
    const queue = openRedisRetryQueue(redis, name)
    const due = Array.from({ length: items }, (_, at) => ({ id: crypto.randomUUID(), payload, delayMs: -at }))
    await queue.put(due)
    return await measure(stage, queue, { items, work })
  } finally {
    for (const end of endings) await end()
  }
}
