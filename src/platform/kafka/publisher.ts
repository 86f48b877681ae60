import type { Envelopes } from '../events/cloud-events.ts'
import { openReader } from '../events/reader.ts'
import type { Hearing } from '../events/relay.ts'
import { assertGeneration, type Lease } from '../leases.ts'
import { system } from '../work.ts'
import type { KafkaSettings } from './connection.ts'
import { toMessage } from './messages.ts'
import type { Sender } from './producer.ts'
import { movePublishing, openPublishing } from './store.ts'

/** What publishing needs. */
export interface Publishing extends Pick<Hearing, 'reads' | 'withWork' | 'sources'> {
  readonly envelopes: Envelopes
  /** Every type that there is. */
  readonly types: readonly string[]
  readonly kafka: Pick<KafkaSettings, 'prefix'>
  readonly sender: Sender
}

/** Puts events into their topics. */
export interface Publisher {
  /**
   * The next events, at most a batch; answers whether there are more. An event is written before it is noted that it
   * was: one may come twice, in its order, and none is left out.
   */
  next(lease?: Lease): Promise<boolean>
}

/** Opens a publisher of everything that happens; it goes on where the last one stopped. */
export function openPublisher(by: Publishing): Publisher {
  const { reads, withWork } = by
  const reader = openReader(by)
  return {
    async next(lease) {
      const from = await openPublishing(reads)
      const { events, upTo, hasMore } = await reader.next(from)
      if (upTo === from) return false
      if (events.length > 0) await by.sender.send(events.map((event) => toMessage(by.kafka, by.envelopes.wrap(event))))
      await withWork(system, async (work) => {
        movePublishing(work, upTo)
        if (lease) await assertGeneration(work, lease)
      })
      return hasMore
    },
  }
}
