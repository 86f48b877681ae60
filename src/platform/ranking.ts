import type { Database } from './database.ts'
import type { Work } from './work.ts'

/** Somebody or something on a board: any text that is not empty. */
export interface Score {
  readonly member: string
  /** A whole number, to 2^53 − 1. */
  readonly score: number
}

/** Somebody with their place: the highest score is first, and of equals whose name comes first. */
export interface Ranked extends Score {
  /** From 1. */
  readonly rank: number
}

/** Reads boards. What was written may take a second to be seen. */
export interface Ranking {
  /** The first so many of a board. */
  top(board: string, limit: number): Promise<Ranked[]>
  /** Null where they are not on the board. */
  find(board: string, member: string): Promise<Ranked | null>
}

/** Adds to the scores of a board; who was not on it begins with nothing. */
export async function addScores(work: Work, by: { board: string; scores: readonly Score[] }): Promise<void> {
  await work.sql.run(
    `insert into platform.ranking (board, member, score)
     select $1, member, sum(score) from unnest($2::text[], $3::bigint[]) as added (member, score)
     group by member order by member collate "C"
     on conflict (board, member) do update set score = coalesce(ranking.score, 0) + excluded.score,
       position = platform.current_position()`,
    [by.board, ...columnsOf(by.scores)],
  )
}

/** Takes them off a board. */
export async function removeScores(work: Work, by: { board: string; members: readonly string[] }): Promise<void> {
  await work.sql.run(
    `update platform.ranking set score = null, position = platform.current_position()
     where score is not null and (board, member) in (
       select board, member from platform.ranking where board = $1 and member = any($2::text[])
       order by member for no key update
     )`,
    [by.board, by.members],
  )
}

/** Makes a board hold these scores and no others. */
export async function replaceBoard(work: Work, by: { board: string; scores: readonly Score[] }): Promise<void> {
  await work.sql.run(
    `with given as (select * from unnest($2::text[], $3::bigint[]) as given (member, score))
     insert into platform.ranking (board, member, score)
     select $1, coalesce(given.member, had.member), given.score
     from given full join (select member from platform.ranking where board = $1) had on had.member = given.member
     order by coalesce(given.member, had.member)
     on conflict (board, member) do update set score = excluded.score, position = platform.current_position()
     where ranking.score is distinct from excluded.score`,
    [by.board, ...columnsOf(by.scores)],
  )
}

function columnsOf(scores: readonly Score[]): [string[], number[]] {
  return [scores.map(({ member }) => member), scores.map(({ score }) => score)]
}

/** Reads the table. */
export function openRanking({ sql }: Database): Ranking {
  return {
    async top(board, limit) {
      const rows = await sql.rows<Score>(
        `select member, score from platform.ranking where board = $1 and score is not null
         order by score desc, member limit $2`,
        [board, limit],
      )
      return rows.map((row, at) => ({ ...row, rank: at + 1 }))
    },
    async find(board, member) {
      const rows = await sql.rows<Ranked>(
        `select own.member, own.score, 1 + (
           select count(*) from platform.ranking r
           where r.board = $1 and (r.score > own.score or r.score = own.score and r.member < own.member)
         ) as rank
         from platform.ranking own where board = $1 and member = $2 and score is not null`,
        [board, member],
      )
      return rows[0] ?? null
    },
  }
}

/** Where one stands in the order of changes. */
export type ChangePlace = readonly [position: number, board: string, member: string]

/** What became of somebody on a board; null where they were taken off it. */
export interface Change {
  readonly place: ChangePlace
  readonly score: number | null
  /** Whether nothing can be committed before it any more. */
  readonly isSettled: boolean
}

/** What has changed behind a place, in order. */
export async function listChanges({ sql }: Database, by: { after: ChangePlace; limit: number }): Promise<Change[]> {
  const rows = await sql.rows<{ position: number; board: string; member: string } & Omit<Change, 'place'>>(
    `select position, board, member, score, position < platform.position_horizon() as "isSettled"
     from platform.ranking where (position, board, member) > ($1, $2, $3)
     order by position, board, member limit $4`,
    [...by.after, by.limit],
  )
  return rows.map(({ position, board, member, ...change }) => ({ place: [position, board, member], ...change }))
}
