import { type Cache, openCache } from './cache.ts'
import type { Config } from './config.ts'
import type { Database } from './database.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { type News, openNews } from './news.ts'
import type { Text } from './problem.ts'
import { openRanking, type Ranking } from './ranking.ts'
import { openRateCounter, type RateCounter } from './rate-limits.ts'
import type { Redis, RedisPlace } from './redis/connection.ts'
import { openRevocations, type RememberedRevocations, type Revocations } from './revocations.ts'

/** What processes share beside the database, through Redis where there is one. */
export interface Sharing {
  /** Null where none is configured. */
  readonly redis: Redis | null
  readonly news: News
  readonly revocations: Revocations
  readonly rateCounter: RateCounter
  readonly ranking: Ranking
  readonly cache: Cache
  close(): Promise<void>
}

export interface SharingParts {
  readonly config: Config
  readonly database: Database
  readonly databaseUrl: string
  readonly log: Logger
  readonly metrics: Metrics
}

/** Opens it all; the client of Redis is loaded only where there is one. */
export async function openSharing(by: SharingParts): Promise<Sharing> {
  const { config, database, databaseUrl: url, log } = by
  const { redisUrl, redisPrefix: prefix } = config
  const own = openNews({
    database,
    url,
    onError: (error) => log.warn(`News of other processes are not heard: ${error.message}`),
  })
  const through = redisUrl === null ? null : await openThroughRedis({ url: redisUrl, prefix }, { ...by, news: own })
  const news = through?.news ?? own
  const remembered = openRevocations({
    news,
    database,
    onError: (error) => log.warn(`What was taken away could not be told or read: ${error.message}`),
  })
  return {
    redis: through?.redis ?? null,
    news,
    revocations: through?.shareRevocations(remembered) ?? remembered,
    rateCounter: through?.rateCounter ?? openRateCounter(),
    ranking: through?.ranking ?? openRanking(database),
    cache: openCache(through?.shelf),
    async close() {
      await Promise.all([news.close(), remembered.close()])
      await through?.close()
    },
  }
}

async function openThroughRedis(place: RedisPlace, by: SharingParts & { readonly news: News }) {
  const { news, database, log, metrics } = by
  const { openRedis } = await import('./redis/connection.ts')
  const { openRedisNews } = await import('./redis/news.ts')
  const { openRedisRevocations } = await import('./redis/revocations.ts')
  const { openSharedRateCounter } = await import('./redis/rate-limits.ts')
  const { openRedisRanking } = await import('./redis/ranking.ts')
  const { openRedisShelf } = await import('./redis/cache.ts')
  const redis = openRedis({ ...place, log, metrics })
  metrics.gauge('redis_there', '1 while Redis answers, 0 while it is done without.', () => Number(redis.isThere()))
  const rateCounter = openSharedRateCounter(redis)
  const ranking = openRedisRanking(redis, {
    database,
    onError: (error) => log.warn(`Rankings in Redis do not follow the database: ${error.message}`),
  })
  return {
    redis,
    news: openRedisNews(redis, { prefix: place.prefix, otherwise: news }),
    rateCounter,
    ranking,
    shelf: openRedisShelf(redis),
    shareRevocations: (remembered: RememberedRevocations) => openRedisRevocations(redis, remembered),
    async close() {
      await Promise.all([rateCounter.close(), ranking.close()])
      await redis.close()
    },
  }
}

/** What is wrong with the Redis that is configured; null where it is well, or none is. */
export function findRedisProblem({ redis }: Sharing): Text | null {
  if (redis === null || redis.isThere()) return null
  return {
    ko: 'Redis가 답하지 않아 Redis 없이 일합니다. 요청 한도를 프로세스마다 따로 셉니다.',
    en: 'Redis does not answer, and is done without: each process counts the limits by itself.',
  }
}
