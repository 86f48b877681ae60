import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import { httpHotSeed, measureHttp, withServer } from '../http-ground.ts'
import { alternate, median } from '../rounds.ts'
import type { Ground } from '../stage.ts'

const lookEveryMs = 20
const drainMaxMs = 120_000

export const asyncSpends: Bench = {
  name: 'async-spends',
  compares:
    'spends that are taken on to be done later, with no worker, ÷ spends that are done at once; 256 connections',
  must: 0.8,
  goal: 1.5,
  async run(stage) {
    const drains: number[] = []
    // What one process takes on another carries out: they have one secret.
    const settings = { PODO_SECRET_KEY: randomBytes(32).toString('base64') }
    const play = { seed: httpHotSeed, connections: 256, settings }
    const sides = await alternate(stage, {
      'taken on': () =>
        measureHttp(stage, {
          ...play,
          traffic: 'later',
          afterwards: async (ground) => void drains.push(await drain({ ...ground, settings })),
        }),
      'done at once': () => measureHttp(stage, { ...play, traffic: 'spends' }),
    })
    return {
      ratio: sides['taken on'].rate / sides['done at once'].rate,
      sides,
      figures: [{ name: 'done by one worker afterwards', value: median(drains), unit: 'spends/s' }],
      musts: [],
    }
  },
}

/** How many a worker carries out in a second that has nothing else to do. */
async function drain(ground: Ground & { readonly settings: Record<string, string> }): Promise<number> {
  const waiting = async () => {
    const [row] = await ground.owner.sql.rows<{ count: number }>(
      'select count(*) as count from platform.operation where completed_at is null',
    )
    return row!.count
  }
  const count = await waiting()
  return withServer(
    { ...ground, settings: { ...ground.settings, PODO_ROLE: 'worker' }, withBackground: true },
    async () => {
      const since = performance.now()
      while ((await waiting()) > 0) {
        if (performance.now() - since > drainMaxMs) throw new Error('what was taken on is not carried out')
        await delay(lookEveryMs)
      }
      return (count * 1_000) / (performance.now() - since)
    },
  )
}
