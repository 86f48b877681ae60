import type { Database } from '#platform/database'
import { openLog } from '#platform/log'
import { type News, openNews } from '#platform/news'
import { openRedis, type Redis } from '#platform/redis/connection'
import { openRedisNews } from '#platform/redis/news'
import { withoutRedis } from './engines/installed.ts'
import { openRedisServer, type TestRedis } from './engines/redis.ts'
import { type House, openHouse, type Scope } from './harness.ts'

/** What one process shares with others. */
export interface SharingProcess {
  readonly database: Database
  readonly news: News
  /** Null in the form that does without. */
  readonly redis: Redis | null
}

/** Where processes share, for tests that hold in each form of a port. */
export interface SharedPlace {
  readonly house: House
  readonly server: TestRedis | null
  open(): SharingProcess
}

/** The forms of every port, and why one cannot be tested here. */
export const forms = { PostgreSQL: { skip: false }, Redis: { skip: withoutRedis() } } as const

const prefix = 'test:'

export async function openSharedPlace(scope: Scope, form: keyof typeof forms): Promise<SharedPlace> {
  const house = await openHouse(scope)
  const server = form === 'Redis' ? await openRedisServer(scope) : null
  return {
    house,
    server,
    open() {
      const { database } = house.second({ poolSize: 2 })
      const own = openNews({ database, url: house.serviceUrl, onError() {} })
      const redis = server && openRedis({ url: server.url, prefix, log: openLog({ level: 'silent' }) })
      house.onClose(() => Promise.all([own.close(), redis?.close()]))
      return { database, redis, news: redis ? openRedisNews(redis, { prefix, otherwise: own }) : own }
    },
  }
}
