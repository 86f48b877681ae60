-- What was answered about a person is forgotten when the person leaves: the answer stays, and nothing personal in it.
-- The service may change no answer: this changes those fields of it and no other, with the rights of the owner.
create function platform.forget_member_in_answer(of_digest uuid, new_nickname text) returns void
  language sql volatile security definer set search_path = pg_catalog
begin atomic
  update platform.idempotency_key as k
  set answer = jsonb_build_object('v', 1, 'body', (answered.body || jsonb_build_object(
    'member', (answered.body -> 'member') || jsonb_build_object(
      'nickname', new_nickname, 'email', null, 'emailConfirmedAt', null, 'birthOn', null, 'bio', null)))::text)::text
  from (
    select digest, (answer::jsonb ->> 'body')::jsonb as body
    from platform.idempotency_key where digest = of_digest
  ) as answered
  where k.digest = answered.digest and answered.body -> 'member' ->> 'nickname' is not null;
end;
revoke all on function platform.forget_member_in_answer from public;
grant execute on function platform.forget_member_in_answer to podo_service;
