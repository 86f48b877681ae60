-- Webhooks: where companies want to hear of events, and what was sent there.
create schema webhooks;
grant usage on schema webhooks to podo_service, podo_reader;

create table webhooks.endpoint (
  id uuid primary key,
  company_id uuid not null,
  url text not null,
  types text[] not null,
  -- What is sent is signed with it, and for a while with the one that it took the place of.
  sealed_secret text not null,
  sealed_former_secret text,
  former_secret_until timestamptz,
  created_at timestamptz not null,
  -- While it is disabled nothing is sent, and nothing new is kept to be sent.
  disabled_at timestamptz,
  disabled_reason text,
  -- What was sent there can be read until it is forgotten.
  deleted_at timestamptz,
  -- Since when attempts have failed and none has succeeded.
  failing_since timestamptz,
  -- Until when the receiver asked to be left alone.
  paused_until timestamptz,
  version integer not null default 1,
  constraint endpoint_disabled_for_a_reason check ((disabled_at is null) = (disabled_reason is null)),
  constraint endpoint_reason_is_known check (disabled_reason in ('asked', 'gone', 'failing')),
  constraint endpoint_former_secret_ends check ((sealed_former_secret is null) = (former_secret_until is null))
);
create index endpoint_company on webhooks.endpoint (company_id, id) where deleted_at is null;
grant select, insert, update, delete on webhooks.endpoint to podo_service;

create table webhooks.delivery (
  id uuid primary key,
  endpoint_id uuid not null,
  event_id uuid not null,
  type text not null,
  -- To the byte what is sent, however often.
  body text not null,
  status text not null default 'pending',
  created_at timestamptz not null,
  -- When it is to be sent; while it is being sent, when it counts as lost by whoever does.
  due_at timestamptz,
  completed_at timestamptz,
  -- All that were begun: an outcome is noted by the attempt that it is of. Then those before it was sent again.
  attempts integer not null default 0,
  attempts_before integer not null default 0,
  -- What came of them.
  log jsonb not null default '[]',
  constraint delivery_once unique (endpoint_id, event_id),
  constraint delivery_endpoint_fk foreign key (endpoint_id) references webhooks.endpoint,
  constraint delivery_status_is_known check (status in ('pending', 'delivered', 'failed')),
  constraint delivery_is_due_or_done check ((status = 'pending') = (due_at is not null)),
  constraint delivery_done_at check ((status = 'pending') = (completed_at is null))
);
create index delivery_list on webhooks.delivery (endpoint_id, id);
create index delivery_due on webhooks.delivery (endpoint_id, due_at) where status = 'pending';
create index delivery_failed on webhooks.delivery (endpoint_id, id) where status = 'failed';
grant select, insert, update, delete on webhooks.delivery to podo_service;
