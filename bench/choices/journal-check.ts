import { measureBookings } from './bookings.ts'
import type { Choice } from './choice.ts'

/** When the journal is seen to balance: once a statement, or row by row at the commit. */
export const journalCheck: Choice = {
  name: 'check of the journal',
  counts: 'transfers',
  chosen: 'per statement',
  bound: 'none',
  play(stage, compare) {
    const book = (changes: readonly string[]) => () => measureBookings(stage, { connections: 1, changes })
    return compare({
      'per statement': book([]),
      none: book([withoutCheck]),
      'per row, deferred': book([withoutCheck, rowCheck, rowTrigger]),
    })
  },
}

const withoutCheck = 'drop trigger transfer_balances on ledger.transfer'

/** The very same check, of the one row. */
const rowCheck = `do $$
begin
  execute replace(replace(pg_get_functiondef('ledger.refuse_unbalanced'::regproc),
    'ledger.refuse_unbalanced', 'ledger.refuse_unbalanced_row'), 'from new_rows t', 'from (select new.*) t');
end $$`

const rowTrigger = `create constraint trigger transfer_balances after insert on ledger.transfer
  deferrable initially deferred for each row execute function ledger.refuse_unbalanced_row()`
