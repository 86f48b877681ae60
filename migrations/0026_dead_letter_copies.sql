-- When a copy of a dead letter was put into its topic of Kafka.
alter table platform.dead_letter add column copied_at timestamptz;
create index dead_letter_uncopied on platform.dead_letter (id) where copied_at is null;
grant update (copied_at) on platform.dead_letter to podo_service;
