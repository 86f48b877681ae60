import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { createOnce } from '#platform/create-once'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { languageOf } from '#platform/http-failures'
import { closedObject, instant, oneOf, pageOf } from '#platform/http-schema'
import { Problem } from '#platform/problem'
import { type Claim, proveAgain } from '../accounts/proof.ts'
import { socialExamples as examples } from '../examples.ts'
import { requestMail } from '../links/links.ts'
import type { People } from '../people.ts'
import { identityProblems } from '../problems.ts'
import { currentPasswordField } from '../schemas.ts'
import { cookiesField, giveTokens, issueTokens, readPlace, tokenFields } from '../sessions/answers.ts'
import { startSession } from '../sessions/sessions.ts'
import { isBrowser } from './browser.ts'
import { signInPages } from './page.ts'
import { socialProblems as problems } from './problems.ts'
import { type ProviderName, providerNames } from './provider.ts'
import {
  beginSocial,
  enterSocially,
  getIdentity,
  holdSocialSignIn,
  type Identity,
  linkIdentity,
  listIdentities,
  proveSocially,
  unlinkIdentity,
} from './social.ts'

const tags = ['Sessions']
const titles: Readonly<Record<ProviderName, string>> = { kakao: 'Kakao', naver: 'Naver', google: 'Google' }
const returnedFields = {
  code: Type.String({ minLength: 1, maxLength: 2_000, examples: ['4/0AbCD…'] }),
  state: Type.String({ minLength: 1, maxLength: 200, examples: ['mYwQ0…'] }),
}
const provider = oneOf(providerNames)
const identitySchema = Type.Object({ provider, linkedAt: instant })
const ofProvider = Type.Object({ provider })

/** Signing in through providers, and what links their accounts to members. */
export function socialRoutes(people: People): RoutesPlugin {
  return async (server) => {
    for (const name of providerNames) await server.register(signInRoutes(people, name))
    await server.register(signInPages())
    await server.register(linkRoute(people))
    await server.register(identityRoutes(people))
  }
}

function signInRoutes(people: People, name: ProviderName): RoutesPlugin {
  const { withWork, tokens, cookies, bindings } = people
  const title = titles[name]
  return async (server) => {
    server.route({
      method: 'GET',
      url: `/v1/sessions/${name}/authorize`,
      config: {
        access: ['anonymous'],
        limits: 'social',
        problems: [problems.providerOff, problems.providerAway],
        example: examples[name].begin,
      },
      schema: {
        operationId: `begin${title}SignIn`,
        tags,
        summary: `Begin to sign in with ${title}: the address to send the person to`,
        description:
          'What a browser begins (it sends `Sec-Fetch-Site`) only that browser finishes, by a cookie; what anybody else ' +
          'begins no browser finishes. `state` is good for one time, within ten minutes.',
        response: { 200: Type.Object({ url: Type.String(), expiresAt: instant }) },
      },
      async handler(request, reply) {
        const begun = await beginSocial(people, { provider: name, isBrowser: isBrowser(request) })
        if (begun.binding !== null) bindings.set(reply, begun.binding)
        return { url: begun.url, expiresAt: begun.expiresAt.toISOString() }
      },
    })

    server.route({
      method: 'POST',
      url: `/v1/sessions/${name}`,
      config: {
        access: ['anonymous'],
        limits: 'social',
        problems: [
          problems.providerOff,
          problems.stateRefused,
          problems.providerRefused,
          // No address counts that Naver tells, so none has an account already.
          ...(name === 'naver' ? [] : [problems.linkNeeded]),
          problems.providerAway,
        ],
        example: examples[name].signIn,
      },
      schema: {
        operationId: `signInWith${title}`,
        tags,
        summary: `Sign in with ${title}; the first time a member with a wallet is made`,
        description:
          'Takes `code` and `state` from the address to which the provider sent the person back. Both are spent ' +
          'whatever comes of it: to try again, begin again. An address that has an account already is not linked to it: ' +
          'sign in as before, then link the provider.',
        body: closedObject({ ...returnedFields, cookies: cookiesField }),
        response: { 201: Type.Object(tokenFields) },
      },
      async handler(request, reply) {
        const { cookies: asCookies = false, code, state } = request.body
        const returned = { provider: name, code, state, binding: bindings.read(request) }
        const [profile, signer] = await Promise.all([proveSocially(people, returned), tokens.signer()])
        const enter = async () => {
          const memberId = await enterSocially(withWork, { provider: name, profile })
          return withWork({ type: 'member', id: memberId }, async (work) => {
            if (!(await holdSocialSignIn(work, { memberId, provider: name, profile }))) return null
            return startSession(work, { memberId, method: name, ...readPlace(request) })
          })
        }
        // Where the account was unlinked meanwhile, it is somebody else's, or nobody's yet.
        const stay = (await enter()) ?? (await enter())
        if (!stay) throw new Problem(problems.providerRefused)
        if (returned.binding !== null) bindings.clear(reply)
        const issued = await issueTokens(signer, stay)
        return reply.code(201).send(giveTokens(reply, { cookies, tokens: issued, asCookies }))
      },
    })
  }
}

