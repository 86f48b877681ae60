-- The journal as a log of events, one for each wallet or pot that a transfer counts in: the hot path writes nothing.
create function ledger.transfer_event(kind ledger.transfer_kind, from_payer boolean) returns text
  language sql immutable parallel safe
  return case kind
    when 'charge' then 'points.charged'
    when 'grant' then 'points.granted'
    when 'reward' then case when from_payer then 'points.awarded' else 'points.rewarded' end
    when 'spend' then 'points.spent'
    when 'refund' then 'points.refunded'
    when 'cancel' then 'points.cancelled'
    when 'move' then case when from_payer then 'points.moved' else 'points.received' end
    when 'hold' then 'points.held'
    when 'post' then 'points.posted'
    when 'void' then 'points.voided'
    when 'expire' then 'points.expired'
    when 'adjust' then 'points.adjusted'
    when 'payout' then 'points.paid-out'
  end;

-- Where a transfer counts in two, the payee's event has an id that follows from the transfer's.
create view ledger.transfer_place as
  select id as event_id, id as row_id, ledger.transfer_event(kind, true) as type, payer_id as key, payer_seq as seq,
    position
  from ledger.transfer where payer_seq is not null
  union all
  select case when payer_seq is null then id else md5(id::text || ' payee')::uuid end, id,
    ledger.transfer_event(kind, false), payee_id, payee_seq, position
  from ledger.transfer where payee_seq is not null;
grant execute on function ledger.transfer_event to podo_service;
grant select on ledger.transfer_place to podo_service, podo_reader;
