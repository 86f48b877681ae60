import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

type Request = Pick<FastifyRequest, 'headers'>

/** What a browser keeps of a sign-in that it began: no script can read it, and no other site set or send it. */
export interface Bindings {
  /** Null where no browser asks; a browser that keeps nothing has an empty one, which nothing is bound to. */
  read(request: Request): string | null
  set(reply: FastifyReply, binding: string): void
  clear(reply: FastifyReply): void
}

const seconds = 600

/** The cookie of a service that people reach at `origin`. */
export function openBindings(origin: string): Bindings {
  const secure = origin.startsWith('https:')
  const name = secure ? '__Host-podo_social' : 'podo_social'
  const kept = { name, path: '/', httpOnly: true, sameSite: 'lax', secure } as const
  return {
    read: (request) => (isBrowser(request) ? (parseCookie(request.headers.cookie ?? '')[name] ?? '') : null),
    set: (reply, value) => void reply.header('set-cookie', stringifySetCookie({ ...kept, value, maxAge: seconds })),
    clear: (reply) => void reply.header('set-cookie', stringifySetCookie({ ...kept, value: '', maxAge: 0 })),
  }
}

/** Browsers say from where they ask, and let no page keep them from it. */
export function isBrowser({ headers }: Request): boolean {
  return headers['sec-fetch-site'] !== undefined || headers.origin !== undefined
}
