import { failureOf } from './database.ts'
import {
  awaitedStatus,
  findAnswers,
  type IdempotencyKey,
  idempotencyProblems,
  insertAnswers,
  isKeyConflict,
  type StoredAnswer,
} from './idempotency.ts'
import { Problem, type ProblemKind, type ProblemParams } from './problem.ts'
import type { Actor, WithWork, Work } from './work.ts'

export interface Answer {
  readonly status: number
  /** JSON text: a replay is the first one to the byte. */
  readonly body: string
  readonly replayed: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** What was created, and how it is answered. */
export interface Created {
  readonly status: number
  readonly body: object
  /** Fields of the body as only the first answer has them: what is stored, and replayed, is the body. */
  readonly shownOnce?: object
}

/** What is stored under the key; a refusal is stored whole, so that a replay does not depend on today's texts. */
type Stored =
  | { readonly v: 1; readonly body: string }
  | { readonly v: 1; readonly problem: { readonly kind: ProblemKind; readonly params: ProblemParams } }

const attemptsMax = 5

/** What is to be created, by whom and under which key. */
export interface CreateOnce {
  readonly actor: Actor
  readonly key: IdempotencyKey
  run(work: Work): Promise<Created>
  /** Nobody waits for the answer, who could mend the request: every refusal is kept, for ever. */
  readonly isFinal?: boolean
}

/**
 * Creates something at most once per idempotency key, for ever: `run` and its answer are committed together, and the
 * same request again gets that answer. Refusals of status 409 are kept too; what fails otherwise is not.
 * A duplicate that runs meanwhile waits for the first on what both insert. Throws Problems, among them those of
 * `idempotencyProblems`.
 */
export async function createOnce(withWork: WithWork, input: CreateOnce): Promise<Answer> {
  const { actor, key, run } = input
  const create = () =>
    withWork(actor, async (work) => {
      const stored = await findStored(work, input)
      if (stored) return stored
      const { status, body, shownOnce } = await run(work)
      store(work, key, status, { v: 1, body: JSON.stringify(body) })
      return { status, body: JSON.stringify({ ...body, ...shownOnce }), replayed: false }
    })

  return replayable(await retried(() => create().catch((error) => keepRefusal(error, input, withWork))))
}

/** An answer, or a refusal that was stored or has just been. */
type Result = Answer | { readonly refusal: Problem; readonly replayed: boolean }

function replayable(result: Result): Answer {
  if (!('refusal' in result)) return result
  if (!result.replayed) throw result.refusal
  const { kind, params } = result.refusal
  throw new Problem(kind, { params, headers: { 'Idempotent-Replayed': 'true' } })
}

async function retried(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run()
    } catch (error) {
      if (attempt === attemptsMax || !(isKeyConflict(error) || failureOf(error) === 'retry')) throw error
    }
  }
}

/**
 * What `run` did is rolled back; its refusal is stored in a unit of its own. It may have been refused because of the
 * very thing that the same request has just created elsewhere: then that answer stands.
 */
async function keepRefusal(error: unknown, input: CreateOnce, withWork: WithWork): Promise<Result> {
  const { actor, key, isFinal = false } = input
  if (!(error instanceof Problem) || !isKept(error.kind, isFinal)) throw error
  const { kind, params } = error
  return withWork(actor, async (work) => {
    const stored = await findStored(work, input)
    if (stored) return stored
    store(work, key, kind.status, { v: 1, problem: { kind, params } })
    return { refusal: error, replayed: false }
  })
}

/** What was wrong with the request itself (400, 404, 422) may be mended, unless nobody waits for the answer. */
function isKept({ status }: ProblemKind, isFinal: boolean): boolean {
  return isFinal ? status < 500 : status === 409
}

async function findStored(work: Work, { key, isFinal = false }: CreateOnce): Promise<Result | null> {
  const keys = [key, ...(key.former ?? [])]
  const answers = await findAnswers(work, [...new Set(keys.map(({ digest }) => digest))])
  const found = answers.find(({ status }) => status !== awaitedStatus || !isFinal)
  if (!found) return null
  const isSame = keys.some(({ digest, requestHash }) => found.digest === digest && found.requestHash === requestHash)
  if (!isSame) throw new Problem(idempotencyProblems.keyReused)
  if (found.status === awaitedStatus) throw new Problem(idempotencyProblems.awaited)
  const stored = JSON.parse(found.answer) as Stored
  if ('body' in stored) return { status: found.status, body: stored.body, replayed: true }
  return { refusal: new Problem(stored.problem.kind, { params: stored.problem.params }), replayed: true }
}

function store(work: Work, { digest, requestHash }: IdempotencyKey, status: number, stored: Stored): void {
  const answer: StoredAnswer = { digest, requestHash, status, answer: JSON.stringify(stored) }
  insertAnswers(work, [answer])
}
