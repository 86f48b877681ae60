import type { Sql } from '#platform/database'
import { askTogether } from '#platform/questions'
import { selectOpenSessions, type TokenClaims } from './store.ts'
import type { Tokens } from './tokens.ts'

/** Who came in with an access token. All ids are UUIDs. */
export interface Visitor {
  readonly memberId: string
  readonly sessionId: string
  readonly isAdmin: boolean
}

/** Lets people in by their access tokens. */
export interface Door {
  /** Whose token it is; null where it is nobody's, its time is over, or its session has ended. */
  find(token: string): Promise<Visitor | null>
}

/**
 * Asks the database for every request, so that whoever signed out is refused at once by every process, and whoever
 * became an administrator is one at once; requests that come together ask together.
 */
export function openDoor({ reads, tokens }: { reads: { readonly sql: Sql }; tokens: Tokens }): Door {
  const ask = askTogether<TokenClaims, Visitor | null>({
    name: 'door',
    slots: 2,
    paceMs,
    ask: (asked) => findVisitors(reads, asked),
  })
  return {
    find(token) {
      const known = tokens.recall(token)
      return known ? ask(known) : tokens.check(token).then((claims) => claims && ask(claims))
    },
  }
}

/** Under load a question that few share costs more than what is asked with it (decision 0012). */
const paceMs = 2

async function findVisitors(reads: { readonly sql: Sql }, asked: readonly TokenClaims[]): Promise<(Visitor | null)[]> {
  const visitors = asked.map((): Visitor | null => null)
  for (const { place, isAdmin, nowMs } of await selectOpenSessions(reads, asked)) {
    const { memberId, sessionId, expiresAtMs } = asked[place]!
    if (expiresAtMs > nowMs) visitors[place] = { memberId, sessionId, isAdmin }
  }
  return visitors
}
