import { measureBookings } from './bookings.ts'
import type { Choice } from './choice.ts'

/** How the transfers of an account are found: by b-trees for payer and payee, or by one GIN over both. */
export const journalIndexes: Choice = {
  name: 'indexes of the journal',
  counts: 'transfers',
  chosen: 'two b-trees',
  chosenFor: 'longest batch',
  play(stage, compare) {
    // A GIN gathers 4 MB of entries, those of some 125,000 transfers, before one batch must sort them in.
    const book = (changes: readonly string[]) => () =>
      measureBookings(stage, { connections: 1, changes: [withoutVacuum, ...changes], batches: 270 })
    return compare({ 'two b-trees': book([]), 'GIN over both': book([withoutTrees, withGin]) })
  },
}

// A vacuum that comes by would sort them in instead.
const withoutVacuum = 'alter table ledger.transfer set (autovacuum_enabled = off)'
const withoutTrees = `drop index ledger.transfer_payer_seq, ledger.transfer_payee_seq,
  ledger.transfer_payer_position, ledger.transfer_payee_position`
const withGin = 'create index transfer_accounts on ledger.transfer using gin ((array[payer_id, payee_id]))'
