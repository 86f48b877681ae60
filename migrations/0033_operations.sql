-- Operations: requests that were taken on, and are carried out later in the order in which they came.

create table platform.operation (
  -- The order in which they are carried out.
  seq bigint generated always as identity constraint operation_pk primary key,
  id uuid not null,
  -- Of the caller and the key; null where the key had been given to another request.
  digest uuid constraint operation_key_unique unique,
  request_hash uuid not null,
  name text not null,
  actor_type text not null,
  actor_id uuid,
  -- Operations that share it never pass one that cannot be carried out.
  order_key uuid not null,
  -- The request, sealed; gone when it has been carried out.
  request text,
  created_at timestamptz not null default platform.programme_time(),
  completed_at timestamptz,
  -- What the request would have been answered.
  status smallint,
  outcome text,
  constraint operation_waits_or_is_done check (
    (completed_at is null) = (request is not null)
    and (completed_at is null) = (status is null)
    and (completed_at is null) = (outcome is null)
  )
);
create index operation_id on platform.operation (id);
create index operation_waiting on platform.operation (seq) where completed_at is null;
grant select, insert on platform.operation to podo_service;
grant update (request, completed_at, status, outcome) on platform.operation to podo_service;
