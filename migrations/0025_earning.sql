-- Earning: by which rules what is paid earns points, and what was earned.
create schema earning;
grant usage on schema earning to podo_service, podo_reader;

create table earning.rule (
  id uuid primary key,
  -- Null for the whole programme.
  company_id uuid,
  version integer not null default 1,
  created_at timestamptz not null
);
create index rule_company on earning.rule (company_id);
grant select, insert, update on earning.rule to podo_service;
grant select on earning.rule to podo_reader;

-- A rule as it was from some time on: what was earned by it names the version.
create table earning.rule_version (
  rule_id uuid not null constraint rule_version_rule_known references earning.rule,
  version integer not null,
  since timestamptz not null,
  rate_basis_points integer not null,
  minimum bigint,
  cap_per_day bigint,
  expires_in_days integer,
  starts_at timestamptz,
  ends_at timestamptz,
  constraint rule_version_pk primary key (rule_id, version),
  constraint rule_version_rate_in_bounds check (rate_basis_points between 1 and 10000),
  constraint rule_version_starts_before_it_ends check (starts_at < ends_at)
);
grant select, insert on earning.rule_version to podo_service;
grant select on earning.rule_version to podo_reader;

-- What was paid, and what was earned by it: one row for a spend, or for a company's own name of a purchase.
create table earning.earning (
  id uuid primary key,
  company_id uuid not null,
  wallet_id uuid not null,
  -- Whom the company named.
  member_id uuid,
  spend_id uuid,
  reference text,
  base bigint not null,
  refunded bigint not null default 0,
  rule_id uuid not null,
  rule_version integer not null,
  day date not null,
  earned bigint not null default 0,
  taken_back bigint not null default 0,
  transfer_id uuid,
  lot_id uuid,
  -- Why the ledger refused the points.
  refusal text,
  created_at timestamptz not null,
  constraint earning_once_for_a_spend unique (spend_id),
  constraint earning_once_for_a_reference unique (company_id, reference),
  constraint earning_for_one_purchase check ((spend_id is null) <> (reference is null)),
  constraint earning_refunded_in_bounds check (refunded between 0 and base),
  constraint earning_taken_back_in_bounds check (taken_back between 0 and earned),
  constraint earning_rule_known foreign key (rule_id, rule_version) references earning.rule_version
);
create index earning_company on earning.earning (company_id, id);
grant select, insert, update on earning.earning to podo_service;
grant select on earning.earning to podo_reader;

-- What a wallet has earned by a rule on a day of the programme, less what was taken back; its row is its lock.
create table earning.day (
  wallet_id uuid not null,
  rule_id uuid not null,
  day date not null,
  earned bigint not null,
  constraint day_pk primary key (wallet_id, rule_id, day)
);
grant select, insert, update on earning.day to podo_service;
grant select on earning.day to podo_reader;
