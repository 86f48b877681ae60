-- Signing in through a provider: whose account there is whose here, and what waits while somebody is there.
create table identity.social_login (
  provider text not null,
  -- What the provider calls the person, for this service only.
  subject text not null,
  member_id uuid not null references identity.login on delete cascade,
  linked_at timestamptz not null,
  constraint social_login_pkey primary key (provider, subject),
  constraint social_login_provider_unique unique (member_id, provider),
  constraint social_login_provider_known check (provider in ('kakao', 'naver', 'google'))
);
grant select, insert, delete on identity.social_login to podo_service;

create table identity.social_state (
  -- SHA-256 of the state, which is not kept.
  digest bytea not null,
  provider text not null,
  -- SHA-256 of what the browser keeps as a cookie; null where no browser began it.
  binding bytea,
  -- Nonce and verifier, readable with the secret of the service only.
  sealed text not null,
  expires_at timestamptz not null,
  constraint social_state_pkey primary key (digest),
  constraint social_state_digest_is_sha256 check (octet_length(digest) = 32)
);
create index social_state_expiry on identity.social_state (expires_at);
-- Locking a row takes the right to change it.
grant select, insert, update, delete on identity.social_state to podo_service;
