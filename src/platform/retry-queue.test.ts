import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, describe, it, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { withoutRedis } from '#test/engines/installed'
import { openRedisServer } from '#test/engines/redis'
import { openHouse, until } from '#test/harness'
import { openLog } from './log.ts'
import { openMetrics } from './metrics.ts'
import { openRedis } from './redis/connection.ts'
import { keepRebuilt, openRedisRetryQueue } from './redis/retry-queue.ts'
import { Unavailable } from './resilience.ts'
import { type Claimed, openRetryQueue, type Retry, type RetryQueue, showRetryQueues } from './retry-queue.ts'
import { keepRetrying, type RetryingOptions } from './retrying.ts'
import { system } from './work.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const skip = withoutRedis()
const house = await openHouse({ after })
const server = skip ? null : await openRedisServer({ after })
const silent = openLog({ level: 'silent' })
const redis = server && openRedis({ url: server.url, prefix: 'test:', log: silent, answerMs: 10_000 })
if (redis) {
  after(redis.close)
  await until('Redis was found', redis.isThere)
}

let queuesMade = 0
function nameQueue(): string {
  queuesMade += 1
  return `queue ${queuesMade}`
}

const forms = [
  { place: 'the database', skip: false, open: (name = nameQueue()) => openRetryQueue(house.database, name) },
  { place: 'Redis', skip, open: (name = nameQueue()) => openRedisRetryQueue(redis!, name) },
] as const

const minute = 60_000
const hour = 60 * minute
const retry = (id: string, delayMs = -minute): Retry => ({ id, payload: `payload of ${id}`, delayMs })
const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id)

