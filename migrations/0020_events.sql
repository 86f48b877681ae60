-- Events: what happened, numbered in an order that holds, and how far subscribers have taken it in.

-- What is said in the unit of work that does it.
create table platform.outbox (
  id uuid primary key,
  type text not null,
  key uuid not null,
  data jsonb not null,
  at timestamptz not null,
  seq bigint not null generated always as identity,
  position platform.position not null default platform.current_position()
);
create index outbox_position on platform.outbox (position);
grant select, insert, delete on platform.outbox to podo_service;

-- Where each row of a source stands. The journal of the ledger has such a view too.
create view platform.outbox_place as
  select id as event_id, id as row_id, type, key, seq, position from platform.outbox;
grant select on platform.outbox_place to podo_service;

-- Every event behind the horizon, numbered without a gap: per source and key in the order of `seq`. What it says is
-- read from its source.
create table platform.event (
  number bigint primary key,
  id uuid not null,
  source text not null,
  row_id uuid not null,
  type text not null,
  key uuid not null
);
grant select, insert, delete on platform.event to podo_service;

-- Up to which place events have been numbered, and the last number.
create table platform.event_mark (
  only_row boolean primary key default true constraint event_mark_has_one_row check (only_row),
  position platform.position not null,
  number bigint not null default 0
);
insert into platform.event_mark (position) select platform.position_horizon();
grant select, update on platform.event_mark to podo_service;

-- Events past the mark that were numbered before it came to them, since one of their key that followed them was.
create table platform.event_ahead (
  event_id uuid primary key,
  position platform.position not null
);
grant select, insert, delete on platform.event_ahead to podo_service;

create table platform.subscription (
  name text primary key,
  number bigint not null
);
grant select, insert, update on platform.subscription to podo_service;

-- What a subscriber has taken in: an event that comes again has no second effect.
create table platform.inbox (
  subscription text not null,
  event_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  constraint inbox_pk primary key (subscription, event_id)
);
grant select, insert, delete on platform.inbox to podo_service;

-- Events that failed, and behind each those of the same key that wait for it.
create table platform.event_retry (
  subscription text not null,
  event_id uuid not null,
  number bigint not null,
  key uuid not null,
  event jsonb not null,
  attempts smallint not null default 0,
  error text,
  due_at timestamptz not null default clock_timestamp(),
  constraint event_retry_pk primary key (subscription, event_id)
);
create index event_retry_key on platform.event_retry (subscription, key, number);
grant select, insert, update, delete on platform.event_retry to podo_service;

create table platform.dead_letter (
  id uuid primary key,
  subscription text not null,
  event_id uuid not null,
  number bigint not null,
  type text not null,
  key uuid not null,
  event jsonb not null,
  attempts smallint not null,
  error text not null,
  failed_at timestamptz not null default clock_timestamp(),
  constraint dead_letter_once unique (subscription, event_id)
);
grant select, insert, delete on platform.dead_letter to podo_service;
