import { openRedisServer } from '#test/engines/redis'
import type { Bench, Measure } from '../bench.ts'
import { httpHotSeed, measureHttp } from '../http-ground.ts'
import { alternate } from '../rounds.ts'
import type { Stage } from '../stage.ts'

export const redisDown: Bench = {
  name: 'redis-down',
  compares:
    'spends on one wallet over HTTP, counted for limits that are shared through a Redis that hangs ÷ one that is well',
  must: 0.8,
  goal: 0.95,
  async run(stage) {
    const sides = await alternate(stage, {
      'Redis hangs': () => measure(stage, { hangs: true }),
      'Redis is well': () => measure(stage, { hangs: false }),
    })
    const { 'Redis hangs': hung, 'Redis is well': well } = sides
    return { ratio: hung.rate / well.rate, sides, figures: [], musts: [] }
  },
}

async function measure(stage: Stage, { hangs }: { hangs: boolean }): Promise<Measure> {
  const endings: (() => Promise<void> | void)[] = []
  const redis = await openRedisServer({ after: (end) => void endings.push(end) })
  try {
    return await measureHttp(stage, {
      seed: httpHotSeed,
      connections: 256,
      traffic: 'spends',
      byKey: true,
      settings: { REDIS_URL: redis.url, PODO_RATE_LIMITS: 'true', PODO_RATE_LIMIT_KEY: '100000000' },
      async beside() {
        if (hangs) redis.signal('SIGSTOP')
        return async () => redis.signal('SIGCONT')
      },
    })
  } finally {
    for (const end of endings) await end()
  }
}
