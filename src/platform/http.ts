import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, {
  type FastifyBaseLogger,
  type FastifyContextConfig,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type preHandlerHookHandler,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
  type RouteOptions,
} from 'fastify'
import { type Access, type Audience, type Caller, refusalsOf } from './access.ts'
import { findAddress, openNetworks } from './addresses.ts'
import { parseBody } from './http-body.ts'
import { addCors, commonHeaders, isByCookie, type Origins, refuseForeignPage } from './http-browsers.ts'
import {
  answerBrokenConnection,
  answerExpectation,
  type FixedAddresses,
  findAllowedMethods,
  methodNotAllowed,
  sendProblem,
  toProblem,
} from './http-failures.ts'
import { acceptsJson, isUtf8Type, readIdempotencyKey, readRequestId } from './http-headers.ts'
import type { Limits, LimitWord } from './http-limits.ts'
import { openAnswerLog, openFailureLog } from './http-log.ts'
import { httpProblems, invalidRequest, unauthenticated } from './http-problems.ts'
import { orRecalled, type RecallCaller } from './http-recall.ts'
import type { Validation } from './http-validation.ts'
import { type IdempotencyKey, idempotencyKey } from './idempotency.ts'
import type { Logger } from './log.ts'
import { type Language, Problem, type ProblemKind } from './problem.ts'
import type { Sealing } from './sealing.ts'
import { anonymous } from './work.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Mandatory: a route that says nothing is not registered. */
    access?: Access
    /** Takes an Idempotency-Key, and answers with one. */
    idempotent?: boolean
    /** Answers while the database is away, to whoever is known by memory (`Caller.isRecalled`). */
    outlasts?: boolean
    /** Fields of the body that are secret: not even a digest of them that could be guessed at is stored with the key. */
    secrets?: readonly string[]
    /** Shows its resource's version as `ETag`; what changes one heeds `If-Match`. */
    tagged?: boolean
    /** What bounds how often it is asked, beside what bounds every route: a word of `http-limits.ts`. */
    limits?: LimitWord
    /** Whether every answer is worth a line of the log, as of whatever `limits` bounds: it ends that somebody is known. */
    watched?: boolean
    /** The refusals of its module that it can answer, for the API document. */
    problems?: readonly ProblemKind[]
    /** What the API document shows in place of an example made of the fields' own. */
    example?: { readonly body?: object; readonly answer?: object; readonly later?: object }
  }
  interface FastifyRequest {
    /** Who was authenticated; on public routes nobody is. */
    caller: Caller
    /** Where it came from, plain; `ip` is that of whoever is at the other end of the socket. */
    address: string
    /** Normalised: the mail address whose owner the handler found to be asking. */
    ownEmail: string | null
    /** The key of an idempotent route; digests are made once, when it is first read: read it in the handler. */
    readonly idempotency: RequestKey
    idempotencyText: string
    idempotencyMade: RequestKey | null
    /** The language of the programme; `languageOf` says the one to answer in. */
    readonly languageDefault: Language
  }
}

export interface RequestKey extends IdempotencyKey {
  /** The bare key, as the response carries it. */
  readonly text: string
}

export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** The routes of a module; `app.ts` registers them. */
export type RoutesPlugin = FastifyPluginAsyncTypebox

export interface HttpOptions {
  readonly log: Logger
  /** The programme's language, for callers who ask for none of ours. */
  readonly language: Language
  readonly validation: Validation
  /** Who sent a request, by the credentials among its headers; null when they prove nothing. */
  authenticate(request: Pick<FastifyRequest, 'headers' | 'method' | 'address'>): Caller | null | Promise<Caller | null>
  /** Who sent a request, as far as this process knows without the database; null where it does not. */
  readonly recall?: RecallCaller
  /** What keeps secret fields from whoever sees what is stored. */
  readonly sealing: Sealing
  /** Whose pages may call from a browser; without it, no page is ours. */
  readonly origins?: Origins
  /** Networks whose word on where a request came from is taken; without them, nobody's. */
  readonly trustedProxies?: readonly string[]
  /** What keeps callers from asking too often; without it, nothing does. */
  readonly limits?: Limits | null
  /** What to tell of each answer of a route. */
  readonly observe?: (method: string, route: string) => (status: number, seconds: number) => void
}

