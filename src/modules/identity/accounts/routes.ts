import Type from 'typebox'
import { findProgrammeTime } from '#platform/clock'
import { createOnce } from '#platform/create-once'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { languageOf } from '#platform/http-failures'
import { closedObject, nullable } from '#platform/http-schema'
import { Problem } from '#platform/problem'
import { accountExamples as examples } from '../examples.ts'
import { endResetLinks, requestMail } from '../links/links.ts'
import type { People } from '../people.ts'
import { identityProblems } from '../problems.ts'
import { bio, birthOn, email, newPassword, nickname, password, personSchema, toPersonBody } from '../schemas.ts'
import {
  cookiesField,
  giveTokens,
  type IssuedTokens,
  issueTokens,
  readPlace,
  tokenFields,
  withoutTokens,
} from '../sessions/answers.ts'
import { startSession } from '../sessions/sessions.ts'
import { changePassword, preparePasswordChange, prepareSignUp, signUp } from './accounts.ts'

/** The routes of accounts: signing up, and what people change of their own. */
export function accountRoutes(people: People): RoutesPlugin {
  return async (server) => {
    await server.register(signUpRoute(people))
    await server.register(ownRoutes(people))
  }
}

function signUpRoute(people: People): RoutesPlugin {
  const { database, withWork, passwords, tokens, cookies, sealing, timeZone } = people
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/accounts',
      config: {
        access: ['anonymous'],
        idempotent: true,
        limits: 'sign-up',
        secrets: ['password'],
        problems: [identityProblems.addressTaken, identityProblems.nicknameTaken],
        example: examples.signUp,
      },
      schema: {
        operationId: 'signUp',
        tags: ['People'],
        summary: 'Sign up: a member with a wallet, who is signed in',
        body: closedObject({
          email,
          password: newPassword,
          nickname,
          birthOn: Type.Optional(nullable(birthOn)),
          bio: Type.Optional(nullable(bio)),
          cookies: cookiesField,
        }),
        response: { 201: Type.Object({ member: personSchema, ...tokenFields }) },
      },
      async handler(request, reply) {
        const { cookies: asCookies = false, birthOn = null, bio = null, ...rest } = request.body
        const clock = { now: await findProgrammeTime(database), timeZone }
        // Hashing and keys come first: neither is waited for inside a transaction.
        const [prepared, signer] = await Promise.all([
          prepareSignUp({ passwords, clock }, { ...rest, birthOn, bio }),
          tokens.signer(),
        ])
        const language = languageOf(request)
        let issued: IssuedTokens | undefined
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          async run(work) {
            const person = await signUp(work, { ...prepared, signUpKey: request.idempotency.digest })
            const to = { memberId: person.member.id }
            await requestMail({ work, sealing }, { kind: 'confirmation', to, language })
            const stay = await startSession(work, {
              memberId: person.member.id,
              method: 'password',
              ...readPlace(request),
            })
            issued = await issueTokens(signer, stay)
            const shownOnce = giveTokens(reply, { cookies, tokens: issued, asCookies })
            return { status: 201, body: { member: toPersonBody(person), ...withoutTokens }, shownOnce }
          },
        }).catch(async (error) => {
          if (error instanceof Problem && error.kind === identityProblems.addressTaken) {
            const notice = { kind: 'sign-up-attempt', to: request.body, language } as const
            await withWork(request.caller.actor, (work) => requestMail({ work, sealing }, notice))
          }
          throw error
        })
        return sendAnswer(reply, answer)
      },
    })
  }
}

function ownRoutes(people: People): RoutesPlugin {
  const { database, withWork, sealing } = people
  return async (server) => {
    server.route({
      method: 'PUT',
      url: '/v1/me/password',
      config: {
        access: ['member'],
        limits: 'password',
        problems: [identityProblems.passwordWrong],
        example: examples.changePassword,
      },
      schema: {
        operationId: 'changePassword',
        tags: ['People'],
        summary: 'Change the password; every other session ends',
        body: closedObject({ currentPassword: password, newPassword }),
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const { actor, credentialId: exceptSessionId } = request.caller
        const notice = { kind: 'password-changed', to: { memberId: actor.id! }, language: languageOf(request) } as const
        const change = await preparePasswordChange(
          { reads: database, passwords: people.passwords },
          { memberId: actor.id!, ...request.body },
        )
        await withWork(actor, async (work) => {
          await changePassword(work, { ...change, exceptSessionId })
          await endResetLinks(work, actor.id!)
          await requestMail({ work, sealing }, notice)
        })
        return reply.code(204).send(null)
      },
    })
  }
}
