import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isKafkaInstalled } from '#sandbox/kafka/installed'

/** Why tests on Kafka are skipped, or false: they run where it is, and fail where it has to be and is not. */
export function withoutKafka(): string | false {
  if (isKafkaInstalled() || process.env.PODO_TEST_ENGINES === 'all') return false
  return 'Kafka is not installed; it is by: npm run engines'
}

/** What starts a Redis: the program, and the name that it is called by; null where there is none. */
export function findRedisServer(): { readonly path: string; readonly name: string } | null {
  // Debian's package of tools holds the server under the name of one of them, and no service that runs by itself.
  const names = ['valkey-server', 'redis-server', 'redis-check-rdb']
  const paths = (process.env.PATH ?? '').split(':').flatMap((folder) => names.map((name) => join(folder, name)))
  const path = names.flatMap((name) => paths.filter((each) => each.endsWith(`/${name}`))).find(existsSync)
  return path ? { path, name: 'redis-server' } : null
}

/** Why tests on Redis are skipped, or false. */
export function withoutRedis(): string | false {
  if (findRedisServer() || process.env.PODO_TEST_ENGINES === 'all') return false
  return 'Redis is not installed; it is by: npm run engines'
}