const bodyLimitBytes = 1024 * 1024
const urlLengthMax = 8_000
const closeTimeoutMs = 9_000

/** A server that knows the conventions of the API and no route yet. */
export function openHttp(options: HttpOptions): HttpServer {
  const { trustedProxies = [], origins = noOrigins } = options
  const common = commonHeaders(origins)
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    // A whole request, its headers, an idle socket and an idle keep-alive: slow clients hold nothing for long.
    requestTimeout: 15_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 72_000,
    // A request without Host is refused by a hook, as a problem.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000, requireHostHeader: false },
    forceCloseConnections: 'idle',
    // What reaches a closing server on a connection that was open is still answered, and the connection closed.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 500 },
    genReqId: (request) => readRequestId(request.headers),
    clientErrorHandler: (error, socket) => answerBrokenConnection(error, socket, options.language),
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id).headers(common)
      const problem = request.url.length > urlLengthMax ? uriTooLong() : toProblem(error)
      sendProblem(request as FastifyRequest, reply as FastifyReply, problem, options.language)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  server.server.maxConnections = 8_192
  server.server.on('checkExpectation', (request, response) => answerExpectation(request, response, options.language))

  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    try {
      assertPlainEncoding(request)
      done(null, parseBody(bytes as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })
  server.setValidatorCompiler(options.validation.compileRoutePart as never)

  server.decorateRequest('caller')
  server.decorateRequest('address', '')
  server.decorateRequest('ownEmail', null)
  server.decorateRequest('idempotencyText', '')
  server.decorateRequest('idempotencyMade', null)
  server.decorateRequest('languageDefault', options.language)
  server.decorateRequest('idempotency', {
    getter(this: FastifyRequest) {
      this.idempotencyMade ??= makeRequestKey(this, options.sealing)
      return this.idempotencyMade
    },
  } as never)

  const fixed = new Map<string, string[]>()
  const isProxy = openNetworks(trustedProxies)
  server.addHook('onRequest', (request, reply, done) => {
    const { 'x-forwarded-for': forwarded } = request.headers as { 'x-forwarded-for'?: string }
    request.address = findAddress({ socket: request.ip, forwarded }, isProxy)
    reply.header('x-request-id', request.id).headers(common)
    const isHostless = request.headers.host === undefined && request.raw.httpVersion === '1.1'
    const isLong = request.url.length > urlLengthMax
    done(isHostless ? new Problem(httpProblems.hostMissing) : isLong ? uriTooLong() : undefined)
  })
  if (origins.trusted.size > 0) {
    server.addHook('onRequest', (request, reply, done) => {
      const methods = () => findAllowedMethods(server as HttpServer, request.url, fixed)
      if (addCors({ request, reply }, { origins, methods })) reply.code(204).send()
      else done()
    })
  }
  server.addHook('onRoute', (route) => {
    if (!route.url.includes(':')) fixed.set(route.url, [...(fixed.get(route.url) ?? []), route.method].flat())
    prepareRoute(route, options, fixed)
  })
  addFailures(server as HttpServer, options, fixed)
  return server as HttpServer
}

/** Answers 200-odd with a body that is an object or JSON text ready to send, and says when it is a replay. */
export function sendAnswer(
  reply: FastifyReply,
  answer: { status: number; body: string | object; replayed: boolean; headers?: Readonly<Record<string, string>> },
): FastifyReply {
  if (answer.headers) reply.headers(answer.headers)
  if (answer.replayed) reply.header('idempotent-replayed', 'true')
  reply.code(answer.status)
  if (typeof answer.body === 'string') reply.type('application/json; charset=utf-8')
  return reply.send(answer.body)
}

