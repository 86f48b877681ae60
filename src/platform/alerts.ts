import type { Sql } from './database.ts'
import { addJob } from './job-queue.ts'
import type { Text } from './problem.ts'
import type { Work } from './work.ts'

/** Something that somebody should look at. */
export interface Alert {
  /** What it comes of, for good: as long as that goes on, it is told once. */
  readonly cause: string
  /** What happened, without a full stop. */
  readonly title: Text
  /** What to do, with the command to type. */
  readonly todo: Text
}

/** An alert as it stands. */
export interface KeptAlert extends Alert {
  /** How often it was raised since then. */
  readonly count: number
  readonly since: Date
  /** Null while its cause goes on. */
  readonly endedAt: Date | null
}

/** The jobs that tell of an alert, each by a way of its own: one that fails keeps no other back. */
export const alertJobNames = { log: 'alerts.log', mail: 'alerts.mail', post: 'alerts.post' } as const

/** Somewhat less than three days, by the growing delays of the queue. */
export const alertAttemptsMax = 20

/**
 * Raises an alert with this unit of work: told of after its commit, unless its cause goes on already; then it is
 * counted. Locks the cause until the end: to be called last.
 */
export async function raiseAlert(work: Work, { cause, title, todo }: Alert): Promise<void> {
  const rows = await work.sql.rows<{ count: number }>(
    `insert into platform.alert as a (cause, title, todo) values ($1, $2, $3)
     on conflict (cause) do update set title = excluded.title, todo = excluded.todo, ended_at = null,
       count = case when a.ended_at is null then a.count + 1 else 1 end,
       since = case when a.ended_at is null then a.since else clock_timestamp() end
     returning count`,
    [cause, JSON.stringify(title), JSON.stringify(todo)],
  )
  if (rows[0]!.count > 1) return
  for (const name of Object.values(alertJobNames)) {
    // One that still waits to tell of the same cause tells of it as it stands by then.
    await addJob(work, { name, payload: { cause }, attemptsMax: alertAttemptsMax, key: `${name} ${cause}` })
  }
}

/**
 * Ends an alert: raised again, it is told anew. `isOver` is asked when nobody can raise it any more before the end of
 * this unit of work, and where it says no the alert goes on.
 */
export async function endAlert(
  work: Work,
  { cause, isOver = async () => true }: { cause: string; isOver?: () => Promise<boolean> },
): Promise<void> {
  const open = await work.sql.rows('select from platform.alert where cause = $1 and ended_at is null for update', [
    cause,
  ])
  if (open.length === 0 || !(await isOver())) return
  await work.sql.run('update platform.alert set ended_at = clock_timestamp() where cause = $1', [cause])
}

/** The alert of a cause, or null where there never was one. */
export async function findAlert(reads: { readonly sql: Sql }, cause: string): Promise<KeptAlert | null> {
  const rows = await reads.sql.rows<KeptAlert>(
    'select cause, title, todo, count, since, ended_at as "endedAt" from platform.alert where cause = $1',
    [cause],
  )
  return rows[0] ?? null
}

/** How many alerts have a cause that goes on. */
export async function countOpenAlerts(reads: { readonly sql: Sql }): Promise<number> {
  const rows = await reads.sql.rows<{ count: number }>(
    'select count(*) as count from platform.alert where ended_at is null',
  )
  return rows[0]!.count
}
