import { setTimeout as delay } from 'node:timers/promises'
import { consentPage, languageOf, refusalPage } from './consent.ts'
import { type Dialect, dialects, type ProviderName } from './dialects.ts'
import { toFault } from './faults.ts'
import { type Grant, type Grants, isSecret, isVerified, openGrants } from './grants.ts'
import { type Keys, openKeys } from './keys.ts'
import { findSample } from './people.ts'

export type { ProviderName } from './dialects.ts'
export type { Fault } from './faults.ts'

/** An app that is registered at a stand-in. */
export interface Client {
  readonly id: string
  readonly secret: string
  readonly redirectUri: string
}

/** Stand-ins of Kakao, Naver and Google: they speak their published contracts, and go wrong when they are asked to. */
export interface Providers {
  /** Every address that is answered. */
  readonly routes: readonly { readonly method: 'GET' | 'POST'; readonly path: string }[]
  handle(request: Request): Promise<Response>
}

/** Where each provider stands: its issuer, or what takes its place, is the origin with this path. */
export function basePath(name: ProviderName): string {
  return `/sandbox/oauth/${name}`
}

interface StandIn {
  readonly dialect: Dialect
  readonly client: Client
  readonly grants: Grants
  readonly keys: Keys
}

interface Asked {
  readonly request: Request
  /** Address of the stand-in, without a slash at its end. */
  readonly base: string
  /** Of the query or of the form. */
  readonly parameters: URLSearchParams
}

type Answer = (standIn: StandIn, asked: Asked) => Response | Promise<Response>

const slowMs = 60_000
const dripMs = 20

/** Stand-ins with one app registered at each; what they remember is in the memory of this process. */
export function openProviders(clients: Readonly<Record<ProviderName, Client>>): Providers {
  const standIns = dialects.map((dialect) => {
    const client = clients[dialect.name]
    return { dialect, client, grants: openGrants(), keys: openKeys() }
  })
  const answers = new Map(
    standIns.flatMap((standIn) =>
      routesOf(standIn.dialect).map(([method, path, answer]) => {
        const route = `${method} ${basePath(standIn.dialect.name)}${path}`
        return [route, (asked: Asked) => answer(standIn, asked)] as const
      }),
    ),
  )
  return {
    routes: [...answers.keys()].map((route) => {
      const [method, path] = route.split(' ') as ['GET' | 'POST', string]
      return { method, path }
    }),
    async handle(request) {
      const url = new URL(request.url)
      const answer = answers.get(`${request.method} ${url.pathname}`)
      if (!answer) return new Response('not found', { status: 404 })
      const [base] = /^.*?\/sandbox\/oauth\/\w+/.exec(url.href)!
      const parameters = request.method === 'GET' ? url.searchParams : new URLSearchParams(await request.text())
      return answer({ request, base: base!, parameters })
    },
  }
}

function routesOf({ paths, openId, tokenMethods }: Dialect): readonly (readonly ['GET' | 'POST', string, Answer])[] {
  return [
    ['GET', paths.authorize, askForConsent],
    ['POST', '/consent', takeConsent],
    ...tokenMethods.map((method) => [method, paths.token, giveToken] as const),
    ['GET', paths.profile, giveProfile],
    ...(openId
      ? ([
          ['GET', '/.well-known/openid-configuration', describe],
          ['GET', paths.keys!, publishKeys],
        ] as const)
      : []),
  ]
}

function askForConsent(standIn: StandIn, { request, base, parameters }: Asked): Response {
  const reason = findFlaw(standIn, parameters)
  const language = languageOf(request)
  if (reason) return refusalPage(standIn.dialect, { reason, language })
  return consentPage(standIn.dialect, { parameters, language, action: `${new URL(base).pathname}/consent` })
}

/** What is wrong with a request for authorisation; the browser is not sent back to an address that nobody registered. */
function findFlaw({ dialect, client }: StandIn, parameters: URLSearchParams): string | null {
  if (parameters.get('client_id') !== client.id) return 'client_id is not registered (KOE101)'
  if (parameters.get('redirect_uri') !== client.redirectUri) return 'redirect_uri is not registered (KOE006)'
  if (parameters.get('response_type') !== 'code') return 'response_type must be code'
  if (dialect.needsState && !parameters.get('state')) return 'state is required'
  const isSecured = parameters.has('code_challenge') === (parameters.get('code_challenge_method') === 'S256')
  return isSecured ? null : 'code_challenge needs code_challenge_method=S256'
}

