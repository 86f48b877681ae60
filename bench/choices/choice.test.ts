import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stage } from '../stage.ts'
import { type Choice, compareWays, type Trial } from './choice.ts'

const stage = { rounds: 1, say() {} } as unknown as Stage

const choice: Choice = {
  name: 'lock',
  counts: 'spends',
  chosen: 'ours',
  bound: 'none',
  play: (_, compare) => compare({ ours: way(60, 10), slow: way(20, 5), slower: way(10, 40), none: way(90, 1) }),
}

test('a choice gains over the best way that was rejected, and one that cannot be had is none', async () => {
  const { gain, figures } = await compareWays(stage, choice)
  assert.equal(gain, 3)
  assert.deepEqual(
    figures.filter(({ unit }) => unit === 'ratio').map(({ name, value }) => [name, value]),
    [
      ['lock: slow ÷ ours', 20 / 60],
      ['lock: slower ÷ ours', 10 / 60],
      ['lock: none ÷ ours', 1.5],
    ],
  )
})

test('a choice made for a cost gains what that cost is lower', async () => {
  const { gain } = await compareWays(stage, { ...choice, chosenFor: 'stall' })
  assert.equal(gain, 0.5)
})

test('a way that did nothing has no quantiles, and anything gains over it without end', async () => {
  const { gain, sides } = await compareWays(stage, {
    ...choice,
    play: (_, compare) => compare({ ours: way(60, 10), stopped: way(0, 10) }),
  })
  assert.equal(gain, Number.POSITIVE_INFINITY)
  assert.equal(sides['lock: stopped']!.p50Ms, null)
})

function way(rate: number, stallMs: number): () => Promise<Trial> {
  const p50Ms = rate > 0 ? 1 : null
  const measure = { rate, p50Ms, p99Ms: 1, p999Ms: 1, cpuUs: null, postgresCpuUs: null, peakMemoryMb: null }
  return async () => ({ measure, costs: [{ name: 'stall', value: stallMs, unit: 'ms' }] })
}
