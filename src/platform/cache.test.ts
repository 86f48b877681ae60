import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { withoutRedis } from '#test/engines/installed'
import { openRedisServer, type TestRedis } from '#test/engines/redis'
import { until } from '#test/harness'
import { type Cache, openCache, openMemoryShelf } from './cache.ts'
import { openLog } from './log.ts'
import { openRedisShelf } from './redis/cache.ts'
import { openRedis } from './redis/connection.ts'

const skip = withoutRedis()

interface Colour {
  readonly colour: string
}

const toColour = (kept: unknown) => (typeof (kept as Colour)?.colour === 'string' ? (kept as Colour) : null)

/** Asks for a colour, and counts how often it was made. */
function openAsking(cache: Cache, maxAgeSeconds = 60) {
  const asking = {
    made: 0,
    ask: (make = async () => ({ colour: `violet ${asking.made}` })) =>
      cache.get('grape', {
        maxAgeSeconds,
        read: toColour,
        make() {
          asking.made += 1
          return make()
        },
      }),
  }
  return asking
}

async function openInRedis(t: TestContext, { url }: TestRedis) {
  const redis = openRedis({ url, prefix: 'test:', log: openLog({ level: 'silent' }), answerMs: 5_000 })
  t.after(redis.close)
  await until('Redis was found', redis.isThere)
  return { redis, cache: openCache(openRedisShelf(redis)) }
}

const openings = {
  memory: { skip: false, open: async () => openCache() },
  Redis: { skip, open: async (t: TestContext) => (await openInRedis(t, await openRedisServer(t))).cache },
}

for (const [form, { skip, open }] of Object.entries(openings)) {
  test(`in ${form}, what was made is kept, once for all who wait for it, until it is forgotten; a failure is not`, {
    skip,
  }, async (t) => {
    const cache = await open(t)
    const asking = openAsking(cache)
    const failing = () => asking.ask(() => Promise.reject(new Error('away')))
    const failed = await Promise.allSettled([failing(), failing()])
    assert.deepEqual([...failed.map(({ status }) => status), asking.made], ['rejected', 'rejected', 1])
    const all = await Promise.all(Array.from({ length: 20 }, () => asking.ask()))
    assert.deepEqual(new Set(all.map(({ colour }) => colour)), new Set(['violet 2']))
    assert.deepEqual(await asking.ask(), { colour: 'violet 2' })
    await cache.forget('grape')
    assert.deepEqual(await asking.ask(), { colour: 'violet 3' })

    const slow = Promise.withResolvers<Colour>()
    await cache.forget('grape')
    const waiting = asking.ask(() => slow.promise)
    await until('it was being made', () => asking.made === 4)
    await cache.forget('grape')
    slow.resolve({ colour: 'of yesterday' })
    assert.deepEqual(await waiting, { colour: 'of yesterday' })
    assert.deepEqual(await asking.ask(), { colour: 'violet 5' }, 'what was forgotten while it was made is not kept')
  })
}

test('what is kept in memory is no older than it may be, and no more than there is room for', async () => {
  let ms = 0
  const shelf = openMemoryShelf(() => ms, 100)
  const keep = (key: string) => shelf.keep(key, { text: 'x'.repeat(39), forMs: 1_000 })
  const left = async () => (await Promise.all(['a', 'b', 'c'].map(shelf.find))).map((text) => text !== null)
  for (const key of ['a', 'b', 'a', 'c']) await keep(key)
  assert.deepEqual(await left(), [true, false, true])
  ms = 1_000
  assert.deepEqual(await left(), [false, false, false])
})

test('what is kept ends before it is too old, not all at once, and counts from when it began to be made', async () => {
  const kept: number[] = []
  const cache = openCache({
    find: async () => null,
    keep: async (_key, { forMs }) => void kept.push(forMs),
    async drop() {},
  })
  const asking = openAsking(cache, 100)
  for (let turn = 0; turn < 50; turn += 1) await asking.ask()
  assert.ok(
    kept.every((ms) => ms <= 100_000 && ms >= 79_000),
    String(kept),
  )
  assert.ok(new Set(kept).size > 1)
})

test('what one process made others have from Redis; nonsense and a Redis that is away are as good as nothing', {
  skip,
}, async (t) => {
  const server = await openRedisServer(t)
  const [one, two] = [await openInRedis(t, server), await openInRedis(t, server)]
  const [first, second] = [openAsking(one.cache), openAsking(two.cache)]
  await until('it was shared', async () => {
    await first.ask()
    return server.client.exists('test:cache:grape')
  })
  assert.ok((await server.client.pttl('test:cache:grape')) <= 60_000)
  await until('it was read', async () => (await second.ask()).colour === (await first.ask()).colour)
  for (const nonsense of ['not JSON', '{"colour":7}', 'null']) {
    await server.client.set('test:cache:grape', nonsense)
    const { made } = second
    assert.match((await second.ask()).colour, /^violet/)
    assert.equal(second.made, made + 1, nonsense)
  }
  await server.client.del('test:cache:grape')
  await server.client.lpush('test:cache:grape', 'a list')
  assert.match((await second.ask()).colour, /^violet/)
  await server.kill()
  assert.match((await first.ask()).colour, /^violet/)
})
