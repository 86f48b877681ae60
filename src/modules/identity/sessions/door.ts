import { failureOf, type Sql } from '#platform/database'
import { openLane } from '#platform/lane'
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
  const questions = openLane<TokenClaims, Answer>({
    name: 'door',
    batchSizeMax: 1_000,
    queueMax: 10_000,
    slots: 2,
    waitingSlots: 0,
    contends: () => nothing,
    paceMs,
    run: (asked) => findVisitors(reads, asked),
    classify: (error) => (failureOf(error) === 'unavailable' ? 'fail' : 'split'),
  })
  const ask = (claims: TokenClaims) => questions.submit(claims).then(({ visitor }) => visitor)
  return {
    find(token) {
      const known = tokens.recall(token)
      return known ? ask(known) : tokens.check(token).then((claims) => claims && ask(claims))
    },
  }
}

const nothing: readonly string[] = []
/** Under load a question that few share costs more than what is asked with it: 2 ms make a third of the questions. */
const paceMs = 2

interface Answer {
  readonly status: 'answered'
  readonly visitor: Visitor | null
}

async function findVisitors(reads: { readonly sql: Sql }, asked: readonly TokenClaims[]): Promise<Answer[]> {
  const answers = asked.map((): Answer => refused)
  for (const { place, isAdmin, nowMs } of await selectOpenSessions(reads, asked)) {
    const { memberId, sessionId, expiresAtMs } = asked[place]!
    if (expiresAtMs > nowMs) answers[place] = { status: 'answered', visitor: { memberId, sessionId, isAdmin } }
  }
  return answers
}

const refused: Answer = { status: 'answered', visitor: null }
