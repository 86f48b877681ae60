-- Where the answer to a sign-up is kept, so that what is personal in it can be forgotten.
alter table identity.login add column sign_up_key uuid;
