-- What could not be taken back of a lot is asked for when points come back into it: earnings are found by their lots.
create index earning_lot on earning.earning (lot_id) where lot_id is not null;
