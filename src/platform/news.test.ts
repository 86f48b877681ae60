import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { withoutRedis } from '#test/engines/installed'
import { openRedisServer } from '#test/engines/redis'
import { openHouse, until } from '#test/harness'
import { openLog } from './log.ts'
import { type News, openNews } from './news.ts'
import { openRedis } from './redis/connection.ts'
import { openRedisNews } from './redis/news.ts'

interface Place {
  /** What one process tells and hears by. */
  open(): News
  /** Cuts all connections. */
  cut(): Promise<unknown>
}

async function openPostgresPlace(t: TestContext): Promise<Place> {
  const house = await openHouse(t)
  return {
    open() {
      const news = openNews({ database: house.second().database, url: house.serviceUrl, onError() {} })
      house.onClose(news.close)
      return news
    },
    cut: () =>
      house.ownerSql.run(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'podo news' and datname = current_database()`,
      ),
  }
}

async function openRedisPlace(t: TestContext): Promise<Place> {
  const house = await openPostgresPlace(t)
  const { url, client } = await openRedisServer(t)
  return {
    open() {
      const redis = openRedis({ url, prefix: 'test:', log: openLog({ level: 'silent' }) })
      t.after(redis.close)
      return openRedisNews(redis, { prefix: 'test:', otherwise: house.open() })
    },
    cut: () => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
  }
}

const forms = {
  PostgreSQL: { open: openPostgresPlace, skip: false },
  Redis: { open: openRedisPlace, skip: withoutRedis() },
}

for (const [form, { open, skip }] of Object.entries(forms)) {
  test(`by ${form}, every process hears what is told of a topic, and after a cut that it may have missed some`, {
    skip,
  }, async (t) => {
    const place = await open(t)
    const processes = [place.open(), place.open()]
    const heard = processes.map(() => new Set<string>())
    const gaps = processes.map(() => 0)
    for (const [at, news] of processes.entries()) {
      news.hear('colours', (text) => heard[at]!.add(text))
      news.onGap(() => {
        gaps[at]! += 1
      })
    }
    const gapsAtStart = form === 'Redis' ? 2 : 1
    await until('both heard', () => gaps.every((count) => count === gapsAtStart))
    await processes[0]!.tell('sounds', 'ring')
    await processes[0]!.tell('colours', 'deep blue')
    await processes[1]!.tell('colours', '')
    await until('all was heard', () => heard.every((texts) => texts.size === 2))
    for (const texts of heard) assert.deepEqual(texts, new Set(['deep blue', '']))
    await place.cut()
    await until('the gap was told', () => gaps.every((count) => count > gapsAtStart))
    await processes[1]!.tell('colours', '보라')
    await until('it was heard', () => heard.every((texts) => texts.has('보라')))
  })
}
