import type { Sql } from '#platform/database'
import { askTogether } from '#platform/questions'
import { openRecall, type Recall } from '#platform/recall'
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
  find(token: string): Visitor | Promise<Visitor | null>
}

type Reads = { readonly sql: Sql }

/**
 * Asks the database, so that whoever signed out is refused at once by every process, and whoever became an
 * administrator is one at once; those who come together ask together, and whoever was let in a moment ago is let in
 * again.
 */
export function openDoor({ reads, tokens }: { reads: Reads; tokens: Tokens }): Door {
  const recall = openRecall<TokenClaims, Visitor>({ max: 10_000 })
  const ask = askTogether<TokenClaims, Visitor | null>({
    name: 'door',
    slots: 2,
    ask: (asked) => findVisitors({ reads, recall }, asked),
  })
  return {
    find(token) {
      const known = tokens.recall(token)
      return known ? (recall.find(known) ?? ask(known)) : tokens.check(token).then((claims) => claims && ask(claims))
    },
  }
}

async function findVisitors(
  { reads, recall }: { reads: Reads; recall: Recall<TokenClaims, Visitor> },
  asked: readonly TokenClaims[],
): Promise<(Visitor | null)[]> {
  const visitors = asked.map((): Visitor | null => null)
  const askedAt = recall.now()
  for (const { place, isAdmin, endsInMs, nowMs } of await selectOpenSessions(reads, asked)) {
    const claims = asked[place]!
    const leftMs = Math.min(endsInMs, claims.expiresAtMs - nowMs)
    if (leftMs <= 0) continue
    const visitor = { memberId: claims.memberId, sessionId: claims.sessionId, isAdmin }
    recall.keep(claims, { value: visitor, askedAt, leftMs })
    visitors[place] = visitor
  }
  return visitors
}
