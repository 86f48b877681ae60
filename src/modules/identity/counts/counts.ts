import type { Sql } from '#platform/database'
import { selectCounts, selectDays } from './store.ts'

type Reads = { readonly sql: Sql }

/** How many there are. */
export interface MemberCounts {
  /** Everybody who ever became a member. */
  readonly members: number
  /** Of them, people who signed up and left. */
  readonly left: number
  readonly withLogin: number
  readonly activeSessions: number
}

/** How many became members on a day, and how many left. */
export interface MemberDay {
  /** A day like 2026-11-20, of the time zone that was asked for. */
  readonly day: string
  readonly joined: number
  readonly left: number
}

/** Counts members and sessions, reading all of them: for a job, not for a request. */
export async function countMembers(
  reads: Reads,
  timeZone: string,
): Promise<{ counts: MemberCounts; days: readonly MemberDay[] }> {
  const [counts, days] = await Promise.all([selectCounts(reads), selectDays(reads, timeZone)])
  return { counts, days }
}
