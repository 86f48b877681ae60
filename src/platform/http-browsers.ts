import type { FastifyReply, FastifyRequest } from 'fastify'
import { isLoopback } from './addresses.ts'
import { httpProblems } from './http-problems.ts'
import { Problem } from './problem.ts'

/** Whose pages may call the service from a browser. */
export interface Origins {
  /** Where people reach it: its own pages. */
  readonly own: string | null
  /** Those of others that it trusts with what its own may do. */
  readonly trusted: ReadonlySet<string>
}

const yearsOfHttps = 2 * 365 * 86_400

/** What every answer tells browsers: it is data that runs nothing, is framed by nobody, and is kept nowhere. */
export function commonHeaders({ own }: Origins): Readonly<Record<string, string>> {
  return {
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    ...(own?.startsWith('https:') && { 'strict-transport-security': `max-age=${yearsOfHttps}; includeSubDomains` }),
  }
}

/**
 * Lets the pages of trusted origins read an answer (Fetch, "CORS protocol"). True for a preflight of a method in
 * `methods`, which gives nothing when nothing answers at the address: the answer is complete then, but for its status.
 */
export function addCors(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  by: { origins: Origins; methods(): readonly string[] },
): boolean {
  reply.header('vary', 'Origin')
  const { origin } = request.headers
  if (origin === undefined || !by.origins.trusted.has(origin)) return false
  reply.header('access-control-allow-origin', origin).header('access-control-allow-credentials', 'true')
  reply.header('access-control-expose-headers', shownHeaders)
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  const methods = by.methods()
  if (methods.length === 0) return false
  reply.header('access-control-allow-methods', methods.join(', '))
  reply.header('access-control-allow-headers', takenHeaders).header('access-control-max-age', '600')
  return true
}

const shownHeaders =
  'ETag, Location, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Key, Idempotent-Replayed, X-Request-Id'
const takenHeaders =
  'Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, Prefer, X-CSRF-Token, X-Request-Id, traceparent'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a method may change something. */
export function changesThings(method: string): boolean {
  return !safeMethods.has(method)
}

/** Whether a request changes something on behalf of the cookies that it carries; with Authorization they are not read. */
export function isByCookie({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  if (!changesThings(method) || headers.cookie === undefined || headers.authorization !== undefined) return false
  return /(?:^|;\s*)(?:__(?:Host|Secure)-)?podo_/.test(headers.cookie)
}

/**
 * What is against a request that a browser made for a page from elsewhere. `Sec-Fetch-Site`, which no page can forge,
 * decides; browsers that don't send it send `Origin`, which is then ours or that of the host that was asked.
 */
export function refuseForeignPage({ headers }: Pick<FastifyRequest, 'headers'>, origins: Origins): Problem | undefined {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none' || (origin !== undefined && origins.trusted.has(origin))) return
  if (site === undefined && origin === undefined) return
  const isOurs = site === undefined && (origin === origins.own || origin?.replace(/^https?:\/\//, '') === host)
  return isOurs ? undefined : new Problem(httpProblems.crossSite)
}

/**
 * What is against showing a secret at the host that was asked for. Whoever lets a name of theirs lead here makes a
 * browser take this page for one of their own, which theirs may read (DNS rebinding).
 */
export function refuseForeignHost({ headers }: Pick<FastifyRequest, 'headers'>, origin: string): Problem | undefined {
  const host = URL.parse(`http://${headers.host}`)?.hostname
  if (host !== undefined && (isLoopback(host) || host === new URL(origin).hostname)) return
  return new Problem(httpProblems.hostUnknown, { params: { origin } })
}
