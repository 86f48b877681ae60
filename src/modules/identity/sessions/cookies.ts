import { timingSafeEqual } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Sealing } from '#platform/sealing'
import { accessTokenSeconds } from './tokens.ts'

/** What a browser keeps in place of tokens that scripts could read. */
export interface Cookies {
  /** The access token of a request; null without one. */
  readAccess(request: Pick<FastifyRequest, 'headers'>): string | null
  readRefresh(request: Pick<FastifyRequest, 'headers'>): string | null
  /** Gives a browser its cookies. */
  set(reply: FastifyReply, tokens: { accessToken: string; refreshToken: string; sessionId: string }): void
  /** Takes them away. */
  clear(reply: FastifyReply): void
  /** What a page sends as `X-CSRF-Token` with whatever changes something; it belongs to one session. */
  csrfToken(sessionId: string): string
  /** Whether a request that a browser sent by cookie was meant by a page that may: it has the token of its session. */
  isMeant(request: Pick<FastifyRequest, 'headers' | 'method'>, sessionId: string): boolean
}

const refreshPath = '/v1/sessions/refresh'
const refreshSeconds = 30 * 86_400
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** With https the names say to browsers that nobody but this host may set them, and that they go nowhere else. */
export function openCookies({ sealing, origin }: { sealing: Sealing; origin: string }): Cookies {
  const secure = origin.startsWith('https:')
  const names = {
    access: secure ? '__Host-podo_access' : 'podo_access',
    refresh: secure ? '__Secure-podo_refresh' : 'podo_refresh',
    csrf: secure ? '__Host-podo_csrf' : 'podo_csrf',
  }
  const kept = { secure, sameSite: 'strict' } as const
  const add = (reply: FastifyReply, cookies: readonly Parameters<typeof stringifySetCookie>[0][]) =>
    reply.header(
      'set-cookie',
      cookies.map((cookie) => stringifySetCookie(cookie)),
    )
  const read = ({ headers }: Pick<FastifyRequest, 'headers'>, name: string) =>
    (headers.cookie && parseCookie(headers.cookie)[name]) || null
  const toToken = (mac: Buffer) => mac.toString('base64url')
  const csrfToken = (sessionId: string) => toToken(sealing.mac('csrf', sessionId))

  return {
    readAccess: (request) => read(request, names.access),
    readRefresh: (request) => read(request, names.refresh),
    csrfToken,
    set(reply, { accessToken, refreshToken, sessionId }) {
      add(reply, [
        { name: names.access, value: accessToken, path: '/', maxAge: accessTokenSeconds, httpOnly: true, ...kept },
        {
          name: names.refresh,
          value: refreshToken,
          path: refreshPath,
          maxAge: refreshSeconds,
          httpOnly: true,
          ...kept,
        },
        { name: names.csrf, value: csrfToken(sessionId), path: '/', maxAge: refreshSeconds, ...kept },
      ])
    },
    clear(reply) {
      add(reply, [
        { name: names.access, value: '', path: '/', maxAge: 0, httpOnly: true, ...kept },
        { name: names.refresh, value: '', path: refreshPath, maxAge: 0, httpOnly: true, ...kept },
        { name: names.csrf, value: '', path: '/', maxAge: 0, ...kept },
      ])
    },
    isMeant({ headers, method }, sessionId) {
      if (safeMethods.has(method)) return true
      const given = Buffer.from(String(headers['x-csrf-token'] ?? ''))
      const tokens = sealing.macs('csrf', sessionId).map((mac) => Buffer.from(toToken(mac)))
      return tokens.some((token) => given.length === token.length && timingSafeEqual(given, token))
    },
  }
}
