import type { RememberedRevocations } from '../revocations.ts'
import { rememberedMs } from '../revocations.ts'
import type { Redis } from './connection.ts'

/** What one process remembers, and what any other noted in Redis, where it stays for as long. */
export function openRedisRevocations(redis: Redis, remembered: RememberedRevocations): RememberedRevocations {
  const put = (all: readonly { readonly id: string; readonly leftMs: number }[]) =>
    redis.ask((client) => {
      const pipeline = client.pipeline()
      for (const { id, leftMs } of all) pipeline.set(keyOf(id), '1', 'PX', Math.ceil(leftMs))
      return pipeline.exec()
    })
  /** An answer may be late because this process is; where Redis was away for longer, it is told when it is back. */
  const putSurely = async (all: Parameters<typeof put>[0]) => (await put(all)) ?? (await put(all))
  redis.onBack(async () => {
    const all = remembered.list()
    for (let at = 0; at < all.length; at += 1_000) await put(all.slice(at, at + 1_000))
  })
  return {
    ...remembered,
    async note(ids) {
      await Promise.all([remembered.note(ids), putSurely(ids.map((id) => ({ id, leftMs: rememberedMs })))])
    },
    async has(id) {
      return (await remembered.has(id)) || (await redis.ask((client) => client.get(keyOf(id)))) === '1'
    },
  }
}

function keyOf(id: string): string {
  return `revoked:${id}`
}
