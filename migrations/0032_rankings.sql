-- Who has how much, in order: the truth of every ranking, wherever it is read.
create table platform.ranking (
  board text not null check (board <> ''),
  member text collate "C" not null check (member <> ''),
  -- Null where it was removed: whoever has the board elsewhere hears of it by this row.
  score bigint check (score between -9007199254740991 and 9007199254740991),
  position platform.position not null default platform.current_position(),
  primary key (board, member)
);
create index ranking_order on platform.ranking (board, score desc, member) where score is not null;
create index ranking_position on platform.ranking (position, board, member);
grant select, insert, update (score, position) on platform.ranking to podo_service;
