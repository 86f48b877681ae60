-- People who sign in: their logins and sessions, and the keys that sign what they are let in by.
alter table identity.member
  add column bio text,
  add column birth_on date,
  add column role text not null default 'USER',
  -- Goes up with every change of what others see of the member.
  add column version integer not null default 1,
  add column left_at timestamptz,
  add constraint member_role_known check (role in ('USER', 'ADMIN'));

-- Apart from the member: it goes when the member leaves, and address and nickname are free again.
create table identity.login (
  member_id uuid primary key references identity.member,
  -- Normalised; null where a provider told none.
  address text,
  address_confirmed_at timestamptz,
  -- What makes two nicknames one.
  nickname_key text not null,
  -- A PHC string of argon2id; null for who signs in through providers only.
  password_hash text,
  constraint login_address_unique unique (address),
  constraint login_nickname_unique unique (nickname_key)
);
grant select, insert, update, delete on identity.login to podo_service;

create table identity.session (
  id uuid primary key,
  member_id uuid not null references identity.member,
  -- How it began: by password, or through which provider.
  method text not null,
  -- What the client said that it is.
  device text,
  address inet not null,
  created_at timestamptz not null,
  refreshed_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index session_member on identity.session (member_id, id) where ended_at is null;
create index session_expiry on identity.session (expires_at);
grant select, insert, update, delete on identity.session to podo_service;

-- One that was used is kept: who brings it again has a copy, and the session ends.
create table identity.refresh_token (
  -- SHA-256 of the token, which is not kept.
  digest bytea primary key,
  session_id uuid not null references identity.session on delete cascade,
  created_at timestamptz not null,
  used_at timestamptz,
  constraint refresh_token_digest_is_sha256 check (octet_length(digest) = 32)
);
create index refresh_token_session on identity.refresh_token (session_id);
grant select, insert, update, delete on identity.refresh_token to podo_service;

create table identity.signing_key (
  id text primary key,
  public_key jsonb not null,
  -- Readable with the secret of the service only.
  sealed_private_key text not null,
  created_at timestamptz not null
);
grant select, insert, delete on identity.signing_key to podo_service;
