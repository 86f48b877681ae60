import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { withoutRedis } from '#test/engines/installed'
import { openRedisServer, type TestRedis } from '#test/engines/redis'
import { until } from '#test/harness'
import { openLog } from '../log.ts'
import { openRateCounter } from '../rate-limits.ts'
import { openRedis } from './connection.ts'
import { openSharedRateCounter } from './rate-limits.ts'

const skip = withoutRedis()
const ten = { name: 'ten', amount: 10, seconds: 100_000 }

async function openProcess(t: TestContext, { url }: TestRedis) {
  const redis = openRedis({ url, prefix: 'test:', log: openLog({ level: 'silent' }) })
  const counter = openSharedRateCounter(redis, openRateCounter())
  t.after(async () => {
    await counter.close()
    await redis.close()
  })
  await until('Redis was found', redis.isThere)
  const left = (key: string) => counter.take(ten, { key, amount: 0 }).left
  return {
    redis,
    counter,
    left,
    take: (key: string, amount: number) => counter.take(ten, { key, amount }),
    untilLeft: (key: string, amount: number) => until(`${amount} were left`, () => left(key) === amount),
  }
}

async function openTwo(t: TestContext) {
  const server = await openRedisServer(t)
  return { server, processes: [await openProcess(t, server), await openProcess(t, server)] as const }
}

test('processes count together what is taken, added, given back and forgotten, and Redis learns no name', {
  skip,
}, async (t) => {
  const { server, processes } = await openTwo(t)
  const [one, two] = processes
  assert.equal(one.take('someone@example.com', 6).left, 4)
  await two.untilLeft('someone@example.com', 4)
  assert.equal(two.take('someone@example.com', 5).isTaken, false)
  two.counter.add(ten, { key: 'someone@example.com', amount: 3 })
  await one.untilLeft('someone@example.com', 1)
  one.counter.add(ten, { key: 'someone@example.com', amount: -2 })
  await two.untilLeft('someone@example.com', 3)
  two.counter.forget(ten, 'someone@example.com')
  two.take('someone@example.com', 1)
  await one.untilLeft('someone@example.com', 9)
  assert.equal(two.left('someone@example.com'), 9)
  const keys = await server.client.keys('*')
  assert.ok(keys.length > 0 && !keys.join().includes('someone'), keys.join())
})

test('while Redis hangs each process counts by itself, and afterwards everything was counted once', {
  skip,
}, async (t) => {
  const { server, processes } = await openTwo(t)
  const [one, two] = processes
  one.take('a', 1)
  await two.untilLeft('a', 9)
  server.signal('SIGSTOP')
  // What was sent to it is counted when it goes on, though nobody was answered.
  one.take('a', 1)
  two.take('a', 2)
  await until('it was noticed', () => !one.redis.isThere() && !two.redis.isThere())
  one.take('a', 2)
  assert.deepEqual([one.left('a'), two.left('a')], [6, 7])
  server.signal('SIGCONT')
  for (const each of processes) await each.untilLeft('a', 4)
})

test('a Redis that comes back empty, or with nonsense in place of a count, learns it from who knows', {
  skip,
}, async (t) => {
  const { server, processes } = await openTwo(t)
  const [one, two] = processes
  one.take('a', 7)
  await two.untilLeft('a', 3)
  await server.kill()
  await server.start()
  await until('it was found', one.redis.isThere)
  one.take('a', 1)
  await two.untilLeft('a', 2)
  const counts = (await server.client.keys('test:rate:*'))[0]!
  await server.client.del(counts)
  await server.client.lpush(counts, 'nonsense')
  two.take('a', 1)
  await one.untilLeft('a', 1)
})
