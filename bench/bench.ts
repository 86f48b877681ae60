import type { Stage } from './stage.ts'

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
}

/** What one side of a bench did in one round, or the median of its rounds. */
export interface Measure {
  /** Calls that ended, per second. */
  readonly rate: number
  /** Null where no call ended. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly p999Ms: number | null
  /** CPU time per call of the processes that are measured; null where the system does not tell. */
  readonly cpuUs: number | null
  /** CPU time per call of PostgreSQL: all of its processes. */
  readonly postgresCpuUs: number | null
  /** The most memory that any one of the processes measured ever held. */
  readonly peakMemoryMb: number | null
}

export interface Findings {
  /** The number that `must` and `goal` speak of. */
  readonly ratio: number
  /** Each side with the median of its rounds. */
  readonly sides: Readonly<Record<string, Measure>>
  readonly figures: readonly Figure[]
  /** What the figures say, in sentences. */
  readonly notes?: readonly string[]
  /** The other musts of the bench. */
  readonly musts: readonly Must[]
}

export interface Must {
  readonly says: string
  readonly holds: boolean
}

export interface Bench {
  readonly name: string
  /** What is divided by what, in one sentence. */
  readonly compares: string
  readonly must: number
  readonly goal: number
  /** Not in the list: made for a decision that was taken once. */
  readonly isForDecision?: boolean
  /** How long a side is measured where the caller does not say; five seconds where the bench does not either. */
  readonly seconds?: number
  run(stage: Stage): Promise<Findings>
}
