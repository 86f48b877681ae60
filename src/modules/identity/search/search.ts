import type { Sql } from '#platform/database'
import { type Fresh, type FreshCache, keepFresh, openFreshCache } from '#platform/fresh-cache'
import { findMembers, type Member } from '../identity.ts'
import { type Asked, selectAmongNewest, selectByTerms, selectFolded, selectNewest } from './store.ts'

/** Whom one finds: people find people who sign in, by nickname and bio; administrators everybody, by address too. */
export type Audience = 'people' | 'everybody'

/**
 * How well somebody fits: the nickname is what was asked for (0), begins with it (1), has it further on (2); the bio
 * has it (3), the address has it (4).
 */
export type Rank = 0 | 1 | 2 | 3 | 4

/** A member who was found; the newest of a rank come first. */
export interface Found {
  readonly rank: Rank
  readonly member: Member
}

/** Where a list goes on: after this member of this rank. */
export interface FoundPlace {
  readonly rank: Rank
  readonly id: string
}

/** What is asked for; without a text, everybody whom the audience finds. */
export interface SearchQuery {
  readonly audience: Audience
  readonly text: string | null
  readonly after: FoundPlace | null
  readonly limit: number
}

/** Search over members. */
export interface MemberSearch {
  /** A page of those who fit. First pages are as old as it says, at most `searchAgeMaxSeconds`. */
  find(query: SearchQuery): Promise<Fresh<readonly Found[]>>
  /** Makes first pages anew that are asked for again and again, before they are too old. */
  renew(): Promise<void>
  /** Lets the next search see what this process has just changed. */
  forget(): void
}

/** How long after a change searches may still answer what was before it. */
export const searchAgeMaxSeconds = 5

const pagesMax = 1_000

/** In the two seconds that are left, so many popular searches are made anew one after another. */
const renewedMax = 50
const renewalIntervalMs = 500

/** Keeps the first pages that many ask for from growing too old, in this process. */
export function keepSearchesFresh(search: MemberSearch, onError: (error: unknown) => void): { close(): Promise<void> } {
  return keepFresh(search, { intervalMs: renewalIntervalMs, onError })
}

/** How many members are read at each step of a search. */
interface Bounds {
  /** Newest members that are looked through first: where many fit, that is enough. */
  readonly readFirst: number
  /** Members that the index may name, to be fetched and put in order. */
  readonly namedMax: number
  /** Newest members that are looked through where it names more. */
  readonly readMax: number
}

const usualBounds: Bounds = { readFirst: 500, namedMax: 1_000, readMax: 50_000 }

type Reads = { readonly sql: Sql }

/** Search over the members of a database, for one process. */
export function openMemberSearch(reads: Reads, bounds: Bounds = usualBounds): MemberSearch {
  const firstPages: FreshCache<readonly Found[]> = openFreshCache({
    maxAgeSeconds: searchAgeMaxSeconds,
    pagesMax,
    renewedMax,
  })
  return {
    async find(query) {
      if (query.after !== null) return { value: await listFound(reads, { ...query, ...bounds }), ageSeconds: 0 }
      const { audience, text, limit } = query
      return firstPages.get(JSON.stringify([audience, limit, text]), () => listFound(reads, { ...query, ...bounds }))
    },
    renew: firstPages.renew,
    forget: firstPages.clear,
  }
}

async function listFound(reads: Reads, query: SearchQuery & Bounds): Promise<Found[]> {
  const places = query.text === null ? await listNewest(reads, query) : await listFitting(reads, query)
  const members = await findMembers(
    reads,
    places.map(({ id }) => id),
  )
  const byId = new Map(members.map((member) => [member.id, member]))
  return places.map(({ id, rank }) => ({ rank, member: byId.get(id)! }))
}

async function listNewest(reads: Reads, { audience, after, limit }: SearchQuery): Promise<FoundPlace[]> {
  const ids = await selectNewest(reads, { audience, before: after?.id ?? null, limit })
  return ids.map((id) => ({ rank: 0, id }))
}

/** Rank by rank, until there are enough. */
async function listFitting(reads: Reads, query: SearchQuery & Bounds): Promise<FoundPlace[]> {
  const { audience, after, limit } = query
  const folded = await selectFolded(reads, query.text!)
  const ranks: Rank[] = audience === 'people' ? [0, 1, 2, 3] : [0, 1, 2, 3, 4]
  const places: FoundPlace[] = []
  for (const rank of ranks) {
    if (places.length === limit) break
    if (after && rank < after.rank) continue
    const before = after?.rank === rank ? after.id : null
    const asked = { audience, rank, folded, terms: termsOf(rank, folded), before, limit: limit - places.length }
    const ids = await listRank(reads, { ...query, ...asked })
    places.push(...ids.map((id) => ({ rank, id })))
  }
  return places
}

/** Whichever way is taken, the answer is the same: the newest of those who fit. */
async function listRank(reads: Reads, asked: Asked & Bounds): Promise<string[]> {
  const { readFirst, namedMax, limit } = asked
  const first = await selectAmongNewest(reads, { ...asked, readMax: readFirst })
  if (first.length === limit) return first
  const few = await selectByTerms(reads, asked)
  if (few.count < namedMax) return few.ids
  const among = await selectAmongNewest(reads, asked)
  if (among.length === limit) return among
  // Many once, and hardly any among the newest.
  return (await selectByTerms(reads, { ...asked, namedMax: everybodyMax })).ids
}

const everybodyMax = 2 ** 31 - 1

/** What the index has of whoever fits in this way: see `identity.search_terms`. */
function termsOf(rank: Rank, folded: string): string[] {
  const letters = [...folded]
  if (rank === 0) return [`=${letters.slice(0, 40).join('')}`]
  if (rank === 1) return [`^${letters.slice(0, 2).join('')}`, ...pairsOf('.', letters.slice(1))]
  return letters.length === 1 ? [marks[rank] + folded] : pairsOf(marks[rank], letters)
}

const marks = { 2: '.', 3: ':', 4: '@' } as const

function pairsOf(mark: string, letters: readonly string[]): string[] {
  return letters.slice(1).map((letter, at) => mark + letters[at]! + letter)
}
