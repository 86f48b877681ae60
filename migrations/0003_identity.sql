-- Members: people who hold a wallet, made by a company or by signing up.
create schema identity;
grant usage on schema identity to podo_service, podo_reader;

create table identity.member (
  id uuid primary key,
  -- The company that made the member; null for who signed up.
  company_id uuid,
  -- What that company calls the member.
  external_id text,
  email text,
  nickname text not null,
  wallet_id uuid not null,
  created_at timestamptz not null,
  constraint member_external_id_unique unique (company_id, external_id),
  constraint member_wallet_unique unique (wallet_id),
  constraint member_external_id_needs_company check (external_id is null or company_id is not null),
  constraint member_nickname_in_bounds check (char_length(nickname) between 1 and 50)
);
grant select, insert, update on identity.member to podo_service;
grant select on identity.member to podo_reader;
