import assert from 'node:assert/strict'
import type { Config } from '#platform/config'
import { type Client, type Fault, openProviders, type ProviderName } from '#sandbox/providers/index'
import { listenProviders } from '#sandbox/providers/server'
import type { Answer, Caller } from './api-house.ts'
import type { Scope } from './harness.ts'

/** What a person does on the consent page. */
export interface Choices {
  readonly person?: number
  readonly nickname?: string
  readonly address?: string
  /** Whether the app is told the address, and whether it is verified; both are unless told otherwise. */
  readonly isEmailShared?: boolean
  readonly isEmailVerified?: boolean
  readonly fault?: Fault
  readonly denies?: boolean
}

/** What a provider sends somebody back with. */
export interface Returned {
  readonly code: string
  readonly state: string
}

/** The stand-ins on sockets of their own. */
export interface StandIns {
  readonly url: string
  /** Where they send people back to. */
  readonly origin: string
  /** Settings of a service that signs people in through them. */
  readonly settings: Partial<Config>
  /** From now on all of them answer like this; with null as they should. */
  fail(how: (() => Promise<Response>) | null): void
  /** How often one of them was asked for anything. */
  countAsked(): number
}

/** Where the service of the tests says that it is. */
const origin = 'http://127.0.0.1:8080'

export const clientOf = (name: ProviderName): Client => ({
  id: `podo-at-${name}`,
  secret: `the-secret-of-podo-at-${name}`,
  redirectUri: `${origin}/sign-in/${name}`,
})

export async function openStandIns({ after }: Scope): Promise<StandIns> {
  const clients = { kakao: clientOf('kakao'), naver: clientOf('naver'), google: clientOf('google') }
  const providers = openProviders(clients)
  let [failure, asked] = [null as (() => Promise<Response>) | null, 0]
  const { url, close } = await listenProviders({
    ...providers,
    handle(request) {
      asked += 1
      return failure ? failure() : providers.handle(request)
    },
  })
  after(close)
  const { kakao, naver, google } = clients
  const settings = {
    kakaoClientId: kakao.id,
    kakaoClientSecret: kakao.secret,
    kakaoUrl: `${url}/sandbox/oauth/kakao`,
    naverClientId: naver.id,
    naverClientSecret: naver.secret,
    naverUrl: `${url}/sandbox/oauth/naver`,
    googleClientId: google.id,
    googleClientSecret: google.secret,
    googleUrl: `${url}/sandbox/oauth/google`,
  }
  return {
    url,
    origin,
    settings,
    fail(how) {
      failure = how
    },
    countAsked: () => asked,
  }
}

/** The form that a person sends from the consent page to which this address leads, and where to. */
export function toConsent(authorizeUrl: string, choices: Choices = {}): { url: string; form: URLSearchParams } {
  const { person = 1, nickname, address, isEmailShared = true, isEmailVerified = true, fault, denies } = choices
  const asked = new URL(authorizeUrl)
  const form = new URLSearchParams(asked.search)
  const [base] = /^.*?\/sandbox\/oauth\/\w+/.exec(asked.href) ?? []
  const chosen = {
    person: String(person),
    ...(nickname && { nickname }),
    ...(address && { address }),
    ...(isEmailShared && { email: 'shared' }),
    ...(isEmailVerified && { verified: 'yes' }),
    ...(fault && { fault }),
    decision: denies ? 'deny' : 'approve',
  }
  for (const [name, value] of Object.entries(chosen)) form.set(name, value)
  return { url: `${base}/consent`, form }
}

/** Consents over the network, and answers what the provider sends back. */
export async function consent(authorizeUrl: string, choices?: Choices): Promise<Record<string, string>> {
  const { url, form } = toConsent(authorizeUrl, choices)
  const answer = await fetch(url, { method: 'POST', body: form, redirect: 'manual' })
  assert.equal(answer.status, 303, await answer.text())
  return Object.fromEntries(new URL(answer.headers.get('location')!).searchParams)
}

/** What somebody comes back with who begins to sign in, and consents. */
export async function comeBack(
  caller: Pick<Caller, 'get'>,
  by: { provider: ProviderName; choices?: Choices | undefined },
): Promise<Returned> {
  const begun = await caller.get(`/v1/sessions/${by.provider}/authorize`)
  assert.equal(begun.status, 200, begun.text)
  const { code = '', state = '' } = await consent(begun.body.url, by.choices)
  return { code, state }
}

/** Signs in through a provider, from the beginning to the end. */
export async function signInThrough(
  caller: Pick<Caller, 'get' | 'post'>,
  by: { provider: ProviderName; choices?: Choices | undefined },
): Promise<Answer> {
  return caller.post(`/v1/sessions/${by.provider}`, await comeBack(caller, by))
}
