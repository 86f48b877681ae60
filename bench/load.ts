import { setTimeout as pause } from 'node:timers/promises'
import type { Measure } from './bench.ts'
import { type Usage, type Watched, watch } from './usage.ts'

export interface Load {
  readonly callers: number
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly watched: Watched
  /** One call; `caller` is 0 … callers − 1. */
  call(caller: number): Promise<unknown>
  /** How many things one call does: a batch counts as what is in it. */
  readonly callSize?: number
  /** Ends the window early: there is nothing left to do. */
  isDone?(): boolean
  /** A caller that waits longer is joined by another, as in life: who is stuck does not keep others away. */
  readonly patienceMs?: number
}

/** What one process saw of a load; travels between processes. */
export interface Sample {
  readonly calls: number
  readonly seconds: number
  /** One per call, in milliseconds. */
  readonly latenciesMs: Float64Array
  readonly usage: Usage
}

/** A closed loop: each caller calls again as soon as it was answered. Calls that end in the window count. */
export async function drive(load: Load): Promise<Sample> {
  let latenciesMs = new Float64Array(65_536)
  let calls = 0
  let isMeasuring = false
  let isOver = false
  let failure: unknown

  const end = Promise.withResolvers<void>()
  const slots = new Set<Slot>()
  function start(caller: number): void {
    const slot: Slot = { caller, calledAt: performance.now(), isReplaced: false }
    slots.add(slot)
    loop(slot)
      .catch((error) => {
        failure ??= error
        isOver = true
      })
      .finally(() => {
        slots.delete(slot)
        if (slots.size === 0) end.resolve()
      })
  }
  async function loop(slot: Slot): Promise<void> {
    while (!isOver && !slot.isReplaced && !load.isDone?.()) {
      slot.calledAt = performance.now()
      await load.call(slot.caller)
      if (!isMeasuring) continue
      if (calls === latenciesMs.length) latenciesMs = grown(latenciesMs)
      latenciesMs[calls] = performance.now() - slot.calledAt
      calls += 1
    }
  }
  function replaceStuck(): void {
    const since = performance.now() - load.patienceMs!
    for (const slot of [...slots]) {
      if (slot.isReplaced || slot.calledAt > since || isOver) continue
      slot.isReplaced = true
      start(slot.caller)
    }
  }
  for (let caller = 0; caller < load.callers; caller += 1) start(caller)
  const replacing = load.patienceMs ? setInterval(replaceStuck, load.patienceMs / 2) : undefined
  await pauseUnless(end.promise, load.warmUpSeconds)
  const endWatch = watch(load.watched)
  const startedAt = performance.now()
  isMeasuring = true
  await pauseUnless(end.promise, load.seconds)
  isMeasuring = false
  const seconds = (performance.now() - startedAt) / 1_000
  const usage = endWatch()
  isOver = true
  clearInterval(replacing)
  await end.promise
  if (failure) throw failure
  return { calls: calls * (load.callSize ?? 1), seconds, latenciesMs: latenciesMs.slice(0, calls), usage }
}

async function pauseUnless(end: Promise<void>, seconds: number): Promise<void> {
  const over = new AbortController()
  const paused = pause(seconds * 1_000, undefined, { signal: over.signal }).catch(() => {})
  await Promise.race([paused, end])
  over.abort()
}

interface Slot {
  readonly caller: number
  calledAt: number
  isReplaced: boolean
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2)
  larger.set(array)
  return larger
}

/** What processes that ran side by side did together. */
export function toMeasure(samples: readonly Sample[]): Measure {
  const calls = sum(samples.map((sample) => sample.calls))
  const latenciesMs = new Float64Array(sum(samples.map((sample) => sample.latenciesMs.length)))
  let at = 0
  for (const sample of samples) {
    latenciesMs.set(sample.latenciesMs, at)
    at += sample.latenciesMs.length
  }
  latenciesMs.sort()
  const perCall = (total: number | null) => (total === null || calls === 0 ? null : total / calls)
  const peaks = samples.map((sample) => sample.usage.peakMemoryMb).filter((peak) => peak !== null)
  return {
    rate: sum(samples.map((sample) => sample.calls / sample.seconds)),
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    p999Ms: quantile(latenciesMs, 0.999),
    cpuUs: perCall(known(samples.map((sample) => sample.usage.cpuUs))),
    postgresCpuUs: perCall(known(samples.map((sample) => sample.usage.postgresCpuUs))),
    peakMemoryMb: peaks.length > 0 ? Math.max(...peaks) : null,
  }
}

function quantile(sorted: Float64Array, share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}

/** Processes that did not watch leave null behind; the sum of those that did. */
function known(values: readonly (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null)
  return numbers.length > 0 ? sum(numbers) : null
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0)
}
