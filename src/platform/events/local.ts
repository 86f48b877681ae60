import { assertGeneration, type Lease } from '../leases.ts'
import { system } from '../work.ts'
import { type Delivering, deliver, retryDue } from './delivery.ts'
import type { Event, EventSource } from './events.ts'
import { openReader } from './reader.ts'
import { moveSubscription, openSubscription } from './store.ts'

/** After how many numbers in vain it is noted that they were looked through. */
const notedEvery = 5_000
/** How often it is where there are no more: to be seen, without a commit for each. */
const notedEveryMs = 1_000

/** What delivering to a subscriber in this process needs. */
export interface LocalDelivering extends Delivering {
  readonly sources: readonly EventSource[]
  /** Told of each event before it is delivered. */
  readonly onEvent?: (event: Event) => void
}

/** A subscriber of this process, and up to where its events were looked through. */
export interface LocalDelivery {
  /** Delivers the next events, at most a batch, and what is due again; answers whether there is more. */
  next(lease?: Lease): Promise<boolean>
}

/** Goes on where the subscriber stopped; one that is new hears what happens from now on. */
export function openLocalDelivery(by: LocalDelivering): LocalDelivery {
  const { reads, subscriber, sources, withWork } = by
  const { name, types } = subscriber
  const reader = openReader({ reads, sources, types })
  let at: { noted: number; looked: number } | null = null
  let notedAtMs = Number.NEGATIVE_INFINITY

  /** Notes from time to time how much was looked through in vain, so that nobody has to again. */
  const note = async ({ hasMore, lease }: { hasMore: boolean; lease: Lease | undefined }) => {
    const { noted, looked } = at!
    const isTime = !hasMore && looked > noted && performance.now() - notedAtMs >= notedEveryMs
    if (looked - noted < notedEvery && !isTime) return
    await withWork(system, async (work) => {
      moveSubscription(work, { name, number: looked })
      if (lease) await assertGeneration(work, lease)
    })
    at = { noted: looked, looked }
    notedAtMs = performance.now()
  }

  const deliverFrom = async (after: number, lease?: Lease): Promise<boolean> => {
    const { events, upTo, hasMore } = await reader.next(after)
    if (by.onEvent) events.forEach(by.onEvent)
    await deliver(by, {
      events,
      async alongside(work, { number }) {
        moveSubscription(work, { name, number })
        if (lease) await assertGeneration(work, lease)
      },
    })
    at = { noted: events.at(-1)?.number ?? at!.noted, looked: upTo }
    await note({ hasMore, lease })
    return hasMore
  }

  return {
    async next(lease) {
      if (!at) {
        const number = await openSubscription(reads, name)
        at = { noted: number, looked: number }
      }
      const { looked } = at
      try {
        const [hasMore, hasDue] = [await deliverFrom(looked, lease), await retryDue(by)]
        return hasMore || hasDue
      } catch (error) {
        at = null
        throw error
      }
    },
  }
}
