import type { Database, Sql } from './database.ts'
import { newId } from './ids.ts'
import type { Metrics } from './metrics.ts'
import type { Work } from './work.ts'

/** Something that is to be tried. */
export interface Retry {
  /** What it is known by in its queue: what is new gets an id of its own. */
  readonly id: string
  /** What whoever tries it has to know. */
  readonly payload: string
  /** How long from now, by the clock of the queue; what is past is due at once, and before what fell due since. */
  readonly delayMs: number
}

/** What a worker has to itself until its claim runs out, or its outcome is told. */
export interface Claimed {
  readonly id: string
  readonly payload: string
  /** 1 the first time; more where it failed before, or its worker went away. */
  readonly attempt: number
  /** Shows an outcome that comes late that somebody else has claimed the item since. */
  readonly claim: string
}

/** How many items there are. */
export interface RetryCounts {
  /** Not due yet. */
  readonly waiting: number
  /** Due, and nobody's. */
  readonly due: number
  /** Being tried. */
  readonly claimed: number
}

/**
 * A queue of what is to be tried at a time, by whichever worker is free, at least once. Outcomes are told by the claim
 * that they are of: from a claim that ran out and was taken over they touch nothing. Answers are how many items were
 * touched. Everything throws where the queue is away; what was asked may have been done nevertheless.
 */
export interface RetryQueue {
  /**
   * Puts items in. What is there already stays, with its payload and attempts, and falls due when the earlier of both
   * does; what is being tried goes on untouched.
   */
  put(items: readonly Retry[]): Promise<void>
  /** Up to `max` items that are due, those first that fell due first, each for `leaseMs` and nobody else's meanwhile. */
  claim(lease: { readonly max: number; readonly leaseMs: number }): Promise<Claimed[]>
  /** They need not be tried again. */
  done(items: readonly Claimed[]): Promise<number>
  /** They are to be tried again, each after its own delay. */
  again(items: readonly (Claimed & Pick<Retry, 'delayMs'>)[]): Promise<number>
  /** They were not begun: they are due as they were, and the attempt does not count. */
  giveBack(items: readonly Claimed[]): Promise<number>
  count(): Promise<RetryCounts>
}

/** The form of a queue that cannot lose what is in it. */
export interface DurableRetryQueue extends RetryQueue {
  /** `put` in the caller's unit of work: committed with what it belongs to, or not at all. */
  putWithin(work: Work, items: readonly Retry[]): Promise<void>
}

/** A queue in the database, by its name. */
export function openRetryQueue(database: Database, queue: string): DurableRetryQueue {
  const { sql } = database
  const settle = (items: readonly Claimed[], text: string, more: readonly unknown[] = []) =>
    items.length === 0
      ? Promise.resolve(0)
      : sql.run(text, [queue, items.map(({ id }) => id), items.map(({ claim }) => claim), ...more])
  return {
    put: (items) => insertRetries(sql, { queue, items }),
    putWithin: (work, items) => insertRetries(work.sql, { queue, items }),
    claim: ({ max, leaseMs }) => sql.rows<Claimed>(claimDue, [queue, max, leaseMs, newId()]),
    done: (items) => settle(inOrder(items), deleteClaimed),
    async again(items) {
      const sorted = inOrder(items)
      return settle(sorted, delayClaimed, [sorted.map(({ delayMs }) => delayMs)])
    },
    giveBack: (items) => settle(inOrder(items), returnClaimed),
    async count() {
      const [counts] = await sql.rows<RetryCounts>(countRetries, [queue])
      return counts!
    },
  }
}

/** Shows how many items queues hold, by their state. */
export function showRetryQueues(metrics: Metrics, queues: Readonly<Record<string, RetryQueue>>): void {
  metrics.gauges('retries', 'What is to be tried again, by queue and state.', {
    label: ['queue', 'state'],
    async read() {
      const counts = await Promise.all(
        Object.entries(queues).map(async ([queue, { count }]) =>
          Object.entries(await count()).map(([state, number]) => [[queue, state], number] as const),
        ),
      )
      return new Map(counts.flat())
    },
  })
}

async function insertRetries(sql: Sql, { queue, items }: { queue: string; items: readonly Retry[] }): Promise<void> {
  // One statement may touch a row once.
  const byId = new Map<string, Retry>()
  for (const item of items) {
    const { payload, delayMs } = byId.get(item.id) ?? item
    byId.set(item.id, { id: item.id, payload, delayMs: Math.min(delayMs, item.delayMs) })
  }
  const sorted = inOrder([...byId.values()])
  if (sorted.length === 0) return
  await sql.run(
    `insert into platform.retry (queue, id, payload, due_at)
     select $1, id, payload, statement_timestamp() + delay_ms * interval '1 millisecond'
     from unnest($2::text[], $3::text[], $4::float8[]) as item (id, payload, delay_ms)
     on conflict (queue, id) do update set due_at = excluded.due_at
     where retry.claim is null and retry.due_at > excluded.due_at`,
    [queue, sorted.map(({ id }) => id), sorted.map(({ payload }) => payload), sorted.map(({ delayMs }) => delayMs)],
  )
}

/** Rows are locked in one order by whoever locks several: nobody waits in a circle. */
function inOrder<Item extends { readonly id: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

const isFree = '(claim is null or claimed_until <= statement_timestamp())'

/** The rows are written where they are, so the index by due time has one entry for an item, not one for each claim. */
const claimDue = `
  with due as materialized (
    select ctid from platform.retry
    where queue = $1 and due_at <= statement_timestamp() and ${isFree}
    order by due_at limit $2 for update skip locked
  ), claimed as (
    update platform.retry set claim = $4, attempts = attempts + 1,
      claimed_until = statement_timestamp() + $3 * interval '1 millisecond'
    from due where retry.ctid = due.ctid
    returning id, payload, attempts as attempt, claim, due_at
  )
  select id, payload, attempt, claim from claimed order by due_at`

/** Each by itself: planned while the table was empty, a join would read the whole queue for ever after. */
const mineOf = (columns: string) => `(
    select place, item.* from unnest(${columns}),
      lateral (select ctid as place from platform.retry where queue = $1 and retry.id = item.id limit 1) as found
  ) as mine`
const isMine = 'retry.ctid = mine.place and retry.claim = mine.claim'

const deleteClaimed = `
  delete from platform.retry
  using ${mineOf('$2::text[], $3::uuid[]) as item (id, claim')} where ${isMine}`

const delayClaimed = `
  update platform.retry set claim = null, claimed_until = null,
    due_at = statement_timestamp() + delay_ms * interval '1 millisecond'
  from ${mineOf('$2::text[], $3::uuid[], $4::float8[]) as item (id, claim, delay_ms')} where ${isMine}`

const returnClaimed = `
  update platform.retry set claim = null, claimed_until = null, attempts = attempts - 1
  from ${mineOf('$2::text[], $3::uuid[]) as item (id, claim')} where ${isMine}`

const countRetries = `
  select count(*) filter (where due_at > statement_timestamp() and ${isFree}) as waiting,
    count(*) filter (where due_at <= statement_timestamp() and ${isFree}) as due,
    count(*) filter (where not ${isFree}) as claimed
  from platform.retry where queue = $1`
