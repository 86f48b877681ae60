import type { FastifyReply, FastifyRequest } from 'fastify'
import { readTraceId } from './http-headers.ts'
import { httpProblems } from './http-problems.ts'
import { type Prefix, prefixes, toPublicId } from './ids.ts'
import type { Logger } from './log.ts'
import type { Problem } from './problem.ts'
import type { Actor } from './work.ts'

const slowSeconds = 1
const awayEveryMs = 1_000

/**
 * Tells the log of the answers of a route: who was refused, and from where; of a watched route each answer; slow ones;
 * and with `debug` all. Addresses with ids and tokens in them stay out: a route is told by its form.
 */
export function openAnswerLog(log: Logger, { isWatched }: { isWatched: boolean }) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    if (isRefusal(request, reply.statusCode)) log.info(whoseLine(request, reply), 'refused')
    else if (isWatched) log.info(whoseLine(request, reply), 'authentication')
    else if (reply.elapsedTime >= slowSeconds * 1_000) log.warn(lineOf(request, reply), 'a slow answer')
    else if (log.isLevelEnabled('debug')) log.debug(lineOf(request, reply), 'answered')
  }
}

/**
 * Tells the log of requests that failed by no fault of their callers; while the database is away of one a second and of
 * how many others there were since: all say the same, and the log would fill the disk.
 */
export function openFailureLog(log: Logger) {
  let [toldAt, others] = [Number.NEGATIVE_INFINITY, 0]
  return (request: FastifyRequest, { error, problem }: { error: unknown; problem: Problem }): void => {
    if (problem.kind.status < 500 || error === problem || request.raw.destroyed) return
    const { id: requestId, method, headers } = request
    const line = { err: error, requestId, traceId: readTraceId(headers), method, route: request.routeOptions.url }
    const now = performance.now()
    if (problem.kind !== httpProblems.unavailable) log.error(line, 'a request failed')
    else if (now - toldAt < awayEveryMs) others += 1
    else {
      log.error({ ...line, others }, 'a request failed')
      toldAt = now
      others = 0
    }
  }
}

/** Somebody else's things answer 404, so that is a refusal too where somebody is known who asked. */
function isRefusal({ caller }: FastifyRequest, status: number): boolean {
  if (status === 404) return typeof caller?.actor.id === 'string'
  return status === 401 || status === 403 || status === 429
}

function whoseLine(request: FastifyRequest, reply: FastifyReply) {
  const { caller, address } = request
  return { ...lineOf(request, reply), caller: caller ? nameOf(caller.actor) : null, address }
}

function lineOf(request: FastifyRequest, reply: FastifyReply) {
  return {
    requestId: request.id,
    traceId: readTraceId(request.headers),
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
  }
}

function nameOf({ type, id }: Actor): string {
  const prefix = (Object.keys(prefixes) as Prefix[]).find((each) => prefixes[each] === type)
  return prefix && id ? toPublicId(prefix, id) : type
}
