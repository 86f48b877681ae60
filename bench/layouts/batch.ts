import { randomUUID } from 'node:crypto'
import type { TransactionSql } from '#platform/database'
import { type Booking, lastOfEach } from './booking.ts'
import type { Layout } from './layout.ts'

/** Writes a batch: keys, lots and accounts as the ledger does, whatever the layout of the journal. */
export async function writeBatch(
  sql: TransactionSql,
  { layout, bookings }: { layout: Layout; bookings: readonly Booking[] },
): Promise<void> {
  const last = lastOfEach(bookings)
  sql.send(
    `insert into platform.idempotency_key (digest, request_hash, status, answer)
     select digest, digest, 200, answer from unnest($1::uuid[], $2::text[]) as u (digest, answer)`,
    [bookings.map(() => randomUUID()).sort(), bookings.map((booking) => JSON.stringify(booking))],
  )
  layout.insert(sql, bookings)
  sql.send(
    `update ledger.lot set remaining = u.remaining from unnest($1::uuid[], $2::bigint[]) as u (id, remaining)
     where lot.id = u.id`,
    [last.map((booking) => booking.lotId), last.map((booking) => booking.balanceAfter - 1_000_000_000)],
  )
  sql.send(
    `update ledger.account set bonus = u.bonus, seq = u.seq, last_at = u.last_at
     from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) as u (id, bonus, seq, last_at)
     where account.id = u.id`,
    [
      last.map((booking) => booking.payerId),
      last.map((booking) => booking.balanceAfter - 1_000_000_000),
      last.map((booking) => booking.seq),
      last.map((booking) => booking.at.toISOString()),
    ],
  )
}
