import type { Bench, Figure, Measure } from '../bench.ts'
import { type Choice, compareWays } from '../choices/choice.ts'
import { foreignKeys } from '../choices/foreign-keys.ts'
import { heldWallet } from '../choices/held-wallet.ts'
import { journalCheck } from '../choices/journal-check.ts'
import { journalIndexes } from '../choices/journal-indexes.ts'
import { keyPartitions } from '../choices/key-partitions.ts'
import { lotPages } from '../choices/lot-pages.ts'
import { openLots } from '../choices/open-lots.ts'
import { walCompression } from '../choices/wal-compression.ts'

const all: readonly Choice[] = [
  foreignKeys,
  journalCheck,
  journalIndexes,
  lotPages,
  openLots,
  walCompression,
  heldWallet,
  keyPartitions,
]

export const choices: Bench = {
  name: 'choices',
  compares: 'what the database is spared, each as it is ÷ the best that was rejected: the worst of eight',
  must: 0.9,
  goal: 1,
  isForDecision: true,
  seconds: 1.2,
  async run(stage) {
    const sides: Record<string, Measure> = {}
    const figures: Figure[] = []
    const gains: number[] = []
    for (const choice of all) {
      const compared = await compareWays(stage, choice)
      Object.assign(sides, compared.sides)
      figures.push(...compared.figures)
      gains.push(compared.gain)
    }
    const notes = all.map(({ name, counts }) => `${name} counts ${counts}`)
    return { ratio: Math.min(...gains), sides, figures, notes, musts: [] }
  },
}
