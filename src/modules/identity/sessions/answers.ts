import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Cookies } from './cookies.ts'
import type { Stay } from './sessions.ts'
import { accessTokenSeconds, type Signer } from './tokens.ts'

/** What a client gets when a session begins or goes on; with cookies the browser keeps the tokens, and no script. */
export const tokenFields = {
  accessToken: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Shown once; null with cookies, and in a replay.',
  }),
  refreshToken: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Shown once, and good for one refresh; null with cookies, and in a replay.',
  }),
  csrfToken: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'With cookies: what to send as `X-CSRF-Token` with whatever changes something.',
  }),
  expiresIn: Type.Integer({
    description: 'Seconds until the access token lets nobody in.',
    examples: [accessTokenSeconds],
  }),
}

/** Whether the tokens shall be kept as cookies. */
export const cookiesField = Type.Optional(
  Type.Boolean({ default: false, description: 'Keep the tokens in cookies that scripts cannot read.' }),
)

/** Tokens of a session, given once. */
export interface IssuedTokens {
  readonly accessToken: string
  readonly refreshToken: string
  readonly sessionId: string
  readonly memberId: string
}

/** The tokens of a session that has just begun or goes on. */
export async function issueTokens(signer: Signer, stay: Stay): Promise<IssuedTokens> {
  const { refreshToken, sessionId, memberId } = stay
  return { accessToken: await signer.sign(stay), refreshToken, sessionId, memberId }
}

/** The fields of an answer that shows no token. */
export const withoutTokens = { accessToken: null, refreshToken: null, csrfToken: null, expiresIn: accessTokenSeconds }

/** The fields of an answer that gives tokens, in cookies where that is asked for; the log tells whose they are. */
export function giveTokens(
  reply: FastifyReply,
  { cookies, tokens, asCookies }: { cookies: Cookies; tokens: IssuedTokens; asCookies: boolean },
) {
  const { request } = reply
  const actor = { type: 'member', id: tokens.memberId } as const
  request.caller = { ...request.caller, actor, credentialId: tokens.sessionId }
  if (!asCookies) {
    const { accessToken, refreshToken } = tokens
    return { ...withoutTokens, accessToken, refreshToken }
  }
  cookies.set(reply, tokens)
  return { ...withoutTokens, csrfToken: cookies.csrfToken(tokens.sessionId) }
}

/** Where a session begins: what its list will say of it. */
export function readPlace(request: FastifyRequest): { device: string | null; address: string } {
  const device = request.headers['user-agent']?.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 200) || null
  return { device, address: request.address }
}
