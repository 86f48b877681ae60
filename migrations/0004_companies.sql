-- Companies of the programme, and what each member of theirs may do.
create schema companies;
grant usage on schema companies to podo_service, podo_reader;

create table companies.company (
  id uuid primary key,
  name text not null,
  -- Ten digits, as the National Tax Service writes them without hyphens.
  registration_number text not null,
  -- Of what is spent at the company, the part that the programme keeps: 0.0250 is 2.5 %.
  fee_rate numeric(5, 4) not null,
  wallet_id uuid not null,
  created_at timestamptz not null,
  constraint company_registration_number_unique unique (registration_number),
  constraint company_registration_number_digits check (registration_number ~ '^[0-9]{10}$'),
  constraint company_wallet_unique unique (wallet_id),
  constraint company_fee_rate_in_bounds check (fee_rate between 0 and 1)
);
grant select, insert, update on companies.company to podo_service;
grant select on companies.company to podo_reader;

create table companies.membership (
  company_id uuid not null constraint membership_company_known references companies.company,
  member_id uuid not null,
  role text not null,
  created_at timestamptz not null,
  constraint membership_pk primary key (company_id, member_id),
  constraint membership_role_known check (role in ('OWNER', 'STAFF', 'MEMBER'))
);
create index membership_member on companies.membership (member_id);
grant select, insert, update on companies.membership to podo_service;
grant select on companies.membership to podo_reader;
