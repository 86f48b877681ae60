import { failureOf, isTimeout, type Sql } from '../database.ts'
import { isKeyConflict } from '../idempotency.ts'
import { LeaseLost } from '../leases.ts'
import { system, type WithWork, type Work } from '../work.ts'
import { raiseDeadLetterAlert } from './dead-letters.ts'
import type { Event } from './events.ts'
import {
  claimEvents,
  claimNewEvents,
  delayRetry,
  deleteRetries,
  insertDeadLetter,
  insertRetries,
  isTakenInAlready,
  lockStop,
  lockStoppedKeys,
  selectDueKeys,
  selectRetries,
  stopKey,
} from './store.ts'

/** Somebody who wants to know what happened. */
export interface Subscriber {
  /** For good: what was taken in is known by it. */
  readonly name: string
  readonly types: readonly string[]
  /**
   * Takes events in, in their order, within the unit of work that notes that they were; what is thrown undoes all of
   * it. Events that failed together come again one by one.
   */
  handle(work: Work, events: readonly Event[]): Promise<void>
}

/** How events are tried again. */
export interface Patience {
  /** Attempts in all, before an event goes to the dead letters. */
  readonly attemptsMax: number
  /** Milliseconds before the attempt after so many have failed. */
  delayMs(attempts: number): number
}

/** Five attempts over about a minute and a half: after 1, 4, 16 and 64 seconds, each up to a half more or less. */
export const usualPatience: Patience = {
  attemptsMax: 5,
  delayMs: (attempts) => 1_000 * 4 ** (attempts - 1) * (0.5 + Math.random()),
}

/** An attempt that failed. */
export interface Failure {
  readonly event: Event
  /** How many there were in all. */
  readonly attempts: number
  /** Whether it was the last: the event is in the dead letters. */
  readonly isDead: boolean
  readonly error: unknown
}

/** What delivering needs. */
export interface Delivering {
  readonly reads: { readonly sql: Sql }
  readonly withWork: WithWork
  readonly subscriber: Subscriber
  readonly patience: Patience
  /** Told of each attempt that failed. */
  readonly onFailure: (failure: Failure) => void
}

/**
 * Delivers events, at least once and with one effect: in the order in which they come, those of a key behind which one
 * failed put aside until that one is done with. `alongside` is done in each unit of work, up to the event that is its
 * last. Throws where the database is away or `alongside` throws.
 */
export async function deliver(
  by: Delivering,
  { events, alongside }: { events: readonly Event[]; alongside: Alongside },
): Promise<void> {
  if (events.length === 0) return
  const error = await attempt(by, async (work, areNew) => {
    await take(work, { subscriber: by.subscriber, events, areNew })
    await alongside(work, events.at(-1)!)
  })
  if (error === null) return
  if (events.length === 1) return putAside(by, { event: events[0]!, error: error.reason, alongside })
  const middle = events.length >> 1
  await deliver(by, { events: events.slice(0, middle), alongside })
  await deliver(by, { events: events.slice(middle), alongside })
}

/** What is written in the unit of work that takes events in, up to the last of them. */
export type Alongside = (work: Work, last: Event) => Promise<void>

const crossingsMax = 10

/**
 * Null where it was done; a failure of the handler, or of what it was given, otherwise. Events are held for new, which
 * costs half of asking whether they are, until it turns out that one was taken in before.
 */
async function attempt(
  by: Delivering,
  run: (work: Work, areNew: boolean) => Promise<void>,
): Promise<{ reason: unknown } | null> {
  let areNew = true
  for (let crossings = 0; ; crossings += 1) {
    try {
      await by.withWork(system, (work) => run(work, areNew))
      return null
    } catch (reason) {
      if (reason instanceof LeaseLost) throw reason
      if (areNew && isTakenInAlready(reason)) {
        areNew = false
        continue
      }
      // Units of work that crossed: none of them failed.
      if (crossings < crossingsMax && (failureOf(reason) === 'retry' || isKeyConflict(reason))) continue
      if (failureOf(reason) === 'unavailable' && !isTimeout(reason)) throw reason
      return { reason }
    }
  }
}

