import { newId } from '#platform/ids'
import { merchantId } from '../seed.ts'
import { type Booking, lastOfEach } from './booking.ts'
import type { Layout } from './layout.ts'

/**
 * A batch is one row of arrays behind a view. A table beside it says which accounts are in which batch, with one row
 * for each account of a batch; a transfer is found by its id, since ids grow and a batch is a range of them.
 */
export const rowPerBatch: Layout = {
  name: 'a row per batch',
  tables: ['layout.batch', 'layout.batch_account'],
  async create(owner) {
    for (const text of statements) await owner.run(text)
  },
  insert(sql, bookings) {
    const batchId = newId()
    sql.send(
      `insert into layout.batch (id, first_id, last_id, ids, kinds, amounts, payer_ids, payee_ids, payer_seqs,
         payer_balances, bonus, prize, paid, lot_owners, lot_ids, lot_classes, lot_amounts, actor_types, ats)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $6, $11, $11, $12, $13, $14, $15, $16, $17)`,
      [
        batchId,
        bookings[0]!.id,
        bookings.at(-1)!.id,
        bookings.map((booking) => booking.id),
        bookings.map(() => 'spend'),
        bookings.map((booking) => booking.amount),
        bookings.map((booking) => booking.payerId),
        bookings.map(() => merchantId),
        bookings.map((booking) => booking.seq),
        bookings.map((booking) => booking.balanceAfter),
        bookings.map(() => 0),
        bookings.map((_, place) => place + 1),
        bookings.map((booking) => booking.lotId),
        bookings.map(() => 'bonus'),
        bookings.map((booking) => -booking.amount),
        bookings.map(() => 'system'),
        bookings.map((booking) => booking.at.toISOString()),
      ],
    )
    const last = lastOfEach(bookings)
    const firstSeqs = firstSeqOfEach(bookings)
    sql.send(
      `insert into layout.batch_account (account_id, batch_id, first_seq, last_seq)
       select account_id, $2::uuid, first_seq, last_seq
       from unnest($1::uuid[], $3::bigint[], $4::bigint[]) as u (account_id, first_seq, last_seq)
       union all select $5::uuid, $2::uuid, null, null`,
      [
        last.map((booking) => booking.payerId),
        batchId,
        last.map((booking) => firstSeqs.get(booking.payerId)),
        last.map((booking) => booking.seq),
        merchantId,
      ],
    )
  },
  readStatement: (sql, walletId) =>
    sql.rows(
      `select v.id, v.kind, -v.amount as amount, v.payer_balance, v.at
       from (select batch_id, last_seq from layout.batch_account
             where account_id = $1 and last_seq is not null order by last_seq desc limit 50) b
       join layout.transfer_view v on v.batch_id = b.batch_id
       where v.payer_id = $1 order by v.payer_seq desc limit 50`,
      [walletId],
    ),
}

function firstSeqOfEach(bookings: readonly Booking[]): Map<string, number> {
  const first = new Map<string, number>()
  for (const { payerId, seq } of bookings) if (!first.has(payerId)) first.set(payerId, seq)
  return first
}

const statements = [
  'create schema layout',
  'grant usage on schema layout to podo_service',
  `create table layout.batch (
     id uuid primary key, first_id uuid not null, last_id uuid not null,
     position platform.position not null default platform.current_position(),
     ids uuid[] not null, kinds ledger.transfer_kind[] not null, amounts bigint[] not null,
     payer_ids uuid[] not null, payee_ids uuid[] not null, payer_seqs bigint[] not null,
     payer_balances bigint[] not null,
     bonus bigint[] not null, prize bigint[] not null, paid bigint[] not null,
     lot_owners integer[] not null, lot_ids uuid[] not null, lot_classes ledger.class[] not null,
     lot_amounts bigint[] not null, actor_types text[] not null, ats timestamptz[] not null
   )`,
  'create unique index batch_first_id on layout.batch (first_id)',
  'create index batch_position on layout.batch (position)',
  `create table layout.batch_account (
     account_id uuid not null, batch_id uuid not null, first_seq bigint, last_seq bigint,
     position platform.position not null default platform.current_position()
   )`,
  'create unique index batch_account_seq on layout.batch_account (account_id, last_seq) where last_seq is not null',
  'create index batch_account_position on layout.batch_account (account_id, position) where last_seq is null',
  `create view layout.transfer_view with (security_invoker) as
   select b.id as batch_id, b.position, u.*
   from layout.batch b cross join lateral unnest(b.ids, b.kinds, b.amounts, b.payer_ids, b.payee_ids, b.payer_seqs,
     b.payer_balances, b.ats) as u (id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, at)`,
  `create function layout.refuse_unbalanced() returns trigger language plpgsql as $$
   begin
     if exists (
       select from new_rows b, unnest(b.amounts, b.bonus, b.prize, b.paid) as t (amount, bonus, prize, paid)
       where t.amount not between 1 and 9007199254740991 or t.bonus + t.prize + t.paid <> t.amount
     ) or exists (
       select from new_rows b cross join lateral (
         select place, 'bonus'::ledger.class as class, amount
         from unnest(b.bonus) with ordinality as t (amount, place)
         union all select place, 'prize', amount from unnest(b.prize) with ordinality as t (amount, place)
         union all select place, 'paid', amount from unnest(b.paid) with ordinality as t (amount, place)
         union all select owner, class, amount from unnest(b.lot_owners, b.lot_classes, b.lot_amounts)
           as l (owner, class, amount)
       ) x
       group by b.id, x.place, x.class having sum(x.amount) <> 0
     ) then
       raise exception 'a transfer does not balance' using errcode = 'check_violation';
     end if;
     return null;
   end $$`,
  `create trigger batch_balances after insert on layout.batch
     referencing new table as new_rows for each statement execute function layout.refuse_unbalanced()`,
  'grant select, insert on layout.batch, layout.batch_account to podo_service',
  'grant select on layout.transfer_view to podo_service',
]
