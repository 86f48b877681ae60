-- What is found each night that nobody needs any more.
create index refresh_token_used on identity.refresh_token (used_at) where used_at is not null;
create index session_ended on identity.session (ended_at) where ended_at is not null;
