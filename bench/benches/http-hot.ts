import type { Bench } from '../bench.ts'
import { httpHotSeed, httpSpreadSeed, measureHttp } from '../http-ground.ts'
import { alternate } from '../rounds.ts'

const peakMemoryMaxMb = 400
const singleP50MaxMs = 3

export const httpHot: Bench = {
  name: 'http-hot',
  compares: 'durable idempotent spends on one wallet over HTTP ÷ a no-op route of the same server, 256 connections',
  must: 0.3,
  goal: 0.4,
  async run(stage) {
    const sides = await alternate(stage, {
      'spends, 256 connections': () => measureHttp(stage, { seed: httpHotSeed, connections: 256, traffic: 'spends' }),
      'no-op, 256 connections': () => measureHttp(stage, { seed: httpHotSeed, connections: 256, traffic: 'no-ops' }),
      'spends, 64 connections': () => measureHttp(stage, { seed: httpHotSeed, connections: 64, traffic: 'spends' }),
      'spends, one connection': () => measureHttp(stage, { seed: httpHotSeed, connections: 1, traffic: 'spends' }),
      'spends over 10,000 wallets': () =>
        measureHttp(stage, { seed: httpSpreadSeed, connections: 256, traffic: 'spends' }),
    })
    const hot = sides['spends, 256 connections']
    const single = sides['spends, one connection']
    return {
      ratio: hot.rate / sides['no-op, 256 connections'].rate,
      sides,
      figures: [
        { name: 'hot ÷ spread', value: hot.rate / sides['spends over 10,000 wallets'].rate, unit: 'ratio' },
        { name: '256 ÷ 64 connections', value: hot.rate / sides['spends, 64 connections'].rate, unit: 'ratio' },
      ],
      musts: [
        { says: `the server stays under ${peakMemoryMaxMb} MB`, holds: (hot.peakMemoryMb ?? 0) < peakMemoryMaxMb },
        {
          says: `p50 of one connection is under ${singleP50MaxMs} ms`,
          holds: single.p50Ms !== null && single.p50Ms < singleP50MaxMs,
        },
        {
          says: 'hot is no slower than spread ÷ 1.1',
          holds: hot.rate >= sides['spends over 10,000 wallets'].rate / 1.1,
        },
        {
          says: '256 connections are no slower than 64 ÷ 1.1',
          holds: hot.rate >= sides['spends, 64 connections'].rate / 1.1,
        },
      ],
    }
  },
}

export const httpSpread: Bench = {
  name: 'http-spread',
  compares: 'durable idempotent spends over 10,000 wallets over HTTP ÷ a no-op route of the same server',
  must: 0.2,
  goal: 0.3,
  async run(stage) {
    const play = { seed: httpSpreadSeed, connections: 256 }
    const sides = await alternate(stage, {
      spends: () => measureHttp(stage, { ...play, traffic: 'spends' }),
      'no-op': () => measureHttp(stage, { ...play, traffic: 'no-ops' }),
    })
    return { ratio: sides.spends.rate / sides['no-op'].rate, sides, figures: [], musts: [] }
  },
}
