import { merchantId } from '../seed.ts'
import type { Layout } from './layout.ts'

/** The ledger's own: a transfer is one row, with its lots in arrays. */
export const legsInRow: Layout = {
  name: 'legs in the row',
  tables: ['ledger.transfer'],
  async create() {},
  insert(sql, bookings) {
    sql.send(
      `insert into ledger.transfer (id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, bonus, prize, paid,
         lot_ids, lot_classes, lot_amounts, actor_type, at)
       select id, 'spend', amount, payer_id, $8, seq, balance, amount, 0, 0,
         array[lot_id], array['bonus']::ledger.class[], array[-amount], 'system', at
       from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::timestamptz[])
         as u (id, amount, payer_id, seq, balance, lot_id, at)`,
      [
        bookings.map((booking) => booking.id),
        bookings.map((booking) => booking.amount),
        bookings.map((booking) => booking.payerId),
        bookings.map((booking) => booking.seq),
        bookings.map((booking) => booking.balanceAfter),
        bookings.map((booking) => booking.lotId),
        bookings.map((booking) => booking.at.toISOString()),
        merchantId,
      ],
    )
  },
  readStatement: (sql, walletId) =>
    sql.rows(
      `select id, kind, -amount as amount, payer_balance, at from ledger.transfer
       where payer_id = $1 and payer_seq is not null order by payer_seq desc limit 50`,
      [walletId],
    ),
}
