import { setTimeout as pause } from 'node:timers/promises'
import { openDatabase } from '#platform/database'
import { openLog } from '#platform/log'
import { openRedis } from '#platform/redis/connection'
import { openRedisRetryQueue } from '#platform/redis/retry-queue'
import { openRetryQueue } from '#platform/retry-queue'
import { keepRetrying } from '#platform/retrying'

// A worker on a retry queue in a process of its own, which says what it tries, until it is killed.

const { DATABASE_URL: databaseUrl, REDIS_URL: url, QUEUE: name = '' } = process.env
// Whoever started it has gone.
process.on('disconnect', () => process.exit(1))
keepRetrying({
  queue: url
    ? openRedisRetryQueue(openRedis({ url, prefix: 'test:', log: openLog({ level: 'silent' }), answerMs: 1_000 }), name)
    : openRetryQueue(openDatabase({ url: databaseUrl!, poolSize: 2, onError() {} }), name),
  patience: { attemptsMax: 1_000, delayMs: () => 0 },
  async handle({ id }) {
    process.send!(id)
    await pause(10)
  },
  async onGivenUp() {},
  onError() {},
  batchMax: 20,
  concurrentMax: 5,
  leaseMs: 500,
  intervalMs: 20,
})
