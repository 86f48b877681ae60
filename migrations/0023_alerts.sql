-- Alerts: what somebody should look at, told once for as long as it goes on.

create table platform.alert (
  cause text primary key,
  title jsonb not null,
  todo jsonb not null,
  count bigint not null default 1,
  since timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
grant select, insert, update on platform.alert to podo_service;
