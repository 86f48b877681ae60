import type { Bench } from '../bench.ts'
import { alternate } from '../rounds.ts'
import { ledgerSeed, manyLotsSeed } from '../seed.ts'
import { measureLane } from '../sides.ts'

// The same points as in the many.
const fewLots = ledgerSeed('few_lots', { wallets: 1, lotsPerWallet: 5, pointsPerLot: 20_000_000 })

export const ledgerLots: Bench = {
  name: 'ledger-lots',
  compares: 'spends from a wallet of 10,000 open lots ÷ from a wallet of five',
  must: 0.8,
  goal: 0.95,
  async run(stage) {
    const sides = await alternate(stage, {
      '10,000 open lots': () => measureLane(stage, { seed: manyLotsSeed, callers: 256, poolSize: 8 }),
      'five open lots': () => measureLane(stage, { seed: fewLots, callers: 256, poolSize: 8 }),
    })
    return {
      ratio: sides['10,000 open lots'].rate / sides['five open lots'].rate,
      sides,
      figures: [],
      musts: [],
    }
  },
}
