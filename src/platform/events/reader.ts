import type { Sql } from '../database.ts'
import type { Event, EventSource } from './events.ts'
import { loadEvents, selectPlaces } from './store.ts'

const batchMax = 500
const scanMax = 10_000

/** Events that stand together, and up to where they were looked for. */
export interface Batch {
  readonly events: readonly Event[]
  readonly upTo: number
  readonly hasMore: boolean
}

/** Reads events of some types in their order. */
export interface EventReader {
  /** The next after a number, at most a batch, with the one behind it on its way meanwhile. */
  next(after: number): Promise<Batch>
}

/** Opens a reader; it asks for nothing until it is asked. */
export function openReader(by: {
  readonly reads: { readonly sql: Sql }
  readonly sources: readonly EventSource[]
  readonly types: readonly string[]
}): EventReader {
  const { reads, sources, types } = by
  let ahead: { readonly after: number; readonly batch: Promise<Batch> } | null = null

  const read = async (after: number): Promise<Batch> => {
    const { places, upTo, last } = await selectPlaces(reads, { after, types, scanMax, limit: batchMax })
    return { events: await loadEvents(reads, { places, sources }), upTo, hasMore: upTo < last }
  }

  return {
    async next(after) {
      const asked = ahead?.after === after ? ahead.batch : read(after)
      ahead = null
      const batch = await asked
      if (batch.hasMore) {
        ahead = { after: batch.upTo, batch: read(batch.upTo) }
        // Whoever asks for it is told.
        ahead.batch.catch(() => {})
      }
      return batch
    },
  }
}
