import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { failureOf } from './database.ts'
import type { HttpServer } from './http.ts'
import { readLanguage, readRequestId } from './http-headers.ts'
import { httpProblems, invalidRequest, unavailable } from './http-problems.ts'
import { newId } from './ids.ts'
import { type Language, Problem, type ProblemKind, renderProblem } from './problem.ts'

/**
 * What the caller is told about anything that was thrown: only a Problem speaks for itself. `bodyLimit` is that of the
 * route, in bytes.
 */
export function toProblem(error: unknown, bodyLimit = 0): Problem {
  if (error instanceof Problem) return error
  const { code = '', statusCode = 500 } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new Problem(httpProblems.bodyTooLarge, { params: { limitBytes: bodyLimit } })
  }
  const kind = fastifyProblems[code]
  if (kind) return new Problem(kind)
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' || (statusCode === 400 && code !== '')) return truncated()
  const failure = failureOf(error)
  if (failure === 'unavailable' || failure === 'retry') return unavailable()
  return new Problem(httpProblems.internal)
}

/** Whether the same request may succeed a little later: too much is waiting, or the database is away. */
export function isAway(error: unknown): boolean {
  return toProblem(error).kind.status === 503
}

const fastifyProblems: Record<string, ProblemKind> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: httpProblems.mediaTypeUnsupported,
  FST_ERR_BAD_URL: httpProblems.notFound,
  FST_ERR_MAX_PARAM_LENGTH: httpProblems.notFound,
  FST_ERR_NOT_FOUND: httpProblems.notFound,
}

function truncated(): Problem {
  return invalidRequest([
    { pointer: '', detail: { ko: '본문이 끝까지 도착하지 않았습니다.', en: 'The body did not arrive whole.' } },
  ])
}

/** The language to speak to this caller. */
export function languageOf(request: FastifyRequest): Language {
  return readLanguage(request.headers['accept-language'], request.languageDefault)
}

/** Answers with a problem. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem, otherwise: Language): void {
  const language = readLanguage(request.headers['accept-language'], otherwise)
  reply
    .code(problem.kind.status)
    .headers(problem.headers)
    .header('content-language', language)
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(renderProblem(problem, { language, instance: request.id })))
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Addresses without parameters, and the methods of each. */
export type FixedAddresses = ReadonlyMap<string, readonly string[]>

/** The methods that a route answers at this address; a fixed address hides those that fit it by a parameter. */
export function findAllowedMethods(server: HttpServer, url: string, fixed: FixedAddresses): readonly string[] {
  const path = url.split('?')[0]!
  const own = fixed.get(path)
  if (own) return own
  return methods.filter((method) => server.findRoute({ method, url: path }) !== null)
}

/** The refusal of a method at an address that knows others. */
export function methodNotAllowed(allowed: readonly string[]): Problem {
  const allow = allowed.join(', ')
  return new Problem(httpProblems.methodNotAllowed, { params: { allow }, headers: { Allow: allow } })
}

/** Answers a request whose `Expect` header asks for something that HTTP does not know. */
export function answerExpectation(request: IncomingMessage, response: ServerResponse, otherwise: Language): void {
  const { headers } = request
  const language = readLanguage(headers['accept-language'], otherwise)
  const problem = new Problem(httpProblems.expectationUnknown)
  const instance = readRequestId(headers)
  response.writeHead(problem.kind.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-language': language,
    'x-request-id': instance,
    // Its body may follow or not: nobody can tell where the next request begins.
    connection: 'close',
  })
  response.end(JSON.stringify(renderProblem(problem, { language, instance })))
}

/** Answers what never became a request: broken HTTP, headers without end, a body that took too long. */
export function answerBrokenConnection(error: Error & { code?: string }, socket: Socket, language: Language): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy()
  const kind =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? httpProblems.requestTimeout
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? httpProblems.headersTooLarge
        : httpProblems.malformedHttp
  const instance = newId()
  const body = JSON.stringify(renderProblem(new Problem(kind), { language, instance }))
  const head = [
    `HTTP/1.1 ${kind.status} ${STATUS_CODES[kind.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${instance}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
