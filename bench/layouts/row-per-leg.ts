import { merchantId } from '../seed.ts'
import type { Layout } from './layout.ts'

/** As textbooks have it: a row for the transfer and one for each leg, two or more. */
export const rowPerLeg: Layout = {
  name: 'a row per leg',
  tables: ['layout.transfer', 'layout.leg'],
  async create(owner) {
    for (const text of statements) await owner.run(text)
  },
  insert(sql, bookings) {
    sql.send(
      `insert into layout.transfer (id, kind, amount, actor_type, at)
       select id, 'spend', amount, 'system', at
       from unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) as u (id, amount, at)`,
      [
        bookings.map((booking) => booking.id),
        bookings.map((booking) => booking.amount),
        bookings.map((booking) => booking.at.toISOString()),
      ],
    )
    sql.send(
      `insert into layout.leg (transfer_id, place, account_id, lot_id, class, amount, seq, balance)
       select id, 0, payer_id, lot_id, 'bonus'::ledger.class, -amount, seq, balance
       from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[])
         as u (id, payer_id, lot_id, amount, seq, balance)
       union all
       select id, 1, $7, null, 'bonus', amount, null, null from unnest($1::uuid[], $4::bigint[]) as u (id, amount)`,
      [
        bookings.map((booking) => booking.id),
        bookings.map((booking) => booking.payerId),
        bookings.map((booking) => booking.lotId),
        bookings.map((booking) => booking.amount),
        bookings.map((booking) => booking.seq),
        bookings.map((booking) => booking.balanceAfter),
        merchantId,
      ],
    )
  },
  readStatement: (sql, walletId) =>
    sql.rows(
      `select t.id, t.kind, l.amount, l.balance, t.at
       from layout.leg l join layout.transfer t on t.id = l.transfer_id
       where l.account_id = $1 and l.seq is not null order by l.seq desc limit 50`,
      [walletId],
    ),
}

const statements = [
  'create schema layout',
  'grant usage on schema layout to podo_service',
  `create table layout.transfer (
     id uuid primary key, kind ledger.transfer_kind not null, amount bigint not null,
     reverses uuid, hold_id uuid, actor_type text not null, actor_id uuid, member_id uuid,
     reason text, reference text, metadata jsonb, at timestamptz not null,
     position platform.position not null default platform.current_position(),
     constraint transfer_amount_in_bounds check (amount between 1 and 9007199254740991)
   )`,
  'create index transfer_position on layout.transfer (position)',
  'create index transfer_reverses on layout.transfer (reverses) where reverses is not null',
  `create unique index transfer_cancels_once on layout.transfer (reverses) where kind = 'cancel'`,
  `create table layout.leg (
     transfer_id uuid not null, place smallint not null, account_id uuid not null, lot_id uuid,
     class ledger.class not null, amount bigint not null, held bigint not null default 0, seq bigint, balance bigint,
     position platform.position not null default platform.current_position(),
     primary key (transfer_id, place)
   )`,
  'create unique index leg_seq on layout.leg (account_id, seq, place) where seq is not null',
  'create index leg_position on layout.leg (account_id, position) where seq is null',
  `create function layout.refuse_unbalanced() returns trigger language plpgsql as $$
   begin
     if exists (select from new_rows group by transfer_id, class having sum(amount) <> 0) then
       raise exception 'a transfer does not balance' using errcode = 'check_violation';
     end if;
     return null;
   end $$`,
  `create trigger leg_balances after insert on layout.leg
     referencing new table as new_rows for each statement execute function layout.refuse_unbalanced()`,
  'grant select, insert on layout.transfer, layout.leg to podo_service',
]
