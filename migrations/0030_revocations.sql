-- What was taken away lately, for processes that did not hear of it.
create table platform.revocation (
  id uuid primary key,
  at timestamptz not null default now()
);
create index revocation_at on platform.revocation (at);
grant select, insert, update (at), delete on platform.revocation to podo_service;
