import type { FastifyReply, FastifyRequest } from 'fastify'
import { readTraceId } from './http-headers.ts'
import { type Prefix, prefixes, toPublicId } from './ids.ts'
import type { Logger } from './log.ts'
import type { Actor } from './work.ts'

const slowSeconds = 1

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
