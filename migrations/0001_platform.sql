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
  execute format('grant podo_service to %I', current_user);
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
