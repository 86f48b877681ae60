import { keepLease, type Lease } from '../leases.ts'
import { system } from '../work.ts'
import type { Delivering, Failure, Subscriber } from './delivery.ts'
import type { Event, EventSource } from './events.ts'
import { type LocalDelivery, openLocalDelivery } from './local.ts'
import { lookForNews, numberEvents } from './numbering.ts'
import { openPace } from './pace.ts'

/** What hearing of events needs, whatever carries them. */
export interface Hearing extends Pick<Delivering, 'reads' | 'withWork' | 'patience'> {
  readonly sources: readonly EventSource[]
  readonly subscribers: readonly Subscriber[]
  /** Told of each event before it is handed on. */
  readonly onEvent?: (event: Event) => void
  /** Told of each attempt of a subscriber that failed. */
  readonly onFailure: (subscription: string, failure: Failure) => void
  /** Told of what went wrong beside that; the work goes on. */
  readonly onError: (error: unknown) => void
}

/** Something that goes on by itself. */
export interface Running {
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Looking for news is one cheap question. */
const numberingIntervalMs = 20
/** Where nobody in this process numbered anything, somebody else may have. */
const listeningIntervalMs = 100

/** Numbers what happened, in one process of all that keep this; tells `onNumbered` when there is something new. */
export function keepEventsNumbered(
  by: Pick<Hearing, 'reads' | 'withWork' | 'sources' | 'onError'> & { readonly onNumbered: () => void },
): Running {
  const { reads, withWork, sources, onError, onNumbered } = by
  const pace = openPace()
  let since = Number.MAX_SAFE_INTEGER
  return keepLease({
    reads,
    name: 'events: numbers',
    intervalMs: numberingIntervalMs,
    onError,
    async run(lease) {
      const { isAny, arrived, newest } = await lookForNews(reads, { sources, since })
      since = newest
      const rowsMax = pace.look({ arrived, nowMs: performance.now() })
      if (!isAny || rowsMax === 0) return false
      const done = await withWork(system, (work) => numberEvents(work, { sources, lease, rowsMax }))
      pace.numbered(done)
      if (done.count > 0) onNumbered()
      return done.hasMore
    },
  })
}

/** Delivers to each subscriber in one process of all that keep this, from its place in the database. */
export function hearLocally(by: Hearing): Running & {
  /** Looks at once: something happened. */
  wake(): void
} {
  const keepers = by.subscribers.map((subscriber) =>
    keepLease({
      reads: by.reads,
      name: `events: ${subscriber.name}`,
      intervalMs: listeningIntervalMs,
      onError: by.onError,
      run: inGenerations(() =>
        openLocalDelivery({ ...by, subscriber, onFailure: (failure) => by.onFailure(subscriber.name, failure) }),
      ),
    }),
  )
  return {
    wake() {
      for (const keeper of keepers) keeper.wake()
    },
    async close() {
      await Promise.all(keepers.map((keeper) => keeper.close()))
    },
  }
}

/** Who held a lease meanwhile went further: its new holder opens anew what knows a place. */
function inGenerations(open: () => LocalDelivery): (lease: Lease) => Promise<boolean> {
  let current: { generation: number; delivery: LocalDelivery } | null = null
  return (lease) => {
    if (current?.generation !== lease.generation) current = { generation: lease.generation, delivery: open() }
    return current.delivery.next(lease)
  }
}