for (const { place, skip, open } of forms) {
  describe(`a retry queue in ${place}`, { skip }, () => {
    it('does what a plain model does, whatever is asked of it', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { size: '+1' }), (all) => follow(open(), all)),
        {
          numRuns: isLong ? 2_000 : 25,
        },
      )
    })

    it('gives each item to one of eight who claim at once, first what fell due first', async () => {
      const queue = open()
      const count = isLong ? 50_000 : 2_000
      await queue.put(
        Array.from({ length: count }, (_, at) => retry(String((at * 7) % count), -hour * (1 + ((at * 7) % count)))),
      )
      const claimed: Claimed[] = []
      const claimAll = async () => {
        for (;;) {
          const items = await queue.claim({ max: 50, leaseMs: hour })
          if (items.length === 0) return
          const places = items.map(({ id }) => -Number(id))
          assert.deepEqual(
            places,
            places.toSorted((a, b) => a - b),
          )
          claimed.push(...items)
          await queue.done(items.filter(({ id }) => Number(id) % 5 > 0))
        }
      }
      await Promise.all(Array.from({ length: 8 }, claimAll))
      assert.equal(new Set(idsOf(claimed)).size, claimed.length)
      assert.equal(claimed.length, count)
      assert.deepEqual(await queue.count(), { waiting: 0, due: 0, claimed: count / 5 })
    })

    it('gives what a dead worker had to the next once, and what is told late touches nothing', async () => {
      const queue = open()
      await queue.put([retry('a'), retry('b')])
      const dead = await queue.claim({ max: 10, leaseMs: 0 })
      const next = await queue.claim({ max: 10, leaseMs: hour })
      assert.deepEqual(
        [idsOf(next).sort(), next.map(({ attempt }) => attempt)],
        [
          ['a', 'b'],
          [2, 2],
        ],
      )
      assert.deepEqual(await queue.claim({ max: 10, leaseMs: hour }), [])
      const late = [await queue.done(dead), await queue.giveBack(dead)]
      assert.deepEqual([...late, await queue.again(dead.map((item) => ({ ...item, delayMs: 0 })))], [0, 0, 0])
      assert.deepEqual(await queue.count(), { waiting: 0, due: 0, claimed: 2 })
      assert.equal(await queue.done(next), 2)
      await queue.put([retry('a')])
      await queue.claim({ max: 10, leaseMs: hour })
      assert.equal(await queue.done([...dead, ...next]), 0, 'another item of the same id is nothing of theirs')
    })

    it('shows how many items it holds, by their state', async () => {
      const queue = open()
      await queue.put([retry('a'), retry('b'), retry('c'), retry('d', hour)])
      await queue.claim({ max: 2, leaseMs: hour })
      await queue.claim({ max: 1, leaseMs: 0 })
      const metrics = openMetrics({ withProcess: false })
      showRetryQueues(metrics, { mine: queue })
      const shown = (await metrics.text()).split('\n').filter((line) => line.startsWith('podo_retries{'))
      assert.deepEqual(shown.sort(), [
        'podo_retries{queue="mine",state="claimed"} 2',
        'podo_retries{queue="mine",state="due"} 1',
        'podo_retries{queue="mine",state="waiting"} 1',
      ])
    })
  })

  describe(`a worker on a retry queue in ${place}`, { skip }, () => {
    it('tries each item until it succeeds or was tried as often as it may be', async (t) => {
      const queue = open()
      // As often claimed as it may be, and nothing was told: its worker died each time.
      await queue.put([retry('9')])
      for (let time = 0; time < attemptsMax; time += 1) await queue.claim({ max: 1, leaseMs: 0 })
      const tried: string[] = []
      const givenUp: string[] = []
      await queue.put(['0', '1', '2', '3', '4'].map((id) => retry(id)))
      const working = work(queue, {
        // Each fails as often as its id says.
        async handle({ id, attempt }) {
          tried.push(`${id} for the ${attempt}. time`)
          if (attempt <= Number(id)) throw new Error(`no ${id}`)
        },
        async onGivenUp({ id, attempt }, error) {
          if (id === '4' && attempt === attemptsMax) throw new Error('Nobody can be told')
          givenUp.push(`${id}: ${error}`)
        },
      })
      t.after(working.close)
      await until('nothing was left', async () => Object.values(await queue.count()).every((count) => count === 0))
      const attempts = [...['0', '1', '1', '2', '2', '2', '3', '3', '3', '4', '4', '4']]
      assert.deepEqual(tried.map((text) => text[0]).sort(), attempts)
      assert.deepEqual(givenUp.sort(), ['3: Error: no 3', '4: null', '9: null'])
    })

    it('may be killed or stopped in the middle of it, and nothing is lost', async (t) => {
      const name = nameQueue()
      const queue = open(name)
      const tried: string[] = []
      const start = () => startWorker(t, { name, redisUrl: place === 'Redis' ? server!.url : undefined, tried })
      const workers = [start(), start()]
      const putSome = (round: number) => queue.put(Array.from({ length: 100 }, (_, at) => retry(`${round}.${at}`)))
      const untilTried = (count: number) => until(`${count} were tried`, () => tried.length >= count)
      const untilDone = () =>
        until('all were done', async () => Object.values(await queue.count()).every((n) => n === 0))
      for (let round = 0; round < (isLong ? 20 : 1); round += 1) {
        await putSome(round)
        await untilTried(tried.length + 30)
        workers[0]!.kill('SIGKILL')
        workers[0] = start()
        workers[1]!.kill('SIGSTOP')
        await untilDone()
        workers[1]!.kill('SIGCONT')
        assert.equal(new Set(tried).size, (round + 1) * 100)
      }
    })

    it('gives back at once what it has not begun when it is told to end', async () => {
      const queue = open()
      await queue.put([retry('a', -3 * minute), retry('b', -2 * minute), retry('c')])
      const { promise: gate, resolve: openGate } = Promise.withResolvers<void>()
      const begun: string[] = []
      const working = work(queue, {
        concurrentMax: 1,
        async handle({ id }) {
          begun.push(id)
          await gate
        },
      })
      await until('the first was begun', () => begun.length === 1)
      const ended = working.close()
      openGate()
      await ended
      assert.deepEqual(begun, ['a'])
      const left = await queue.claim({ max: 10, leaseMs: hour })
      assert.deepEqual(
        left.map(({ id, attempt }) => [id, attempt]),
        [
          ['b', 1],
          ['c', 1],
        ],
      )
    })
  })
}

test('what is put into a queue in the database is there with what it belongs to, or not at all', async () => {
  const queue = openRetryQueue(house.database, nameQueue())
  const other = openRetryQueue(house.database, nameQueue())
  const putAnd = (id: string, then: () => void) =>
    house.withWork(system, async (work) => {
      await queue.putWithin(work, [retry(id)])
      then()
    })
  await putAnd('kept', () => {})
  await assert.rejects(
    putAnd('undone', () => assert.fail('undone')),
    /undone/,
  )
  assert.deepEqual(idsOf(await queue.claim({ max: 10, leaseMs: hour })), ['kept'])
  assert.deepEqual(await other.count(), { waiting: 0, due: 0, claimed: 0 })
})

