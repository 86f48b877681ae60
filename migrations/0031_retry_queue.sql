-- What is to be tried again at a time, in queues that many workers claim from.
create table platform.retry (
  queue text collate "C" not null,
  id text collate "C" not null,
  -- By the clock of the database, as claims are; a claim leaves it alone.
  due_at timestamptz not null,
  -- How often it was claimed.
  attempts integer not null default 0,
  -- Whose outcome counts; of a claim that ran out, until the next one takes its place.
  claim uuid,
  claimed_until timestamptz,
  payload text not null,
  constraint retry_pk primary key (queue, id),
  constraint retry_claim_ends check ((claim is null) = (claimed_until is null))
  -- A claim writes the row anew on its own page, with no further entry in an index.
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
create index retry_due on platform.retry (queue, due_at);
grant select, insert, update, delete on platform.retry to podo_service;
