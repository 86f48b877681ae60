-- Payment codes: what somebody shows at a till, so that the company spends from their wallet once.
create schema points;
grant usage on schema points to podo_service;

-- A wallet has one code at most: the next takes its place.
create table points.payment_code (
  wallet_id uuid primary key,
  -- A MAC of the code, which is not kept: nobody reads one out of the database.
  digest bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- The idempotency key and the request that used it; that request alone may come again.
  used_key uuid,
  used_request uuid,
  constraint payment_code_digest_unique unique (digest),
  constraint payment_code_digest_is_mac check (octet_length(digest) = 32),
  constraint payment_code_used_by_one check ((used_key is null) = (used_request is null))
);
grant select, insert, update on points.payment_code to podo_service;
