import type { Config } from './config.ts'
import type { Database } from './database.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { type News, openNews } from './news.ts'
import type { Text } from './problem.ts'
import type { Redis, RedisPlace } from './redis/connection.ts'

/** What processes share beside the database, through Redis where there is one. */
export interface Sharing {
  /** Null where none is configured. */
  readonly redis: Redis | null
  readonly news: News
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
  const news = openNews({
    database,
    url,
    onError: (error) => log.warn(`News of other processes are not heard: ${error.message}`),
  })
  if (config.redisUrl === null) return { redis: null, news, close: news.close }
  return openThroughRedis({ url: config.redisUrl, prefix: config.redisPrefix }, { ...by, news })
}

async function openThroughRedis(
  place: RedisPlace,
  { news, log, metrics }: SharingParts & { readonly news: News },
): Promise<Sharing> {
  const [{ openRedis }, { openRedisNews }] = await Promise.all([
    import('./redis/connection.ts'),
    import('./redis/news.ts'),
  ])
  const redis = openRedis({ ...place, log, metrics })
  metrics.gauge('redis_there', '1 while Redis answers, 0 while it is done without.', () => Number(redis.isThere()))
  return {
    redis,
    news: openRedisNews(redis, { prefix: place.prefix, otherwise: news }),
    async close() {
      await Promise.all([news.close(), redis.close()])
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
