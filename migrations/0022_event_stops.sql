-- A key behind which an event failed: when its first event is tried again. Who puts an event behind it keeps it there.
create table platform.event_stop (
  subscription text not null,
  key uuid not null,
  due_at timestamptz not null default clock_timestamp(),
  constraint event_stop_pk primary key (subscription, key)
);
create index event_stop_due on platform.event_stop (subscription, due_at);
grant select, insert, update, delete on platform.event_stop to podo_service;

insert into platform.event_stop (subscription, key, due_at)
  select distinct on (subscription, key) subscription, key, due_at from platform.event_retry
  order by subscription, key, number;
alter table platform.event_retry drop column due_at,
  add constraint event_retry_stop_fk foreign key (subscription, key) references platform.event_stop;

-- Up to which number there were events, night by night: what is older than is kept is forgotten by it.
create table platform.event_age (
  noted_at timestamptz primary key default clock_timestamp(),
  number bigint not null
);
grant select, insert, delete on platform.event_age to podo_service;
