import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { failureOf, type Sql } from './database.ts'
import { newId } from './ids.ts'
import { openOutage } from './outage.ts'
import { saysLater } from './problem.ts'
import type { Work } from './work.ts'

/** The right to do what must not be done twice at once, until somebody else has taken it. */
export interface Lease {
  readonly name: string
  /** Raised each time that the lease changes hands. */
  readonly generation: number
  readonly holder: string
}

/** Thrown where somebody else has taken the lease: nothing that was written after it may stay. */
export class LeaseLost extends Error {
  constructor(lease: Lease) {
    super(`The lease ${lease.name} of generation ${lease.generation} is somebody else's now`)
    this.name = 'LeaseLost'
  }
}

interface Reads {
  readonly sql: Sql
}

/** The lease, if nobody holds it or its holder has let it run out; null otherwise. Times are the database's own. */
export async function takeLease(
  reads: Reads,
  { name, holder, ttlMs }: { name: string; holder: string; ttlMs: number },
): Promise<Lease | null> {
  const rows = await reads.sql.rows<{ generation: number }>(
    `insert into platform.lease (name, generation, holder, expires_at)
     values ($1, 1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (name) do update set generation = lease.generation + 1, holder = excluded.holder,
       expires_at = clock_timestamp() + $3 * interval '1 millisecond'
     where lease.expires_at <= clock_timestamp()
     returning generation`,
    [name, holder, ttlMs],
  )
  return rows[0] ? { name, holder, generation: rows[0].generation } : null
}

/** Whether the lease was still the holder's, and is for another while. */
export async function renewLease(reads: Reads, { lease, ttlMs }: { lease: Lease; ttlMs: number }): Promise<boolean> {
  const touched = await reads.sql.run(
    `update platform.lease set expires_at = clock_timestamp() + $3 * interval '1 millisecond'
     where name = $1 and generation = $2`,
    [lease.name, lease.generation, ttlMs],
  )
  return touched === 1
}

/** Lets somebody else take the lease at once. */
export async function giveUpLease(reads: Reads, lease: Lease): Promise<void> {
  await reads.sql.run(`update platform.lease set expires_at = 'epoch' where name = $1 and generation = $2`, [
    lease.name,
    lease.generation,
  ])
}

/**
 * Throws `LeaseLost` where somebody else has taken the lease. Nobody can take it until this unit of work has ended, so
 * what is written in it is written by the holder, however long the process had been stopped before.
 */
export async function assertGeneration(work: Work, lease: Lease): Promise<void> {
  const rows = await work.sql.rows('select from platform.lease where name = $1 and generation = $2 for share', [
    lease.name,
    lease.generation,
  ])
  if (rows.length === 0) throw new LeaseLost(lease)
}

export interface LeaseKeeperOptions {
  readonly reads: Reads
  readonly name: string
  /** How long after its last renewal a holder counts as dead. */
  readonly ttlMs?: number
  /** Pause between two runs. */
  readonly intervalMs: number
  /** The task; it ends its last write with `assertGeneration`. Answering true, it is run again without a pause. */
  run(lease: Lease): Promise<boolean>
  /** Told of each failure; of a database that is away once, until a run succeeds. */
  readonly onError: (error: unknown) => void
}

/** A loop that does its task for as long as this process holds the lease. */
export interface LeaseKeeper {
  /** Whether this process held the lease when it last looked. */
  isHolder(): boolean
  /** Ends the pause between two runs: there is something to do. */
  wake(): void
  /** Waits for the run under way, and gives the lease up. */
  close(): Promise<void>
}

const defaultTtlMs = 3_000

/** Runs a task again and again, never twice at once, in one process of all that keep the same lease. */
export function keepLease(options: LeaseKeeperOptions): LeaseKeeper {
  const { reads, name, run, intervalMs, onError, ttlMs = defaultTtlMs } = options
  const holder = `${hostname()} ${process.pid} ${newId()}`
  const stop = new AbortController()
  let lease: Lease | null = null
  let renewedAt = 0
  let isWoken = false
  let nap = new AbortController()
  const outage = openOutage(onError)
  const tell = (error: unknown) =>
    failureOf(error) === 'unavailable' || saysLater(error) ? outage.noticed(error as Error) : onError(error)

  // Renewed well before it runs out, but not at each run: every renewal is a commit.
  const hold = async (): Promise<Lease | null> => {
    if (lease && performance.now() - renewedAt < ttlMs / 3) return lease
    const startedAt = performance.now()
    if (lease && !(await renewLease(reads, { lease, ttlMs }))) lease = null
    lease ??= await takeLease(reads, { name, holder, ttlMs })
    renewedAt = startedAt
    return lease
  }

  /** However long a run takes, nobody else begins it meanwhile; a process that is stopped renews nothing. */
  const runHeld = async (held: Lease): Promise<boolean> => {
    const beat = setInterval(() => void renewLease(reads, { lease: held, ttlMs }).catch(() => {}), ttlMs / 3)
    try {
      return await run(held)
    } finally {
      clearInterval(beat)
    }
  }

  const loop = async () => {
    while (!stop.signal.aborted) {
      let hasMore = false
      isWoken = false
      try {
        const held = await hold()
        if (held) hasMore = await runHeld(held)
        outage.reached()
      } catch (error) {
        if (error instanceof LeaseLost) lease = null
        else tell(error)
      }
      if (!hasMore && !isWoken) {
        nap = new AbortController()
        await pause(lease ? intervalMs : ttlMs / 3, nap.signal)
      }
    }
    if (lease) await giveUpLease(reads, lease).catch(tell)
  }

  const ended = loop()
  return {
    isHolder: () => lease !== null,
    wake() {
      if (lease === null) return
      isWoken = true
      nap.abort()
    },
    close() {
      stop.abort()
      nap.abort()
      return ended
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}