/** Lets what runs finish, closes what idles, and cuts the rest off just before ten seconds are over. */
export async function closeHttp(server: HttpServer, timeoutMs = closeTimeoutMs): Promise<void> {
  // A connection that was busy when closing began goes idle with its answer, and would stay for a keep-alive's length.
  const sweep = setInterval(() => server.server.closeIdleConnections(), 50)
  const cut = setTimeout(() => server.server.closeAllConnections(), timeoutMs)
  try {
    await server.close()
  } finally {
    clearInterval(sweep)
    clearTimeout(cut)
  }
}

const noOrigins: Origins = { own: null, trusted: new Set() }

function uriTooLong(): Problem {
  return new Problem(httpProblems.uriTooLong, { params: { lengthMax: urlLengthMax } })
}

function assertPlainEncoding(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding']
  const isPlain = encoding === undefined || encoding.toLowerCase() === 'identity'
  if (!isPlain || !isUtf8Type(request.headers['content-type'])) {
    throw new Problem(httpProblems.mediaTypeUnsupported)
  }
}

function makeRequestKey(request: FastifyRequest, sealing: Sealing): RequestKey {
  const { url } = request.raw as { url: string }
  const end = url.indexOf('?')
  const { actor } = request.caller
  const { idempotencyText: key, method } = request
  const path = end === -1 ? url : url.slice(0, end)
  const [present, ...former] = withoutSecrets(request, sealing).map(({ body, mark }) =>
    // Of all who have not signed in, whoever brings the same secrets is the same: nobody's key gets in another's way.
    idempotencyKey(actor === anonymous ? { ...actor, id: mark } : actor, { key, method, path, body }),
  )
  return { ...present!, former, text: key }
}

/**
 * The body with what nobody can guess at in place of its secrets, and a mark of all of them; then the same by each
 * former secret of the service.
 */
function withoutSecrets(
  { body, routeOptions }: FastifyRequest,
  sealing: Sealing,
): readonly { body: unknown; mark: string | null }[] {
  const { secrets } = routeOptions.config
  if (secrets === undefined) return [{ body, mark: null }]
  const given = body as Readonly<Record<string, unknown>>
  const names = secrets.filter((name) => name in given)
  const macs = names.map((name) => sealing.macs('request', String(given[name])))
  return Array.from({ length: macs[0]?.length ?? 1 }, (_, by) => {
    const marks = names.map((name, at) => [name, macs[at]![by]!.toString('hex')] as const)
    return { body: { ...given, ...Object.fromEntries(marks) }, mark: marks.flat().join() }
  })
}

/** Gives a route its own hooks, so that no request pays for what only others need. */
function prepareRoute(route: RouteOptions, options: HttpOptions, fixed: FixedAddresses): void {
  const config = route.config ?? {}
  const { access } = config
  if (access === undefined) throw new Error(`${String(route.method)} ${route.url} does not say who may call it`)
  if (access !== 'public') {
    const first = [route.onRequest ?? []].flat()
    route.onRequest = [...first, admit(access, config, options)] as typeof route.onRequest
  }
  const body = route.schema?.body as { properties?: object } | undefined
  if (body?.properties && 'cookies' in body.properties) {
    route.preHandler = [ownPage(options.origins ?? noOrigins), ...[route.preHandler ?? []].flat()]
  }
  if (config.limits && options.limits) {
    const { preHandler, onSend } = options.limits.hooksOf(config.limits)
    route.preHandler = [preHandler, ...[route.preHandler ?? []].flat()] as typeof route.preHandler
    route.onSend = [...[route.onSend ?? []].flat(), onSend] as typeof route.onSend
  }
  if (/:\w+$/.test(route.url)) {
    route.onRequest = [notFixed(fixed), ...[route.onRequest ?? []].flat()] as typeof route.onRequest
  }
  const observe = options.observe?.(String(route.method), route.url)
  const writeDown = openAnswerLog(options.log, { isWatched: config.watched === true || config.limits !== undefined })
  const tell: typeof route.onResponse = (request, reply, done) => {
    observe?.(reply.statusCode, reply.elapsedTime / 1_000)
    writeDown(request, reply)
    done()
  }
  route.onResponse = [...[route.onResponse ?? []].flat(), tell] as typeof route.onResponse
}

