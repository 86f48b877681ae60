-- The platform: who may do what in the database, the programme's clock, and answers kept under idempotency keys.
do $$
begin
  if not exists (select from pg_roles where rolname = 'podo_service') then
    create role podo_service nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'podo_reader') then
    create role podo_reader nologin;
  end if;
  -- Where one login must serve as owner and as service, it takes the service's role on by `set role`.
  begin
    execute format('grant podo_service to %I', current_user);
  exception
    when insufficient_privilege then null; -- an administrator made the role, and the service logs in as it
  end;
exception
  when duplicate_object or unique_violation then null; -- another database of this cluster was migrated meanwhile
end
$$;

grant usage on schema platform to podo_service, podo_reader;

create table platform.clock (
  only_row boolean primary key default true constraint clock_has_one_row check (only_row),
  offset_ms bigint not null default 0 constraint clock_runs_forward check (offset_ms >= 0)
);
insert into platform.clock default values;
grant select, update on platform.clock to podo_service;
grant select on platform.clock to podo_reader;

-- Whole milliseconds, as everything that is shown; volatile, so it is read when it is called.
create function platform.programme_time() returns timestamptz
  language sql volatile
  return date_trunc('milliseconds', clock_timestamp())
    + (select offset_ms from platform.clock) * interval '1 millisecond';
grant execute on function platform.programme_time() to podo_service, podo_reader;

create table platform.idempotency_key (
  digest uuid not null,
  request_hash uuid not null,
  status smallint not null,
  answer text not null,
  constraint idempotency_key_pk primary key (digest)
) partition by hash (digest);

do $$
begin
  for part in 0..7 loop
    execute format(
      'create table platform.idempotency_key_%s partition of platform.idempotency_key
         for values with (modulus 8, remainder %s)', part, part);
  end loop;
end
$$;
grant select, insert on platform.idempotency_key to podo_service;

-- Who does what must not be done twice: a generation is compared again in the holder's last write.
create table platform.lease (
  name text primary key,
  generation bigint not null default 0,
  holder text not null,
  expires_at timestamptz not null
);
grant select, insert, update on platform.lease to podo_service;

-- A place in the order of commits: the number of the transaction, and on top of it whatever a move to another cluster
-- added, since a fresh cluster counts its transactions from the beginning. Watermarks are places too.
create domain platform.position as bigint;
create table platform.cluster (
  only_row boolean primary key default true constraint cluster_has_one_row check (only_row),
  system_identifier bigint not null,
  position_base bigint not null default 0
);
insert into platform.cluster (system_identifier) select system_identifier from pg_control_system();
grant select on platform.cluster to podo_service, podo_reader;

-- The base stands in their text: as a constant it costs an insert nothing, read from a table it costs every row.
create function platform.current_position() returns bigint
  language sql volatile return pg_current_xact_id()::text::bigint + 0;
-- Whatever is committed later has this place or one after it.
create function platform.position_horizon() returns bigint
  language sql volatile return pg_snapshot_xmin(pg_current_snapshot())::text::bigint + 0;
grant execute on function platform.current_position(), platform.position_horizon() to podo_service, podo_reader;

-- In a cluster that is not the one where the places were given (a restored dump), what is new must come after them
-- all: otherwise it stands behind every watermark and is never seen. Answers whether that was so. For the owner.
create function platform.adopt_cluster() returns boolean language plpgsql as $$
declare
  here bigint := (select system_identifier from pg_control_system());
  highest bigint;
  base bigint := 0;
  place record;
begin
  perform from platform.cluster where system_identifier <> here for update;
  if not found then
    return false;
  end if;
  for place in
    select c.oid::regclass as tab, a.attname as col from pg_attribute a join pg_class c on c.oid = a.attrelid
    where a.atttypid = 'platform.position'::regtype and not a.attisdropped and c.relkind in ('r', 'p')
  loop
    execute format('select coalesce(max(%I), 0) + 1 from %s', place.col, place.tab) into highest;
    base := greatest(base, highest);
  end loop;
  execute format('create or replace function platform.current_position() returns bigint
    language sql volatile return pg_current_xact_id()::text::bigint + %s', base);
  execute format('create or replace function platform.position_horizon() returns bigint
    language sql volatile return pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %s', base);
  update platform.cluster set system_identifier = here, position_base = base;
  return true;
end
$$;
revoke execute on function platform.adopt_cluster() from public;
