-- Who did what to whom: acts that somebody may have to answer for; and people who were added to a company can go again.
create table platform.audit (
  id uuid primary key,
  at timestamptz not null,
  actor_type text not null,
  actor_id uuid,
  -- The key or session that it was done with.
  credential_id uuid,
  action text not null,
  -- The prefix that the id has outside.
  target_type text not null,
  target_id uuid not null,
  before jsonb,
  after jsonb,
  address inet,
  request_id text
);
create index audit_at on platform.audit (at, id);
create index audit_actor on platform.audit (actor_type, actor_id, at, id);
create index audit_target on platform.audit (target_id, at, id);
-- What was written down stays: it is neither changed nor taken away.
grant select, insert on platform.audit to podo_service;

grant delete on companies.membership to podo_service;
