-- What mails carry and, in the demo, the mails themselves: links that are good once, and an outbox that a page shows.
-- There is one of a purpose for a subject: a new one takes the place of the one before.
create table platform.link (
  id uuid not null,
  purpose text not null,
  subject_id uuid not null,
  -- What must still be true when the link is used, such as the address that it was sent to.
  bound_to text not null,
  expires_at timestamptz not null,
  constraint link_pk primary key (purpose, subject_id),
  constraint link_id_unique unique (id)
);
grant select, insert, update, delete on platform.link to podo_service;

create table platform.mail (
  id uuid primary key,
  recipient text not null,
  subject text not null,
  -- Mails hold links that let somebody in: readable with the secret of the service only.
  sealed_text text not null,
  sent_at timestamptz not null
);
grant select, insert, delete on platform.mail to podo_service;