type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

/** Refuses what only seems to fit the parameter of a route: the address is a fixed one, with other methods. */
function notFixed(fixed: FixedAddresses): OnRequest {
  return (request, _reply, done) => {
    const own = fixed.get(request.url.split('?')[0]!)
    done(own && methodNotAllowed(own))
  }
}

/** Refuses to give cookies to a page from elsewhere: nobody is signed in by somebody else's page. */
function ownPage(origins: Origins): preHandlerHookHandler {
  return (request, _reply, done) => {
    const { cookies } = (request.body ?? {}) as { cookies?: boolean }
    done(cookies ? refuseForeignPage(request, origins) : undefined)
  }
}

/** The door of a route: key, credentials, rights and formats, in this order. */
function admit(access: readonly Audience[], route: FastifyContextConfig, options: HttpOptions): OnRequest {
  const { origins = noOrigins } = options
  const isIdempotent = route.idempotent === true
  const findRefusal = refusalsOf(access)
  return (request, reply, done) => {
    const key = isIdempotent ? readIdempotencyKey(request.headers) : ''
    // Before anything can fail: a refusal carries the key too.
    if (key) reply.header('idempotency-key', key)
    const foreign = isByCookie(request) ? refuseForeignPage(request, origins) : undefined
    if (foreign) return done(foreign)
    const enter = (caller: Caller | null) => {
      // Before anything is refused: the log tells who was.
      if (caller) request.caller = caller
      const excess = options.limits?.findExcess(caller, request.address)
      if (excess) return done(excess)
      if (!caller) return done(unauthenticated())
      const refusal = caller.actor === anonymous ? null : findRefusal(caller)
      if (refusal) return done(refusal)
      if (!acceptsJson(request.headers.accept)) return done(new Problem(httpProblems.notAcceptable))
      if (key === null) return done(invalidKey())
      request.idempotencyText = key
      done()
    }
    if (access.includes('anonymous')) return enter({ ...nobody, address: request.address })
    const caller = options.authenticate(request)
    if (!(caller instanceof Promise)) return enter(caller)
    const known = route.outlasts ? orRecalled(caller, { request, recall: options.recall }) : caller
    known.then(enter, done)
  }
}

const nobody = { actor: anonymous, scopes: [], isAdmin: false, credentialId: null } as const

function invalidKey(): Problem {
  return invalidRequest([
    {
      pointer: '/Idempotency-Key',
      detail: {
        ko: 'Idempotency-Key는 눈에 보이는 ASCII 문자 1–255자여야 합니다.',
        en: 'Idempotency-Key must be 1–255 visible ASCII characters.',
      },
    },
  ])
}

function addFailures(server: HttpServer, { log, language, observe }: HttpOptions, fixed: FixedAddresses): void {
  const observed = observe?.('*', 'unknown')
  const tell = openFailureLog(log)
  server.setNotFoundHandler((request, reply) => {
    const allowed = findAllowedMethods(server, request.url, fixed)
    const problem = allowed.length === 0 ? new Problem(httpProblems.notFound) : methodNotAllowed(allowed)
    observed?.(problem.kind.status, reply.elapsedTime / 1_000)
    sendProblem(request, reply, problem, language)
  })
  server.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.routeOptions.bodyLimit)
    tell(request, { error, problem })
    sendProblem(request, reply, problem, language)
  })
}
