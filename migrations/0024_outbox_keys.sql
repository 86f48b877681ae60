-- What happened to a key, in its order: asked for when events are numbered.
create index outbox_key on platform.outbox (key, seq);
