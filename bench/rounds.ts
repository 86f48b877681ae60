import type { Measure } from './bench.ts'
import type { Stage } from './stage.ts'

/**
 * Runs every side once a round, every other round backwards, and answers the median of each figure: what warms up,
 * fills up or gets in the way meets all sides alike.
 */
export async function alternate<Side extends string>(
  stage: Stage,
  sides: Readonly<Record<Side, () => Promise<Measure>>>,
): Promise<Record<Side, Measure>> {
  const names = Object.keys(sides) as Side[]
  const measured = new Map<Side, Measure[]>(names.map((name) => [name, []]))
  for (let round = 0; round < stage.rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const measure = await sides[name]()
      measured.get(name)!.push(measure)
      stage.say(`round ${round + 1}  ${name}: ${Math.round(measure.rate).toLocaleString('en')} a second`)
    }
  }
  return Object.fromEntries(names.map((name) => [name, medianOf(measured.get(name)!)])) as Record<Side, Measure>
}

function medianOf(measures: readonly Measure[]): Measure {
  const of = (pick: (measure: Measure) => number | null) => {
    const values = measures.map(pick).filter((value) => value !== null)
    return values.length > 0 ? median(values) : null
  }
  return {
    rate: of((measure) => measure.rate)!,
    p50Ms: of((measure) => measure.p50Ms),
    p99Ms: of((measure) => measure.p99Ms),
    p999Ms: of((measure) => measure.p999Ms),
    cpuUs: of((measure) => measure.cpuUs),
    postgresCpuUs: of((measure) => measure.postgresCpuUs),
    peakMemoryMb: of((measure) => measure.peakMemoryMb),
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
