import { openSeenClock, type SeenClock } from '#platform/clock'
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
  /**
   * Whose it is as far as this process knows without the database: with the rights that were theirs a minute ago at
   * most, else with none but their own, by the signature.
   */
  recall(token: string): Promise<Visitor | null>
}

type Reads = { readonly sql: Sql }

/**
 * Asks the database, so that whoever signed out is refused at once by every process, and whoever became an
 * administrator is one at once; those who come together ask together, and whoever was let in a moment ago is let in
 * again.
 */
export function openDoor({ reads, tokens }: { reads: Reads; tokens: Tokens }): Door {
  const recall = openRecall<TokenClaims, Visitor>({ max: 10_000 })
  const clock = openSeenClock()
  /** Whose session is over by the database's word; an access token outlives it by minutes at most. */
  const ended = new WeakSet<TokenClaims>()
  const ask = askTogether<TokenClaims, Visitor | null>({
    name: 'door',
    slots: 2,
    async ask(asked) {
      const visitors = await findVisitors({ reads, recall, clock }, asked)
      visitors.forEach((visitor, place) => {
        if (visitor) return
        recall.forget(asked[place]!)
        ended.add(asked[place]!)
      })
      return visitors
    },
  })
  return {
    find(token) {
      const known = tokens.recall(token)
      return known ? (recall.find(known) ?? ask(known)) : tokens.check(token).then((claims) => claims && ask(claims))
    },
    async recall(token) {
      const claims = tokens.recall(token) ?? (await tokens.check(token))
      if (!claims) return null
      const visitor = recall.lookBack(claims)
      if (visitor) return visitor
      const isOver = ended.has(claims) || claims.expiresAtMs <= clock.nowMs()
      return isOver ? null : { memberId: claims.memberId, sessionId: claims.sessionId, isAdmin: false }
    },
  }
}

async function findVisitors(
  { reads, recall, clock }: { reads: Reads; recall: Recall<TokenClaims, Visitor>; clock: SeenClock },
  asked: readonly TokenClaims[],
): Promise<(Visitor | null)[]> {
  const visitors = asked.map((): Visitor | null => null)
  const askedAt = recall.now()
  for (const { place, isAdmin, endsInMs, nowMs } of await selectOpenSessions(reads, asked)) {
    const claims = asked[place]!
    clock.saw(nowMs)
    const leftMs = Math.min(endsInMs, claims.expiresAtMs - nowMs)
    if (leftMs <= 0) continue
    const visitor = { memberId: claims.memberId, sessionId: claims.sessionId, isAdmin }
    recall.keep(claims, { value: visitor, askedAt, leftMs })
    visitors[place] = visitor
  }
  return visitors
}
