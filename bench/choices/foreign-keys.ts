import type { Stage } from '../stage.ts'
import { measureBookings } from './bookings.ts'
import type { Choice, Trial } from './choice.ts'

/** A foreign key locks the merchant's row for every transfer, and connections that share the lock write who they are. */
export const foreignKeys: Choice = {
  name: 'foreign keys',
  counts: 'transfers',
  chosen: 'none',
  play: (stage, compare) =>
    compare({
      none: () => measureSharing(stage, []),
      'payer and payee': () => measureSharing(stage, [withKeys]),
    }),
}

const withKeys = `alter table ledger.transfer
  add constraint transfer_payer foreign key (payer_id) references ledger.account,
  add constraint transfer_payee foreign key (payee_id) references ledger.account`

async function measureSharing(stage: Stage, changes: readonly string[]): Promise<Trial> {
  const before = await readNextMultixact(stage)
  const trial = await measureBookings(stage, { connections: 4, changes })
  const made = (await readNextMultixact(stage)) - before
  return { ...trial, costs: [...trial.costs, { name: 'lists of who shares a lock', value: made, unit: 'multixacts' }] }
}

async function readNextMultixact(stage: Stage): Promise<number> {
  const [row] = await stage.admin.sql.rows<{ next: number }>(`select mxid_age('1'::xid) as next`)
  return row!.next
}
