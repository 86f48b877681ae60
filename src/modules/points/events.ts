import { findEntries } from '#modules/ledger'
import type { EventSource } from '#platform/events/events'
import { toLine } from './resources.ts'

/** The journal: for each wallet that a transfer counts in, the line that it is in that wallet's statement. */
export const journal: EventSource = {
  name: 'ledger',
  view: 'ledger.transfer_place',
  async load(reads, places) {
    const entries = await findEntries(
      reads,
      places.map(({ rowId, key }) => ({ transferId: rowId, walletId: key })),
    )
    return new Map(entries.map((entry, at) => [places[at]!.id, { at: entry.transfer.createdAt, data: toLine(entry) }]))
  },
}
