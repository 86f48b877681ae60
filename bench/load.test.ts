import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrive } from './arrivals.ts'
import type { Measure } from './bench.ts'
import { drive, type Sample, toMeasure } from './load.ts'
import { alternate, median } from './rounds.ts'
import type { Stage } from './stage.ts'

const usage = { cpuUs: 10, postgresCpuUs: null, peakMemoryMb: 5 }

test('a measure of two processes adds their rates, takes quantiles over both, and shares the CPU among all calls', () => {
  const first: Sample = { calls: 2, seconds: 1, latenciesMs: Float64Array.of(4, 1), usage }
  const second: Sample = {
    calls: 2,
    seconds: 2,
    latenciesMs: Float64Array.of(3, 2),
    usage: { ...usage, postgresCpuUs: 8, peakMemoryMb: 7 },
  }
  assert.deepEqual(toMeasure([first, second]), {
    rate: 3,
    p50Ms: 3,
    p99Ms: 4,
    p999Ms: 4,
    cpuUs: 5,
    postgresCpuUs: 2,
    peakMemoryMb: 7,
  } satisfies Measure)
})

test('only calls that end in the window count, and the load ends when there is nothing left to do', async () => {
  let left = 100
  const sample = await drive({
    callers: 4,
    warmUpSeconds: 0,
    seconds: 10,
    watched: { processes: [], postmaster: null },
    isDone: () => left <= 0,
    async call() {
      left -= 1
      await new Promise(setImmediate)
    },
  })
  assert.ok(sample.calls <= 100 && sample.calls > 0, `${sample.calls} calls`)
  assert.ok(sample.seconds < 5, `${sample.seconds} seconds`)
})

test('a call that fails ends the load and fails it', async () => {
  const failing = drive({
    callers: 2,
    warmUpSeconds: 0,
    seconds: 10,
    watched: { processes: [], postmaster: null },
    call: () => Promise.reject(new Error('refused')),
  })
  await assert.rejects(failing, /refused/)
})

test('a caller that is stuck is joined by another, so that the rest of the load goes on', async () => {
  let release = () => {}
  const stuck = new Promise<void>((resolve) => {
    release = resolve
  })
  let calls = 0
  const sample = await drive({
    callers: 1,
    warmUpSeconds: 0,
    seconds: 10,
    patienceMs: 10,
    watched: { processes: [], postmaster: null },
    isDone: () => calls > 50,
    async call() {
      calls += 1
      if (calls === 1) return stuck
      if (calls > 50) release()
      await new Promise(setImmediate)
    },
  })
  assert.ok(sample.calls >= 50, `${sample.calls} calls`)
})

test('sides take turns, every other round backwards, and each figure is the median of its rounds', async () => {
  const order: string[] = []
  const side = (name: string, rates: number[]) => async (): Promise<Measure> => {
    order.push(name)
    const rate = rates.shift()!
    return { rate, p50Ms: rate, p99Ms: 0, p999Ms: 0, cpuUs: null, postgresCpuUs: null, peakMemoryMb: null }
  }
  const stage = { rounds: 3, say() {} } as unknown as Stage
  const sides = await alternate(stage, { ours: side('ours', [5, 1, 9]), theirs: side('theirs', [2, 2, 2]) })
  assert.deepEqual(order, ['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs'])
  assert.equal(sides.ours.rate, 5)
  assert.equal(sides.ours.cpuUs, null)
  assert.equal(median([4, 1, 3, 2]), 2.5)
})

test('calls of an open loop are due at even times, and begin though none before them has ended', async () => {
  const dues: number[] = []
  const all = Promise.withResolvers<void>()
  const startedAt = performance.now()
  await arrive({
    perSecond: 1_000,
    seconds: 0.05,
    call(dueAt) {
      dues.push(dueAt)
      if (dues.length === 50) all.resolve()
      return all.promise
    },
  })
  assert.equal(dues.length, 50)
  assert.deepEqual(
    dues.map((due) => Math.round(due - dues[0]!)),
    Array.from({ length: 50 }, (_, at) => at),
  )
  assert.ok(performance.now() - startedAt >= 49)
})
