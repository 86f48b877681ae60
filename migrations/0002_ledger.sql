-- The ledger: the journal of transfers is the truth; accounts, lots and holds are projections of it.
create schema ledger;
grant usage on schema ledger to podo_service, podo_reader;

create type ledger.account_kind as enum ('wallet', 'pot', 'merchant', 'system');
-- In the order in which `bonus-first` spends them.
create type ledger.class as enum ('bonus', 'prize', 'paid');
create type ledger.transfer_kind as enum (
  'charge', 'grant', 'reward', 'spend', 'refund', 'cancel', 'move',
  'hold', 'post', 'void', 'expire', 'adjust', 'payout'
);

-- Wallets and pots are locked here and carry their balances; merchants and the system are summed elsewhere.
create table ledger.account (
  id uuid primary key,
  kind ledger.account_kind not null,
  owner_type text not null,
  owner_id uuid,
  bonus bigint not null default 0,
  prize bigint not null default 0,
  paid bigint not null default 0,
  held bigint not null default 0,
  seq bigint not null default 0,
  last_at timestamptz not null default 'epoch',
  -- No lot or hold of the account falls due before this; null when none ever does.
  next_due_at timestamptz,
  constraint account_never_below_zero check (bonus >= 0 and prize >= 0 and paid >= 0 and held >= 0),
  constraint account_holds_what_it_has check (held <= bonus + prize + paid),
  constraint account_within_bounds check (bonus + prize + paid <= 9007199254740991)
) with (fillfactor = 50);
create index account_due on ledger.account (next_due_at) where next_due_at is not null;
grant select, insert, update on ledger.account to podo_service;

-- No foreign keys on what every transfer writes: their key-share locks cost a hot merchant a quarter (decision 0008).
-- Existence is proved by the batch's own read, and by `podo verify`.
create table ledger.lot (
  id uuid primary key,
  account_id uuid not null,
  class ledger.class not null,
  issued_at timestamptz not null,
  expires_at timestamptz,
  amount bigint not null,
  remaining bigint not null,
  held bigint not null default 0,
  -- Changes only when the free points reach or leave zero: with `remaining > 0` as predicate no update was HOT.
  open boolean not null generated always as (remaining > held) stored,
  transfer_id uuid not null,
  source_lot_id uuid,
  payment_id uuid,
  constraint lot_amount_positive check (amount > 0),
  constraint lot_within_amount check (0 <= held and held <= remaining and remaining <= amount)
) with (fillfactor = 50);
create index lot_bonus_first on ledger.lot (account_id, class, expires_at, issued_at, id) where open;
create index lot_fifo on ledger.lot (account_id, issued_at, id) where open;
create index lot_account on ledger.lot (account_id, id);
grant select, insert, update on ledger.lot to podo_service;

create table ledger.hold (
  id uuid primary key,
  account_id uuid not null,
  payee_id uuid not null,
  status text not null default 'pending',
  amount bigint not null,
  posted_amount bigint not null default 0,
  expires_at timestamptz not null,
  lot_ids uuid[] not null,
  lot_amounts bigint[] not null,
  transfer_id uuid not null,
  completed_at timestamptz,
  constraint hold_status_known check (status in ('pending', 'posted', 'voided', 'expired')),
  constraint hold_amount_positive check (amount > 0),
  constraint hold_posted_within_amount check (0 <= posted_amount and posted_amount <= amount)
) with (fillfactor = 80);
create index hold_due on ledger.hold (account_id, expires_at) where status = 'pending';
grant select, insert, update on ledger.hold to podo_service;

-- The journal. `bonus`, `prize` and `paid` are what crosses from payer to payee; the arrays name the lots of
-- wallets and pots with the change of what remains in them and of what is held in them. A side without lots
-- (merchant, system) has neither seq nor balance, and what crosses is its leg.
create table ledger.transfer (
  id uuid primary key,
  kind ledger.transfer_kind not null,
  amount bigint not null,
  payer_id uuid not null,
  payee_id uuid not null,
  payer_seq bigint,
  payer_balance bigint,
  payee_seq bigint,
  payee_balance bigint,
  bonus bigint not null,
  prize bigint not null,
  paid bigint not null,
  lot_ids uuid[] not null,
  lot_classes ledger.class[] not null,
  lot_amounts bigint[] not null,
  lot_holds bigint[],
  reverses uuid,
  hold_id uuid,
  actor_type text not null,
  actor_id uuid,
  member_id uuid,
  reason text,
  reference text,
  metadata jsonb,
  at timestamptz not null,
  position platform.position not null default platform.current_position(),
  constraint transfer_amount_in_bounds check (amount between 1 and 9007199254740991),
  constraint transfer_crosses_forward check (bonus >= 0 and prize >= 0 and paid >= 0),
  constraint transfer_amount_is_what_crosses check (
    case when kind in ('hold', 'void') then bonus + prize + paid = 0 else bonus + prize + paid = amount end),
  constraint transfer_has_two_sides check (payer_id <> payee_id)
);
create unique index transfer_payer_seq on ledger.transfer (payer_id, payer_seq) where payer_seq is not null;
create unique index transfer_payee_seq on ledger.transfer (payee_id, payee_seq) where payee_seq is not null;
create index transfer_payer_position on ledger.transfer (payer_id, position) where payer_seq is null;
create index transfer_payee_position on ledger.transfer (payee_id, position) where payee_seq is null;
create index transfer_position on ledger.transfer (position);
create index transfer_hold on ledger.transfer (hold_id) where hold_id is not null;
create index transfer_reverses on ledger.transfer (reverses) where reverses is not null;
create unique index transfer_cancels_once on ledger.transfer (reverses) where kind = 'cancel';
grant select, insert on ledger.transfer to podo_service;
grant select on all tables in schema ledger to podo_reader;