function linkRoute(people: People): RoutesPlugin {
  const { database: reads, withWork, bindings, passwords, sealing } = people
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/me/identities/:provider',
      config: {
        access: ['member'],
        idempotent: true,
        // Of the password, which would be guessed at here else; the provider is asked for what it proves.
        limits: 'password',
        secrets: ['code', 'state', 'currentPassword'],
        problems: [
          identityProblems.passwordWrong,
          identityProblems.sessionTooOld,
          problems.providerOff,
          problems.stateRefused,
          problems.providerRefused,
          problems.identityTaken,
          problems.identityLinked,
          problems.providerAway,
        ],
        example: examples.link,
      },
      schema: {
        operationId: 'linkIdentity',
        tags,
        summary: 'Link an account at a provider, which lets one in from now on',
        description: 'Told by mail, as the removal of a link is.',
        params: ofProvider,
        body: closedObject({ currentPassword: currentPasswordField, ...returnedFields }),
        response: { 201: identitySchema },
      },
      async handler(request, reply) {
        const { actor } = request.caller
        const provider = readProvider(request, problems.providerOff)
        const { code, state, currentPassword } = request.body
        const returned = { provider, code, state, binding: bindings.read(request) }
        // Before the state is spent, so that a password that was mistyped can be sent again.
        const proof = await proveAgain({ reads, passwords }, toClaim(request, currentPassword))
        // The provider is asked outside of the transaction; of a request that comes again the state is spent.
        const profile = await proveSocially(people, returned).catch(isSpent)
        const answer = await createOnce(withWork, {
          actor,
          key: request.idempotency,
          async run(work) {
            if (!profile) throw new Problem(problems.stateRefused)
            const identity = await linkIdentity(work, { proof, provider, profile })
            const { memberId } = proof
            const notice = {
              kind: 'identity-linked',
              to: { memberId },
              provider,
              language: languageOf(request),
            } as const
            if (identity.isNew) await requestMail({ work, sealing }, notice)
            return { status: 201, body: toBody(identity) }
          },
        })
        return sendAnswer(reply, answer)
      },
    })
  }
}

function identityRoutes({ database, withWork, passwords, sealing }: People): RoutesPlugin {
  const access = ['member'] as const
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/me/identities',
      config: { access, example: examples.list },
      schema: {
        operationId: 'listIdentities',
        tags,
        summary: 'The accounts at providers that let one in',
        response: { 200: pageOf(identitySchema) },
      },
      async handler(request) {
        const identities = await listIdentities(database, request.caller.actor.id!)
        return { items: identities.map(toBody), nextCursor: null }
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/me/identities/:provider',
      config: { access, problems: [problems.identityUnknown], example: examples.get },
      schema: {
        operationId: 'getIdentity',
        tags,
        summary: 'Whether an account at a provider lets one in',
        params: ofProvider,
        response: { 200: identitySchema },
      },
      async handler(request) {
        const provider = readProvider(request, problems.identityUnknown)
        return toBody(await getIdentity(database, { memberId: request.caller.actor.id!, provider }))
      },
    })

    server.route({
      method: 'DELETE',
      url: '/v1/me/identities/:provider',
      config: {
        access,
        limits: 'password',
        problems: [
          identityProblems.passwordWrong,
          identityProblems.sessionTooOld,
          problems.identityUnknown,
          problems.lastSignIn,
        ],
        example: examples.unlink,
      },
      schema: {
        operationId: 'unlinkIdentity',
        tags,
        summary: 'Remove the link to an account at a provider; the last way of signing in stays',
        params: ofProvider,
        body: closedObject({ currentPassword: currentPasswordField }),
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const { actor } = request.caller
        const provider = readProvider(request, problems.identityUnknown)
        const claim = toClaim(request, request.body?.currentPassword)
        const proof = await proveAgain({ reads: database, passwords }, claim)
        const { memberId } = proof
        const notice = { kind: 'identity-unlinked', to: { memberId }, provider, language: languageOf(request) } as const
        await withWork(actor, async (work) => {
          await unlinkIdentity(work, { proof, provider })
          await requestMail({ work, sealing }, notice)
        })
        return reply.code(204).send(null)
      },
    })
  }
}

/** What a path names is not validated: any other name is one of nobody. */
function readProvider(request: FastifyRequest, otherwise: (typeof problems)['providerOff']): ProviderName {
  const { provider } = request.params as { provider: string }
  const name = providerNames.find((name) => name === provider)
  if (!name) throw new Problem(otherwise)
  return name
}

function toClaim({ caller }: FastifyRequest, currentPassword: string | null = null): Claim {
  return { memberId: caller.actor.id!, sessionId: caller.credentialId!, currentPassword }
}

function isSpent(error: unknown): null {
  if (error instanceof Problem && error.kind === problems.stateRefused) return null
  throw error
}

function toBody({ provider, linkedAt }: Identity) {
  return { provider, linkedAt: linkedAt.toISOString() }
}
