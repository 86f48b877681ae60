import type { Bench } from '../bench.ts'
import { httpHotSeed, measureHttp } from '../http-ground.ts'
import { alternate } from '../rounds.ts'
import { hotSeed } from '../seed.ts'
import { measureLane } from '../sides.ts'

export const batch: Bench = {
  name: 'batch',
  compares: 'transfers by `POST /v1/transfers/batch` of 500 on one connection ÷ single spends through the lane',
  must: 0.6,
  goal: 0.9,
  async run(stage) {
    const sides = await alternate(stage, {
      'batches of 500, one connection': () =>
        measureHttp(stage, { seed: httpHotSeed, connections: 1, traffic: { batchesOf: 500 } }),
      'lane, 256 callers': () => measureLane(stage, { seed: hotSeed, callers: 256, poolSize: 8 }),
    })
    return {
      ratio: sides['batches of 500, one connection'].rate / sides['lane, 256 callers'].rate,
      sides,
      figures: [],
      musts: [],
    }
  },
}