-- Points never change class by being moved, held or refunded: what crosses leaves the payer's lots and enters the
-- payee's, class by class. Only `reward` may turn classes into prize. Spends from one lot, which most transfers are,
-- are seen to balance without being added up: adding up every row took a fifth of the insert.
create function ledger.refuse_unbalanced() returns trigger language plpgsql as $$
declare
  culprit uuid;
begin
  select t.id into culprit
  from new_rows t
  cross join lateral (
    select
      coalesce(sum(-l.amount) filter (where l.amount < 0 and l.class = 'bonus'), 0) as bonus_out,
      coalesce(sum(-l.amount) filter (where l.amount < 0 and l.class = 'prize'), 0) as prize_out,
      coalesce(sum(-l.amount) filter (where l.amount < 0 and l.class = 'paid'), 0) as paid_out,
      coalesce(sum(l.amount) filter (where l.amount > 0 and l.class = 'bonus'), 0) as bonus_in,
      coalesce(sum(l.amount) filter (where l.amount > 0 and l.class = 'prize'), 0) as prize_in,
      coalesce(sum(l.amount) filter (where l.amount > 0 and l.class = 'paid'), 0) as paid_in
    from unnest(t.lot_classes, t.lot_amounts) as l(class, amount)
  ) s
  where (t.payer_seq is null or t.payee_seq is not null or t.lot_holds is not null
      or cardinality(t.lot_ids) <> 1 or cardinality(t.lot_classes) <> 1 or cardinality(t.lot_amounts) <> 1
      or t.lot_amounts[1] is distinct from -t.amount or t.amount is distinct from
        case t.lot_classes[1] when 'bonus' then t.bonus when 'prize' then t.prize when 'paid' then t.paid end)
    and (cardinality(t.lot_ids) <> cardinality(t.lot_classes)
    or cardinality(t.lot_ids) <> cardinality(t.lot_amounts)
    or cardinality(t.lot_ids) <> coalesce(cardinality(t.lot_holds), cardinality(t.lot_ids))
    or (bonus_out, prize_out, paid_out) is distinct from
       (case when t.payer_seq is null then (0::numeric, 0::numeric, 0::numeric)
             else (t.bonus::numeric, t.prize::numeric, t.paid::numeric) end)
    or (bonus_in, prize_in, paid_in) is distinct from
       (case when t.payee_seq is null then (0::numeric, 0::numeric, 0::numeric)
             when t.kind = 'reward' then (0::numeric, t.amount::numeric, 0::numeric)
             else (t.bonus::numeric, t.prize::numeric, t.paid::numeric) end))
  limit 1;
  if culprit is not null then
    raise exception 'transfer % does not balance', culprit
      using errcode = 'check_violation', schema = 'ledger', table = 'transfer', constraint = 'transfer_balances';
  end if;
  return null;
end
$$;
create trigger transfer_balances after insert on ledger.transfer
  referencing new table as new_rows for each statement execute function ledger.refuse_unbalanced();

-- What merchants and the system have, folded up to a watermark; the journal past it is added when it is read.
create table ledger.rolled_balance (
  account_id uuid primary key,
  bonus numeric not null default 0,
  prize numeric not null default 0,
  paid numeric not null default 0,
  watermark platform.position not null default 0
) with (fillfactor = 50);
grant select, insert, update on ledger.rolled_balance to podo_service;
grant select on ledger.rolled_balance to podo_reader;

-- How far the journal has been folded. Who folds holds this row: two at once never count anything twice.
create table ledger.roll_up (
  only_row boolean primary key default true constraint roll_up_has_one_row check (only_row),
  watermark platform.position not null default 0
) with (fillfactor = 50);
insert into ledger.roll_up default values;
grant select, update on ledger.roll_up to podo_service;
grant select on ledger.roll_up to podo_reader;

-- What `podo verify --repair` has mended, for ever.
create table ledger.repair (
  id uuid primary key,
  at timestamptz not null,
  account_id uuid,
  differences jsonb not null
);
create index repair_account on ledger.repair (account_id);
grant select on ledger.repair to podo_service, podo_reader;

-- Where points come from and go to when they enter or leave the programme.
insert into ledger.account (id, kind, owner_type) values
  ('00000000-0000-7000-8000-000000000001', 'system', 'issuance'),
  ('00000000-0000-7000-8000-000000000002', 'system', 'expired'),
  ('00000000-0000-7000-8000-000000000003', 'system', 'adjustments'),
  ('00000000-0000-7000-8000-000000000004', 'system', 'payout');
insert into ledger.rolled_balance (account_id) select id from ledger.account where kind = 'system';