test('a worker whose queue is away for a while tells what it did when it is back, and tries nothing twice', async (t) => {
  const queue = openRetryQueue(house.database, nameQueue())
  let failures = 0
  const failing = async () => {
    failures += 1
    throw new Error('The queue is away')
  }
  const tried: string[] = []
  const told: string[] = []
  const working = work(
    {
      ...queue,
      claim: (lease) => (failures === 0 ? failing() : queue.claim(lease)),
      done: (items) => (failures === 1 ? failing() : queue.done(items)),
    },
    {
      handle: async ({ id }) => void tried.push(id),
      onError: ({ message }) => void told.push(message),
    },
  )
  t.after(working.close)
  await queue.put([retry('a')])
  await until('nothing was left', async () => Object.values(await queue.count()).every((count) => count === 0))
  assert.deepEqual([tried, failures, told], [['a'], 2, ['The queue is away', 'The queue is away']])
})

test('a queue in Redis that was emptied is filled again from elsewhere, and throws while Redis is away', {
  skip,
}, async (t) => {
  const mortal = await openRedisServer(t)
  const impatient = openRedis({ url: mortal.url, prefix: 'test:', log: silent })
  t.after(impatient.close)
  const queue = openRedisRetryQueue(impatient, 'mortal')
  let tries = 0
  const told: string[] = []
  const rebuilt = keepRebuilt(impatient, {
    async rebuild() {
      tries += 1
      if (tries === 1) throw new Error('The database is away')
      await queue.put([retry('a'), retry('b', hour)])
    },
    onError: ({ message }) => void told.push(message),
  })
  t.after(rebuilt.close)
  const isFull = () =>
    queue.count().then(
      ({ due, waiting }) => due === 1 && waiting === 1,
      () => false,
    )
  await until('it was filled', isFull)
  assert.equal(told[0], 'The database is away')
  await mortal.kill()
  await assert.rejects(queue.put([retry('c')]), Unavailable)
  await assert.rejects(queue.claim({ max: 1, leaseMs: hour }), Unavailable)
  await mortal.start()
  await until('it was filled again', isFull)
})

test('a queue in Redis goes on where Redis has thrown some of it away', { skip }, async () => {
  const queue = openRedisRetryQueue(redis!, 'evicted')
  await queue.put([retry('a'), retry('b')])
  await server!.client.hdel('test:retry:{evicted}:payload', 'a')
  assert.deepEqual(idsOf(await queue.claim({ max: 10, leaseMs: hour })), ['b'])
  await queue.put([retry('a')])
  await server!.client.del('test:retry:{evicted}:state')
  assert.deepEqual(idsOf(await queue.claim({ max: 10, leaseMs: hour })), ['a'])
  await queue.put([retry('c')])
  await server!.client.del('test:retry:{evicted}:due', 'test:retry:{evicted}:claimed')
  await queue.put([retry('a'), retry('b'), retry('c')])
  const found = await queue.claim({ max: 10, leaseMs: hour })
  assert.deepEqual(idsOf(found).sort(), ['a', 'b', 'c'])
  assert.equal(await queue.done(found), 3)
})

function startWorker(
  t: TestContext,
  { name, redisUrl, tried }: { name: string; redisUrl: string | undefined; tried: string[] },
) {
  const { NODE_COMPILE_CACHE } = process.env
  const where = redisUrl ? { REDIS_URL: redisUrl } : { DATABASE_URL: house.serviceUrl }
  const child = fork(join(import.meta.dirname, '../../test/simulation/retries-process.ts'), {
    env: { ...where, QUEUE: name, NODE_COMPILE_CACHE },
    execArgv: [],
  })
  child.on('message', (id: string) => tried.push(id))
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return child
}

const attemptsMax = 3

function work(queue: RetryQueue, options: Partial<RetryingOptions>) {
  return keepRetrying({
    queue,
    patience: { attemptsMax, delayMs: () => 0 },
    handle: async () => {},
    onGivenUp: async () => {},
    onError: (error) => assert.fail(error),
    intervalMs: 5,
    ...options,
  })
}

