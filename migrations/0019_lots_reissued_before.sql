-- What was issued anew before 0018, and whatever came from it by moves, has had its grace too.
with recursive had_grace as (
  select lot.id from ledger.lot join ledger.transfer t on t.id = lot.transfer_id where t.kind = 'refund'
  union
  select lot.id from had_grace join ledger.lot on lot.source_lot_id = had_grace.id
)
update ledger.lot set reissued = true where id in (select id from had_grace);
