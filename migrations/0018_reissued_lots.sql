-- Points that a refund has issued anew have had their grace: spent again and refunded after it, they get no other.
alter table ledger.lot add column reissued boolean not null default false;