/** Something is asked of a queue; which of all the claims there were is told by their places. */
type Step =
  | { readonly kind: 'put'; readonly items: readonly Retry[] }
  | { readonly kind: 'claim'; readonly max: number; readonly leaseMs: number }
  | { readonly kind: 'done' | 'giveBack' | 'again'; readonly places: readonly number[]; readonly delayMs: number }

// Far apart, so that time which passes meanwhile changes nothing.
const delays = fc.constantFrom(-3 * hour, -2 * hour, -hour, 0, 2 * hour, 3 * hour)
const ids = fc.constantFrom('a', 'b', 'c', '포도 "} \\', '-', '0')
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    items: fc.array(fc.record({ id: ids, payload: fc.string(), delayMs: delays }), { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('claim' as const),
    max: fc.integer({ min: 1, max: 4 }),
    leaseMs: fc.constantFrom(0, hour),
  }),
  fc.record({
    kind: fc.constantFrom('done' as const, 'giveBack' as const, 'again' as const),
    places: fc.uniqueArray(fc.nat({ max: 20 }), { maxLength: 4 }),
    delayMs: delays,
  }),
)

interface ModelItem {
  payload: string
  dueMs: number
  attempts: number
  claim: string | null
  isHeld: boolean
}

async function follow(queue: RetryQueue, all: readonly Step[]): Promise<void> {
  const model = new Map<string, ModelItem>()
  const claims: Claimed[] = []
  for (const step of all) {
    if (step.kind === 'put') {
      await queue.put(step.items)
      putIntoModel(model, step.items)
    } else if (step.kind === 'claim') {
      const items = await queue.claim(step)
      claimFromModel(model, { ...step, items })
      claims.push(...items)
    } else {
      const told = step.places
        .flatMap((place) => claims[place] ?? [])
        .map((item) => ({ ...item, delayMs: step.delayMs }))
      assert.equal(
        await queue[step.kind](told),
        told.filter((item) => tellModel(model, { ...item, kind: step.kind })).length,
      )
    }
    const isDue = ({ dueMs, isHeld }: ModelItem) => dueMs <= 0 && !isHeld
    const inModel = [...model.values()]
    assert.deepEqual(await queue.count(), {
      waiting: inModel.filter(({ dueMs }) => dueMs > 0).length,
      due: inModel.filter(isDue).length,
      claimed: inModel.filter(({ isHeld }) => isHeld).length,
    })
  }
}

function putIntoModel(model: Map<string, ModelItem>, items: readonly Retry[]): void {
  for (const { id, payload, delayMs } of items) {
    const known = model.get(id)
    if (!known) model.set(id, { payload, dueMs: delayMs, attempts: 0, claim: null, isHeld: false })
    else if (known.claim === null) known.dueMs = Math.min(known.dueMs, delayMs)
  }
}

/** Of those that fell due together any may come first. */
function claimFromModel(
  model: Map<string, ModelItem>,
  { max, leaseMs, items }: { max: number; leaseMs: number; items: readonly Claimed[] },
): void {
  const due = [...model.values()].filter(({ dueMs, isHeld }) => dueMs <= 0 && !isHeld)
  const dues = due.map(({ dueMs }) => dueMs).sort((a, b) => a - b)
  assert.equal(new Set(idsOf(items)).size, items.length)
  assert.deepEqual(
    items.map(({ id }) => model.get(id)?.dueMs),
    dues.slice(0, max),
  )
  for (const { id, payload, attempt, claim } of items) {
    const item = model.get(id)!
    assert.ok(due.includes(item))
    assert.deepEqual({ payload, attempt }, { payload: item.payload, attempt: item.attempts + 1 })
    Object.assign(item, { attempts: attempt, claim, isHeld: leaseMs > 0 })
  }
}

/** Whether it touched anything. */
function tellModel(
  model: Map<string, ModelItem>,
  { kind, id, claim, delayMs }: Claimed & { kind: 'done' | 'giveBack' | 'again'; delayMs: number },
): boolean {
  const item = model.get(id)
  if (item?.claim !== claim) return false
  if (kind === 'done') model.delete(id)
  if (kind === 'again') Object.assign(item, { dueMs: delayMs, claim: null, isHeld: false })
  if (kind === 'giveBack') Object.assign(item, { attempts: item.attempts - 1, claim: null, isHeld: false })
  return true
}
