-- API keys: with them the servers of a company call, as far as their scopes reach.
create table identity.api_key (
  id uuid primary key,
  company_id uuid not null,
  name text not null,
  -- SHA-256 of the secret, which is not kept. It has 256 random bits, so nothing slower is needed.
  digest bytea not null,
  -- How the secret begins: people tell their keys apart by it.
  prefix text not null,
  scopes text[] not null,
  -- Networks that the key may be used from; null for all.
  networks cidr[],
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the minute or so: written beside the requests, not in them.
  last_used_at timestamptz,
  -- The key that takes this one's place when it is rotated.
  successor_id uuid,
  constraint api_key_digest_unique unique (digest),
  constraint api_key_digest_is_sha256 check (octet_length(digest) = 32),
  constraint api_key_has_scopes check (cardinality(scopes) > 0)
);
create index api_key_company on identity.api_key (company_id, id);
grant select, insert, update on identity.api_key to podo_service;
