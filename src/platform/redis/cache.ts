import type { Shelf } from '../cache.ts'
import type { Redis } from './connection.ts'

/** A shelf that all processes share; while Redis is away it is empty. */
export function openRedisShelf(redis: Redis): Shelf {
  return {
    async find(key) {
      const text: unknown = await redis.ask((client) => client.get(keyOf(key)))
      return typeof text === 'string' ? text : null
    },
    async keep(key, { text, forMs }) {
      await redis.ask((client) => client.set(keyOf(key), text, 'PX', forMs))
    },
    async drop(key) {
      await redis.ask((client) => client.del(keyOf(key)))
    },
  }
}

function keyOf(key: string): string {
  return `cache:${key}`
}
