import type { Figure, Measure } from '../bench.ts'
import { alternate, median } from '../rounds.ts'
import type { Stage } from '../stage.ts'

/** What one way did in one round, and what else tells it from the others. */
export interface Trial {
  readonly measure: Measure
  readonly costs: readonly Figure[]
}

/** Ways to do the same, by name. */
export type Ways = Readonly<Record<string, () => Promise<Trial>>>

/** Something that the ledger does one way and could do another. */
export interface Choice {
  readonly name: string
  /** What the rates count. */
  readonly counts: string
  /** The way that was chosen. */
  readonly chosen: string
  /** The cost that it was chosen for, where that is not the rate. */
  readonly chosenFor?: string
  /** A way that cannot be had: only shows how much there is to win. */
  readonly bound?: string
  /** Has its ways compared, once, over whatever they share. */
  play(stage: Stage, compare: (ways: Ways) => Promise<void>): Promise<void>
}

export interface Comparison {
  readonly sides: Readonly<Record<string, Measure>>
  readonly figures: readonly Figure[]
  /** How many times better the chosen way is than the best of those that were rejected. */
  readonly gain: number
}

/** Measures every way in alternated rounds. */
export async function compareWays(stage: Stage, choice: Choice): Promise<Comparison> {
  const trials = new Map<string, Trial[]>()
  let sides: Record<string, Measure> = {}
  await choice.play(stage, async (ways) => {
    const runs = Object.entries(ways).map(([way, run]) => {
      const done: Trial[] = []
      trials.set(way, done)
      const measure = async () => {
        const trial = await run()
        done.push(trial)
        return trial.measure
      }
      return [`${choice.name}: ${way}`, measure] as const
    })
    sides = await alternate<string>(stage, Object.fromEntries(runs))
  })
  const side = (way: string) => `${choice.name}: ${way}`
  const rateOf = (way: string) => sides[side(way)]!.rate
  const costs = new Map([...trials].map(([way, done]) => [way, toCosts(done)]))
  const worthOf = (way: string) =>
    choice.chosenFor ? 1 / costs.get(way)!.find(({ name }) => name === choice.chosenFor)!.value : rateOf(way)
  const others = [...trials.keys()].filter((way) => way !== choice.chosen)
  const rejected = others.filter((way) => way !== choice.bound)
  return {
    sides,
    figures: [
      ...others.map((way) => ({
        name: `${side(way)} ÷ ${choice.chosen}`,
        value: rateOf(way) / rateOf(choice.chosen),
        unit: 'ratio',
      })),
      ...[...costs].flatMap(([way, known]) => known.map((cost) => ({ ...cost, name: `${side(way)}: ${cost.name}` }))),
    ],
    gain: worthOf(choice.chosen) / Math.max(...rejected.map(worthOf)),
  }
}

function toCosts(trials: readonly Trial[]): Figure[] {
  return trials[0]!.costs.map(({ name, unit }, place) => ({
    name,
    value: median(trials.map((trial) => trial.costs[place]!.value)),
    unit,
  }))
}