interface Taking {
  readonly subscriber: Subscriber
  readonly events: readonly Event[]
  /** Whether none of them was taken in before, as far as is known. */
  readonly areNew: boolean
}

async function take(work: Work, { subscriber, events, areNew }: Taking): Promise<void> {
  const subscription = subscriber.name
  const keys = [...new Set(events.map(({ key }) => key))]
  const stopped = await lockStoppedKeys(work, { subscription, keys })
  if (stopped.size === 0) return handle(work, { subscriber, events, areNew })
  insertRetries(work, { subscription, events: events.filter(({ key }) => stopped.has(key)), error: null })
  await handle(work, { subscriber, events: events.filter(({ key }) => !stopped.has(key)), areNew })
}

async function handle(work: Work, { subscriber, events, areNew }: Taking): Promise<void> {
  if (events.length === 0) return
  const claim = { subscription: subscriber.name, ids: events.map(({ id }) => id) }
  if (areNew) {
    await claimNewEvents(work, claim)
    return subscriber.handle(work, events)
  }
  const claimed = await claimEvents(work, claim)
  // An event that comes twice among them is taken in where it comes first.
  const fresh = events.filter(({ id }) => claimed.delete(id))
  if (fresh.length > 0) await subscriber.handle(work, fresh)
}

async function putAside(
  by: Delivering,
  { event, error, alongside }: { event: Event; error: unknown; alongside: Alongside },
): Promise<void> {
  const { subscriber, patience, withWork, onFailure } = by
  onFailure({ event, attempts: 1, isDead: false, error })
  await withWork(system, async (work) => {
    const { name: subscription } = subscriber
    stopKey(work, { subscription, key: event.key, delayMs: patience.delayMs(1) })
    insertRetries(work, { subscription, events: [event], error: messageOf(error) })
    await alongside(work, event)
  })
}

const keysMax = 100
const perKeyMax = 100

/** Tries again what is due, each key by itself; answers whether there may be more that is. */
export async function retryDue(by: Delivering): Promise<boolean> {
  const subscription = by.subscriber.name
  const keys = await selectDueKeys(by.reads, { subscription, limit: keysMax })
  for (const key of keys) await retryKey(by, key)
  return keys.length > 0
}

/** All that wait together; where that fails, the first by itself. */
async function retryKey(by: Delivering, key: string): Promise<void> {
  const { subscriber } = by
  const { name: subscription } = subscriber
  const run = (limit: number) =>
    attempt(by, async (work, areNew) => {
      if (!(await lockStop(work, { subscription, key }))) return
      const events = (await selectRetries(work, { subscription, key, limit })).map(({ event }) => event)
      deleteRetries(work, { subscription, key, ids: events.map(({ id }) => id) })
      await handle(work, { subscriber, events, areNew })
    })
  if ((await run(perKeyMax)) === null) return
  const error = await run(1)
  if (error) await delayOrBury(by, { key, error: error.reason })
}

async function delayOrBury(by: Delivering, { key, error }: { key: string; error: unknown }): Promise<void> {
  const { subscriber, patience, withWork, onFailure } = by
  const subscription = subscriber.name
  const failed = await withWork(system, async (work) => {
    if (!(await lockStop(work, { subscription, key }))) return null
    const [first] = await selectRetries(work, { subscription, key, limit: 1 })
    if (!first) return null
    const attempts = first.attempts + 1
    const { event } = first
    const { id } = event
    if (attempts < patience.attemptsMax) {
      delayRetry(work, { subscription, key, id, error: messageOf(error), delayMs: patience.delayMs(attempts) })
      return { event, attempts, isDead: false }
    }
    insertDeadLetter(work, { subscription, event, attempts, error: messageOf(error) })
    deleteRetries(work, { subscription, key, ids: [id] })
    await raiseDeadLetterAlert(work, subscription)
    return { event, attempts, isDead: true }
  })
  if (failed) onFailure({ ...failed, error })
}

/** For people who look into the dead letters; the whole error stands in the log. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return text.slice(0, 1_000)
}
