-- Without conditions of their own the two halves can be read by position or by key, and no more of the journal than is
-- asked for. Where a transfer does not count in an account, `seq` is null: that tells of nothing.
create or replace view ledger.transfer_place as
  select id as event_id, id as row_id, ledger.transfer_event(kind, true) as type, payer_id as key, payer_seq as seq,
    position
  from ledger.transfer
  union all
  select case when payer_seq is null then id else md5(id::text || ' payee')::uuid end, id,
    ledger.transfer_event(kind, false), payee_id, payee_seq, position
  from ledger.transfer;
