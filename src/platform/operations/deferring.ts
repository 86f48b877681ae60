import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../access.ts'
import { sendAnswer } from '../http.ts'
import { isAway, languageOf } from '../http-failures.ts'
import { prefersAsync } from '../http-headers.ts'
import { unavailable } from '../http-problems.ts'
import { idempotencyProblems } from '../idempotency.ts'
import { Problem } from '../problem.ts'
import { type Asked, type OperationKind, operationPath } from './operations.ts'
import { toOperationText } from './resources.ts'
import type { Taking } from './taking.ts'

/** What carrying requests out later, where it is asked for or needed, works with. */
export interface Deferring {
  readonly taking: Taking
  /** Whether a caller's requests are to be taken on where they would be refused for want of room, or of the database. */
  queues(caller: Caller): boolean
}

/** How what may be carried out later is answered, by its name. */
export interface Operations {
  /** The handler of a route, which answers by itself, whatever the route's other answers are. */
  handlerOf(name: string): (request: Request, reply: FastifyReply) => Promise<never>
}

/** Handlers for these kinds. */
export function openOperations(by: Deferring & { readonly kinds: readonly OperationKind[] }): Operations {
  const kinds = new Map(by.kinds.map((kind) => [kind.name, kind]))
  return {
    handlerOf(name) {
      const kind = kinds.get(name)
      if (!kind) throw new Error(`nothing called ${name} can be carried out later`)
      return (request, reply) => answerOrDefer({ ...by, kind }, { request, reply }) as Promise<never>
    },
  }
}

type Request = Pick<FastifyRequest, 'caller' | 'idempotency' | 'headers' | 'params' | 'body' | 'id' | 'languageDefault'>

/**
 * Answers a request at once with what came of it, or with 202 and its operation: where the caller prefers that, where
 * the same request was taken on before, or where it would have to be refused and the caller's company says so.
 */
async function answerOrDefer(
  by: Deferring & { readonly kind: OperationKind },
  { request, reply }: { request: Request; reply: FastifyReply },
): Promise<FastifyReply> {
  const { kind } = by
  const asked = askedOf(request)
  kind.check(asked)
  if (prefersAsync(request.headers)) {
    return takeOn(by, { asked, reply, isPreferred: true, otherwise: () => kind.perform(asked) })
  }
  const { caller } = asked
  try {
    if (caller.isRecalled) throw unavailable()
    return sendAnswer(reply, await kind.perform(asked))
  } catch (error) {
    if (error instanceof Problem && error.kind === idempotencyProblems.awaited) {
      return sendWaiting(reply, { id: await by.taking.findId(asked), createdAt: null })
    }
    if (!isAway(error) || !by.queues(caller)) throw error
    return takeOn(by, { asked, reply, isPreferred: false, otherwise: () => Promise.reject(error) })
  }
}

interface Wish {
  readonly asked: Asked
  readonly reply: FastifyReply
  /** Whether the caller prefers that it is taken on. */
  readonly isPreferred: boolean
  /** What is done where it is not. */
  readonly otherwise: OperationKind['perform']
}

async function takeOn(
  { taking, kind }: Deferring & { readonly kind: OperationKind },
  { asked, reply, isPreferred, otherwise }: Wish,
): Promise<FastifyReply> {
  const taken = await taking.take(kind, asked)
  if (taken.status === 'waiting') {
    if (isPreferred) reply.header('preference-applied', 'respond-async')
    return sendWaiting(reply, taken)
  }
  if (asked.caller.isRecalled) throw unavailable()
  return sendAnswer(reply, await otherwise(asked))
}

function sendWaiting(reply: FastifyReply, { id, createdAt }: { id: string; createdAt: Date | null }): FastifyReply {
  reply.header('location', operationPath(id))
  return sendAnswer(reply, { status: 202, body: toOperationText({ id, createdAt }), replayed: false })
}

function askedOf(request: Request): Asked {
  const { caller, idempotency: key, params, body, id: requestId } = request
  const isKeyGiven = request.headers['idempotency-key'] !== undefined
  const language = languageOf(request as FastifyRequest)
  return { caller, key, isKeyGiven, params: params as Asked['params'], body, requestId, language, isQueued: false }
}
