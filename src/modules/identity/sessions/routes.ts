import Type from 'typebox'
import { originOf } from '#platform/audit'
import { decodeCursor, toPage } from '#platform/cursor'
import type { RoutesPlugin } from '#platform/http'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, instant, nullable, oneOf, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { anonymous } from '#platform/work'
import { findByPassword, holdSignIn, renewHash } from '../accounts/accounts.ts'
import { sessionExamples as examples } from '../examples.ts'
import type { People } from '../people.ts'
import { identityProblems } from '../problems.ts'
import { email, password } from '../schemas.ts'
import { endMemberSessions } from './administering.ts'
import { cookiesField, giveTokens, issueTokens, readPlace, tokenFields } from './answers.ts'
import { endSession, endSessions, listSessions, refreshSession, type Session, startSession } from './sessions.ts'
import { keySetMaxAgeSeconds } from './tokens.ts'

const tags = ['Sessions']
const access = ['member'] as const

const sessionSchema = Type.Object({
  id: publicId('ses'),
  method: oneOf(['password', 'kakao', 'naver', 'google'] as const),
  device: nullable(Type.String({ description: 'What the client said that it is.' })),
  address: Type.String({ description: 'From where it began.', examples: ['203.0.113.7'] }),
  isCurrent: Type.Boolean({ description: 'Whether this request came with it.' }),
  createdAt: instant,
  refreshedAt: instant,
  expiresAt: instant,
})

/** The routes of sessions: signing in, going on, signing out. */
export function sessionRoutes(people: People): RoutesPlugin {
  return async (server) => {
    await server.register(beginningRoutes(people))
    await server.register(listRoute(people))
    await server.register(endingRoutes(people))
    await server.register(administeringRoute(people))
    await server.register(keySetRoute(people))
  }
}

function beginningRoutes(people: People): RoutesPlugin {
  const { database: reads, withWork, passwords, tokens, cookies } = people
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/sessions',
      config: {
        access: ['anonymous'],
        limits: 'sign-in',
        problems: [identityProblems.credentialsWrong],
        example: examples.signIn,
      },
      schema: {
        operationId: 'signIn',
        tags,
        summary: 'Sign in',
        body: closedObject({ email, password, cookies: cookiesField }),
        response: { 201: Type.Object(tokenFields) },
      },
      async handler(request, reply) {
        const { cookies: asCookies = false, ...credentials } = request.body
        const signer = await tokens.signer()
        const enter = async () => {
          const found = await findByPassword({ reads, passwords }, credentials)
          if (!found) throw new Problem(identityProblems.credentialsWrong)
          const { memberId } = found.login
          return withWork({ type: 'member', id: memberId }, async (work) => {
            if (!(await holdSignIn(work, found))) return null
            await renewHash(work, found)
            return startSession(work, { memberId, method: 'password', ...readPlace(request) })
          })
        }
        // Where the password was changed meanwhile, it is to be proved again, once.
        const stay = (await enter()) ?? (await enter())
        if (!stay) throw new Problem(identityProblems.credentialsWrong)
        const issued = await issueTokens(signer, stay)
        return reply.code(201).send(giveTokens(reply, { cookies, tokens: issued, asCookies }))
      },
    })

    server.route({
      method: 'POST',
      url: '/v1/sessions/refresh',
      config: {
        access: ['anonymous'],
        limits: 'refresh',
        problems: [identityProblems.refreshRefused, identityProblems.csrfRefused],
        example: examples.refresh,
      },
      schema: {
        operationId: 'refreshSession',
        tags,
        summary: 'Go on with a session: a refresh token is good for one time',
        description:
          'Gives a new pair of tokens for a refresh token, from the body or from the cookie. A refresh token that comes ' +
          'a second time is in two hands: its session ends.',
        body: closedObject({ refreshToken: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
        response: { 200: Type.Object(tokenFields) },
      },
      async handler(request, reply) {
        const given = request.body?.refreshToken
        const refreshToken = given ?? cookies.readRefresh(request)
        if (refreshToken === null) throw invalidRequest([{ pointer: '/refreshToken', detail: refreshTokenNeeded }])
        const signer = await tokens.signer()
        const stay = await withWork(anonymous, async (work) => {
          const stay = await refreshSession(work, refreshToken)
          // What was refused rolls the refresh back.
          const isMeant = given !== undefined || stay === null || cookies.isMeant(request, stay.sessionId)
          if (!isMeant) throw new Problem(identityProblems.csrfRefused)
          return stay
        })
        if (!stay) throw new Problem(identityProblems.refreshRefused)
        const asCookies = given === undefined
        return giveTokens(reply, { cookies, tokens: await issueTokens(signer, stay), asCookies })
      },
    })
  }
}

