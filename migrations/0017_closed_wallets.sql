-- The wallet of somebody who left is closed for good: nothing comes in that nobody would ever spend.
alter table ledger.account add column closed_at timestamptz,
  add constraint account_closed_is_empty check (closed_at is null or bonus + prize + paid = 0);
