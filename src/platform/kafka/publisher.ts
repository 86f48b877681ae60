import type { Envelopes } from '../events/cloud-events.ts'
import type { Hearing } from '../events/relay.ts'
import { loadEvents, selectPlaces } from '../events/store.ts'
import { assertGeneration, type Lease } from '../leases.ts'
import { system } from '../work.ts'
import type { KafkaSettings } from './connection.ts'
import { toMessage } from './messages.ts'
import type { Sender } from './producer.ts'
import { movePublishing, openPublishing } from './store.ts'

const batchMax = 500
const scanMax = 10_000

/** What publishing needs. */
export interface Publishing extends Pick<Hearing, 'reads' | 'withWork' | 'sources'> {
  readonly envelopes: Envelopes
  /** Every type that there is. */
  readonly types: readonly string[]
  readonly kafka: Pick<KafkaSettings, 'prefix'>
  readonly sender: Sender
}

/**
 * Puts the next events into their topics, at most a batch, and answers whether there are more. An event is written
 * before it is noted that it was: one may come twice, in its order, and none is left out.
 */
export async function publishNext(by: Publishing, lease?: Lease): Promise<boolean> {
  const { reads, withWork, sources, types } = by
  const from = await openPublishing(reads)
  const { places, upTo, last } = await selectPlaces(reads, { after: from, types, scanMax, limit: batchMax })
  if (upTo === from) return false
  const events = await loadEvents(reads, { places, sources })
  if (events.length > 0) await by.sender.send(events.map((event) => toMessage(by.kafka, by.envelopes.wrap(event))))
  await withWork(system, async (work) => {
    movePublishing(work, upTo)
    if (lease) await assertGeneration(work, lease)
  })
  return upTo < last
}
