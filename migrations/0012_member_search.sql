-- Search over members: nickname, bio and address in pieces of one and two letters, so that one letter is enough.
create function identity.folded(given text) returns text
  language sql immutable strict parallel safe
  return lower(normalize(given, nfkc));

alter table identity.member
  add column folded_nickname text generated always as (identity.folded(nickname)) stored,
  add column folded_bio text generated always as (identity.folded(bio)) stored;

-- Each piece with a mark of where it stands: the whole nickname (=), its beginning (^), the rest (.), the bio (:),
-- the address (@). So what matches in one place is counted and fetched without what matches in others.
create function identity.search_terms(nickname text, bio text, email text) returns text[]
  language plpgsql immutable parallel safe as $$
declare
  marks text[] := array['.', ':', '@'];
  texts text[] := array[substr(nickname, 2), bio, email];
  terms text[] := array['=' || left(nickname, 40), '^' || left(nickname, 1), '^' || left(nickname, 2)];
  before text;
  letter text;
begin
  for place in 1..3 loop
    before := null;
    foreach letter in array coalesce(string_to_array(texts[place], null), '{}') loop
      terms := terms || (marks[place] || letter);
      if before is not null then
        terms := terms || (marks[place] || before || letter);
      end if;
      before := letter;
    end loop;
  end loop;
  return terms;
end
$$;
grant execute on function identity.folded(text), identity.search_terms(text, text, text) to podo_service;

-- People who sign in apart from all others, for other people find only them. Nothing waits outside the indexes' own
-- order: every search would have to look through it.
create index member_people on identity.member (id) where company_id is null and left_at is null;
create index member_people_terms on identity.member
  using gin (identity.search_terms(folded_nickname, folded_bio, identity.folded(email))) with (fastupdate = off)
  where company_id is null and left_at is null;
create index member_others_terms on identity.member
  using gin (identity.search_terms(folded_nickname, folded_bio, identity.folded(email))) with (fastupdate = off)
  where company_id is not null or left_at is not null;