function listRoute({ database }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/sessions',
      config: { access, example: examples.listSessions },
      schema: {
        operationId: 'listSessions',
        tags,
        summary: 'List the sessions of whoever asks, newest first',
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(sessionSchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const { actor, credentialId } = request.caller
        const memberId = actor.id!
        const list = `sessions of ${memberId}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('ses', id))
        const sessions = await listSessions(database, { memberId, after, limit: limit + 1 })
        const toItem = (session: Session) => toSessionBody(session, credentialId)
        return toPage(sessions, { list, limit, placeOf: ({ id }) => toPublicId('ses', id), toItem })
      },
    })
  }
}

function endingRoutes({ withWork, cookies }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'DELETE',
      url: '/v1/sessions/current',
      config: { access, watched: true },
      schema: {
        operationId: 'signOut',
        tags,
        summary: 'Sign out: the access token lets nobody in from now on, anywhere',
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const { actor, credentialId } = request.caller
        await withWork(actor, (work) => endSession(work, { memberId: actor.id!, sessionId: credentialId! }))
        cookies.clear(reply)
        return reply.code(204).send(null)
      },
    })

    server.route({
      method: 'DELETE',
      url: '/v1/sessions/:id',
      config: { access: ['owner'], watched: true, problems: [identityProblems.sessionUnknown] },
      schema: {
        operationId: 'endSession',
        tags,
        summary: 'End one of the sessions of whoever asks',
        params: Type.Object({ id: publicId('ses') }),
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const { actor } = request.caller
        const sessionId = fromPublicId('ses', request.params.id)
        if (!sessionId) throw new Problem(identityProblems.sessionUnknown)
        await withWork(actor, (work) => endSession(work, { memberId: actor.id!, sessionId }))
        return reply.code(204).send(null)
      },
    })

    server.route({
      method: 'DELETE',
      url: '/v1/sessions',
      config: { access, watched: true },
      schema: {
        operationId: 'endSessions',
        tags,
        summary: 'End every session of whoever asks, this one among them',
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const { actor } = request.caller
        await withWork(actor, (work) => endSessions(work, { memberId: actor.id!, exceptSessionId: null }))
        cookies.clear(reply)
        return reply.code(204).send(null)
      },
    })
  }
}

function administeringRoute({ withWork }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'DELETE',
      url: '/v1/members/:id/sessions',
      config: { access: ['operator', 'admin'], watched: true, problems: [identityProblems.memberUnknown] },
      schema: {
        operationId: 'endMemberSessions',
        tags,
        summary: 'End every session of somebody who signs in: whoever has the tokens is let in no more',
        description: 'The password stays as it is. What was ended is written into the audit log.',
        params: Type.Object({ id: publicId('mem') }),
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const memberId = fromPublicId('mem', request.params.id)
        if (!memberId) throw new Problem(identityProblems.memberUnknown)
        const input = { memberId, origin: originOf(request) }
        await withWork(request.caller.actor, (work) => endMemberSessions(work, input))
        return reply.code(204).send(null)
      },
    })
  }
}

function keySetRoute({ tokens }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/.well-known/jwks.json',
      config: { access: ['anonymous'], example: examples.keySet },
      schema: {
        operationId: 'getKeySet',
        tags,
        summary: 'The public keys that access tokens are signed with (RFC 7517)',
        response: { 200: Type.Object({ keys: Type.Array(Type.Object({}, { additionalProperties: true })) }) },
      },
      async handler(_request, reply) {
        reply.header('cache-control', `public, max-age=${keySetMaxAgeSeconds}`)
        return tokens.keySet()
      },
    })
  }
}

function toSessionBody(session: Session, currentId: string | null) {
  return {
    id: toPublicId('ses', session.id),
    method: session.method,
    device: session.device,
    address: session.address,
    isCurrent: session.id === currentId,
    createdAt: session.createdAt.toISOString(),
    refreshedAt: session.refreshedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  }
}

const refreshTokenNeeded = {
  ko: '갱신 토큰을 본문이나 쿠키로 보내 주십시오.',
  en: 'Send a refresh token, in the body or as a cookie.',
}
