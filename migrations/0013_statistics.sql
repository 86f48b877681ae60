-- Statistics: sums by day that a job keeps, so that nobody waits for the journal to be read.
create schema ops;
grant usage on schema ops to podo_service, podo_reader;

-- How far the journal has been added up, and what was counted of members at the same time.
create table ops.statistics (
  only_row boolean primary key default true constraint statistics_has_one_row check (only_row),
  computed_at timestamptz,
  watermark platform.position not null default 0,
  members bigint not null default 0,
  with_login bigint not null default 0,
  members_left bigint not null default 0,
  active_sessions bigint not null default 0
);
insert into ops.statistics default values;
grant select, update on ops.statistics to podo_service;
grant select on ops.statistics to podo_reader;

create table ops.member_day (
  day date primary key,
  joined bigint not null,
  members_left bigint not null
);
grant select, insert, update on ops.member_day to podo_service;
grant select on ops.member_day to podo_reader;

create table ops.point_day (
  day date not null,
  -- What became of the points: see the names of the module.
  flow text not null,
  paid numeric not null,
  bonus numeric not null,
  prize numeric not null,
  constraint point_day_pk primary key (day, flow)
);
grant select, insert, update on ops.point_day to podo_service;
grant select on ops.point_day to podo_reader;
