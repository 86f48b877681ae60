import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Connection } from './connections.ts'

/** A worker that says that it lives. */
export interface JobHolder {
  close(): Promise<void>
}

const retryMs = 500
const lockOf = (name: string) => `hashtextextended('podo jobs of ' || ${name}, 0)`

/**
 * Says that the worker of this name lives, and lets the jobs go of those that were seen dead twice, `lookMs` apart. By
 * itself the queue does so after four hours, since it cannot know whether a worker still runs what it has taken; here
 * each holds a lock in a session of its own, which PostgreSQL ends with the process.
 */
export function keepJobHolder(connection: Connection, { name, lookMs }: { name: string; lookMs: number }): JobHolder {
  const stop = new AbortController()
  let client: pg.Client | null = null
  let suspects: readonly string[] = []

  const drop = async () => {
    const dropped = client
    client = null
    await dropped?.end().catch(() => {})
  }

  const connect = async (): Promise<pg.Client> => {
    const made = new connection.Client(connection)
    client = made
    made.on('error', () => void drop())
    await made.connect()
    return made
  }

  const look = async (): Promise<void> => {
    const session = client ?? (await connect())
    // Again and again: a former session of ours may not have ended yet when it is asked for first.
    await session.query(`select pg_try_advisory_lock(${lockOf('$1')})`, [name])
    const { rows } = await session.query<{ name: string }>(
      // Shared, so that those who look at the same time take no dead one for alive.
      `select name from (
         select distinct locked_by as name from graphile_worker._private_jobs where locked_by <> $1
       ) holder where pg_try_advisory_xact_lock_shared(${lockOf('name')})`,
      [name],
    )
    const dead = rows.map((row) => row.name)
    // All lose their locks when the database restarts, and have them again by the second look.
    const gone = dead.filter((each) => suspects.includes(each))
    if (gone.length > 0) await session.query('select graphile_worker.force_unlock_workers($1)', [gone])
    suspects = dead
  }

  const loop = async () => {
    while (!stop.signal.aborted) {
      const waitMs = await look().then(
        () => lookMs,
        () => drop().then(() => retryMs),
      )
      await delay(waitMs, undefined, { signal: stop.signal }).catch(() => {})
    }
    await drop()
  }

  const ended = loop()
  return {
    async close() {
      stop.abort()
      await drop()
      await ended
    },
  }
}
