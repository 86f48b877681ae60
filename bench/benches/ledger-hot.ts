import type { Bench, Measure } from '../bench.ts'
import { spendForUpdate, spendOptimistically, spendSerializably, spendUnderAdvisoryLock } from '../references/index.ts'
import { alternate } from '../rounds.ts'
import { hotSeed, type LedgerSeed, spreadSeed } from '../seed.ts'
import { measureLane, measureReference } from '../sides.ts'
import type { Stage } from '../stage.ts'

export const ledgerHot: Bench = {
  name: 'ledger-hot',
  compares: 'spends through the lane on one wallet ÷ one transaction per spend with `for update`',
  must: 20,
  goal: 40,
  async run(stage) {
    const sides = await alternate(stage, {
      ...lanesAndReferences(stage, hotSeed),
      'lane over 10,000 wallets': () => measureLane(stage, { seed: spreadSeed, callers: 256, poolSize: 8 }),
    })
    const { best, ratio } = overBest(sides)
    const spread = sides['lane over 10,000 wallets'].rate
    return {
      ratio,
      sides,
      figures: [
        { name: 'best `for update`', value: best, unit: 'spends/s' },
        { name: 'hot ÷ spread', value: sides['lane, 256 callers'].rate / spread, unit: 'ratio' },
        {
          name: '256 ÷ 64 callers',
          value: sides['lane, 256 callers'].rate / sides['lane, 64 callers'].rate,
          unit: 'ratio',
        },
      ],
      musts: [
        { says: 'hot is no slower than spread ÷ 1.1', holds: sides['lane, 256 callers'].rate >= spread / 1.1 },
        moreCallersAreNoSlower(sides),
      ],
    }
  },
}

export const ledgerSpread: Bench = {
  name: 'ledger-spread',
  compares: 'spends through the lane over 10,000 wallets ÷ one transaction per spend with `for update`',
  must: 8,
  goal: 15,
  async run(stage) {
    const sides = await alternate(stage, lanesAndReferences(stage, spreadSeed))
    const { best, ratio } = overBest(sides)
    return {
      ratio,
      sides,
      figures: [{ name: 'best `for update`', value: best, unit: 'spends/s' }],
      musts: [moreCallersAreNoSlower(sides)],
    }
  },
}

function lanesAndReferences(stage: Stage, seed: LedgerSeed) {
  const play = (callers: number, poolSize: number) => ({ seed, callers, poolSize })
  return {
    'lane, 64 callers': () => measureLane(stage, play(64, 8)),
    'lane, 256 callers': () => measureLane(stage, play(256, 8)),
    'for update, pool of 4': () => measureReference(stage, spendForUpdate, play(256, 4)),
    'for update, pool of 8': () => measureReference(stage, spendForUpdate, play(256, 8)),
    'for update, pool of 16': () => measureReference(stage, spendForUpdate, play(256, 16)),
    'optimistic version': () => measureReference(stage, spendOptimistically, play(256, 8)),
    serializable: () => measureReference(stage, spendSerializably, play(256, 8)),
    'advisory lock': () => measureReference(stage, spendUnderAdvisoryLock, play(256, 8)),
  }
}

type Sides = Record<keyof ReturnType<typeof lanesAndReferences>, Measure>

function overBest(sides: Sides): { best: number; ratio: number } {
  const best = Math.max(
    sides['for update, pool of 4'].rate,
    sides['for update, pool of 8'].rate,
    sides['for update, pool of 16'].rate,
  )
  return { best, ratio: sides['lane, 256 callers'].rate / best }
}

function moreCallersAreNoSlower(sides: Sides) {
  return {
    says: '256 callers are no slower than 64 ÷ 1.1',
    holds: sides['lane, 256 callers'].rate >= sides['lane, 64 callers'].rate / 1.1,
  }
}
