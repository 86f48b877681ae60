-- What a company wants of its requests that there is no room for, or no database: a refusal, or that they wait.
alter table companies.company add column on_overload text not null default 'refuse';
alter table companies.company add constraint company_on_overload_is_known check (on_overload in ('refuse', 'queue'));
create index company_queues on companies.company (id) where on_overload = 'queue';
