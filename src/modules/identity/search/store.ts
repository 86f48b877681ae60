import type { Sql } from '#platform/database'
import type { Audience, Rank } from './search.ts'

type Reads = { readonly sql: Sql }

/** A stretch of the members that a text fits in one way, the newest first. */
export interface Asked {
  readonly audience: Audience
  readonly rank: Rank
  /** As the database folds it: without case and width. */
  readonly folded: string
  /** All of them are terms of whoever fits. */
  readonly terms: readonly string[]
  /** The id after which it goes on; null for the beginning. */
  readonly before: string | null
  readonly limit: number
}

/** How a text is compared: NFKC, in lower case. */
export async function selectFolded(reads: Reads, text: string): Promise<string> {
  const [row] = await reads.sql.rows<{ folded: string }>('select identity.folded($1) as folded', [text])
  return row!.folded
}

/**
 * The newest of those that the index names, of each half at most so many; `count` says of how many in all. The index
 * knows no order, so all that it names have to be fetched: only of few, or of all, these are the newest.
 */
export async function selectByTerms(
  reads: Reads,
  { audience, rank, folded, terms, before, limit, namedMax }: Asked & { readonly namedMax: number },
): Promise<{ ids: string[]; count: number }> {
  const values = [folded, before, limit, terms, namedMax]
  const [found] = await reads.sql.rows<{ ids: string[]; count: number }>(byTerms[audience][rank], values)
  return found!
}

/** The newest that fit among so many of the newest members: soon done where many fit. */
export async function selectAmongNewest(
  reads: Reads,
  { audience, rank, folded, before, limit, readMax }: Asked & { readonly readMax: number },
): Promise<string[]> {
  const rows = await reads.sql.rows<{ id: string }>(amongNewest[audience][rank], [folded, before, limit, readMax])
  return rows.map(({ id }) => id)
}

export async function selectNewest(
  reads: Reads,
  { audience, before, limit }: Pick<Asked, 'audience' | 'before' | 'limit'>,
): Promise<string[]> {
  const rows = await reads.sql.rows<{ id: string }>(newest[audience], [before, limit])
  return rows.map(({ id }) => id)
}

/** Whoever fits better does not fit less well, too: the places of a nickname are told apart, and come before the rest. */
const fits: Readonly<Record<Rank, string>> = {
  0: 'm.folded_nickname = $1',
  1: 'starts_with(m.folded_nickname, $1) and m.folded_nickname <> $1',
  2: 'strpos(m.folded_nickname, $1) > 1',
  3: 'strpos(m.folded_nickname, $1) = 0 and strpos(m.folded_bio, $1) > 0',
  4: `strpos(m.folded_nickname, $1) = 0 and coalesce(strpos(m.folded_bio, $1), 0) = 0
    and strpos(identity.folded(m.email), $1) > 0`,
}

/** Their indexes have these very words. */
const people = 'm.company_id is null and m.left_at is null'
const others = '(m.company_id is not null or m.left_at is not null)'

const after = (parameter: string) => `m.id < coalesce(${parameter}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')`

/** Without the place where the list goes on, for which the index of all ids would be read, too. */
const named = (half: string, rank: Rank) => `
  (select m.id from identity.member m
   where ${half} and identity.search_terms(m.folded_nickname, m.folded_bio, identity.folded(m.email)) @> $4::text[]
     and ${fits[rank]}
   limit $5)`

const byTerms = forEach(
  (halves, rank) => `
  with named as materialized (${halves.map((half) => named(half, rank)).join(' union all ')})
  select (select count(*) from named) as count,
    array(select m.id from named m where ${after('$2')} order by m.id desc limit $3)::text[] as ids`,
)

const amongNewest = forEach(
  (halves, rank) => `
  select m.id from (
    select * from identity.member m where ${whoOf(halves)} and ${after('$2')} order by m.id desc limit $4
  ) m
  where ${fits[rank]} order by m.id desc limit $3`,
)

const newest: Readonly<Record<Audience, string>> = {
  people: newestOf([people]),
  everybody: newestOf([people, others]),
}

function newestOf(halves: readonly string[]): string {
  return `select m.id from identity.member m where ${whoOf(halves)} and ${after('$1')} order by m.id desc limit $2`
}

function whoOf(halves: readonly string[]): string {
  return halves.length === 1 ? halves[0]! : 'true'
}

/** A statement for each audience and rank, each planned once. */
function forEach(
  text: (halves: readonly string[], rank: Rank) => string,
): Readonly<Record<Audience, Record<Rank, string>>> {
  const of = (halves: readonly string[]) => ({
    0: text(halves, 0),
    1: text(halves, 1),
    2: text(halves, 2),
    3: text(halves, 3),
    4: text(halves, 4),
  })
  return { people: of([people]), everybody: of([people, others]) }
}
