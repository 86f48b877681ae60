-- A payment code pays only while the session that made it goes on.
-- Null in those from before, which have three minutes to live: they pay nothing.
alter table points.payment_code add column session_id uuid;
