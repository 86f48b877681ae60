-- What is taken back of a lot is asked of what refunds have issued anew of it, too: few lots, so a small index.
create index lot_reissues on ledger.lot (source_lot_id) where reissued;