function takeConsent(standIn: StandIn, { request, parameters }: Asked): Response {
  const { dialect, client, grants } = standIn
  const reason = findFlaw(standIn, parameters)
  if (reason) return refusalPage(dialect, { reason, language: languageOf(request) })
  const fault = toFault(parameters.get('fault'))
  const sent = parameters.get('state')
  const target = new URL(client.redirectUri)
  const state = fault === 'wrong-state' ? 'a-state-of-somebody-else' : sent
  if (state !== null) target.searchParams.set('state', state)
  if (parameters.get('decision') === 'approve') {
    target.searchParams.set('code', grants.addCode({ ...toGrant(parameters), fault, state: sent }))
  } else {
    target.searchParams.set('error', 'access_denied')
    target.searchParams.set('error_description', 'User denied access')
  }
  return new Response(null, { status: 303, headers: { location: target.href } })
}

function toGrant(parameters: URLSearchParams): Omit<Grant, 'fault' | 'state'> {
  const sample = findSample(Number(parameters.get('person')) || 1)
  const { nickname = sample.nickname, address = sample.email } = Object.fromEntries(parameters)
  return {
    clientId: parameters.get('client_id')!,
    redirectUri: parameters.get('redirect_uri')!,
    nonce: parameters.get('nonce'),
    challenge: parameters.get('code_challenge'),
    scope: parameters.get('scope') ?? '',
    person: { number: sample.number, nickname, email: address },
    isEmailShared: parameters.get('email') === 'shared',
    isEmailVerified: parameters.get('verified') === 'yes',
  }
}

async function giveToken(standIn: StandIn, { request, base, parameters }: Asked): Promise<Response> {
  const { dialect, client, grants, keys } = standIn
  const isClient = parameters.get('client_id') === client.id && isSecret(parameters.get('client_secret'), client.secret)
  if (!isClient) return dialect.refuse('client')
  if (parameters.get('grant_type') !== 'authorization_code') return dialect.refuse('grant-type')
  const grant = grants.takeCode(parameters.get('code') ?? '')
  if (!grant) return dialect.refuse('code')
  if (
    dialect.needsState ? parameters.get('state') !== grant.state : parameters.get('redirect_uri') !== grant.redirectUri
  )
    return dialect.refuse('redirect')
  if (!isVerified(grant, parameters.get('code_verifier'))) return dialect.refuse('verifier')
  const { fault } = grant
  if (fault === 'slow-token') await delay(slowMs, null, { signal: request.signal, ref: false })
  if (fault === 'token-drip') return drip()
  if (fault === 'token-down') return new Response('temporarily unavailable', { status: 503 })
  if (fault === 'token-redirect') return new Response(null, { status: 307, headers: { location: `${base}/elsewhere` } })
  if (fault === 'token-garbage') return new Response('<html>', { headers: { 'content-type': 'text/html' } })
  const tokens = dialect.tokens(grant, grants.addToken(grant))
  if (fault === 'token-huge') return Response.json({ ...tokens, more: 'x'.repeat(1024 * 1024) })
  const isOpenId = dialect.openId !== null && grant.scope.split(/[ ,]/).includes('openid')
  if (!isOpenId || fault === 'no-id-token') return Response.json(tokens)
  return Response.json({ ...tokens, id_token: await keys.sign(toClaims(dialect, { grant, base }), fault) })
}

/** White space, of which an answer may begin with as much as it likes. */
export function drip(): Response {
  let [left, timer] = [slowMs / dripMs, setTimeout(() => {})]
  const body = new ReadableStream({
    pull: (controller) =>
      new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          left -= 1
          if (left > 0) controller.enqueue(Buffer.from(' '))
          else controller.close()
          resolve()
        }, dripMs).unref()
      }),
    cancel: () => clearTimeout(timer),
  })
  return new Response(body, { headers: { 'content-type': 'application/json' } })
}

function toClaims(dialect: Dialect, { grant, base }: { grant: Grant; base: string }) {
  const { fault, nonce } = grant
  const at = Math.floor(Date.now() / 1_000) - (fault === 'expired-token' ? 86_400 : 0)
  return {
    ...dialect.openId!.claims(grant),
    iss: fault === 'wrong-issuer' ? 'https://issuer.example.com' : base,
    aud: fault === 'wrong-audience' ? 'another-client' : grant.clientId,
    iat: at,
    exp: at + 3_600,
    ...(nonce !== null && { nonce: fault === 'wrong-nonce' ? `not-${nonce}` : nonce }),
  }
}

function giveProfile({ dialect, grants }: StandIn, { request }: Asked): Response {
  const header = request.headers.get('authorization')
  const [, token = ''] = /^bearer (.+)$/i.exec(header ?? '') ?? []
  return dialect.profile(grants.findByToken(token), header !== null)
}

function describe({ dialect }: StandIn, { base }: Asked): Response {
  return Response.json(dialect.openId!.discovery(base))
}

async function publishKeys({ keys }: StandIn): Promise<Response> {
  return Response.json(await keys.published())
}
