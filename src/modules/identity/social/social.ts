import { hash, randomBytes } from 'node:crypto'
import type { Sql } from '#platform/database'
import { type Outgoing, OutgoingFailure, openOutgoing } from '#platform/outgoing'
import { Problem } from '#platform/problem'
import type { Guard, OpenGuard } from '#platform/resilience'
import type { Sealing } from '#platform/sealing'
import { toMailAddress } from '#platform/text'
import { anonymous, type WithWork, type Work } from '#platform/work'
import { toNicknameKey } from '../accounts/names.ts'
import { lockProved, type Proof } from '../accounts/proof.ts'
import { holdLogin, insertLogin, selectLoginByAddress } from '../accounts/store.ts'
import { createMembers } from '../identity.ts'
import { identityProblems } from '../problems.ts'
import { openNaver } from './naver.ts'
import { proposeNicknames } from './nicknames.ts'
import { openGoogle, openKakao } from './openid.ts'
import { socialProblems } from './problems.ts'
import type { Kept, Profile, Provider, ProviderName, ProviderSettings } from './provider.ts'
import {
  deleteSocialLogin,
  insertSocialLogin,
  insertState,
  lockSubject,
  type SocialLoginRow,
  selectMemberOf,
  selectSocialLogins,
  selectTakenNicknames,
  takeState,
} from './store.ts'

/** Where a provider is, and what it knows this service by. */
export type ProviderPlace = Omit<ProviderSettings, 'redirectUri'> & {
  /** In place of the network, where this process is the provider. */
  readonly fetch?: typeof fetch | undefined
}

/** Providers whose accounts let people in. */
export interface Social {
  /** A provider, and calls to it that share one deadline. Throws `providerOff`. */
  get(name: ProviderName): { provider: Provider; call: Outgoing }
  readonly sealing: Sealing
}

/** Of the calls to one provider. */
const bounds = { concurrentMax: 50, waitingMax: 200, attemptsMax: 2 }
/** How long somebody may be at the provider. */
const stateSeconds = 600
const purpose = 'social state'

/** The providers that have a place; `origin` is where people reach this service. */
export function openSocial(options: {
  places: Readonly<Record<ProviderName, ProviderPlace | null>>
  origin: string
  sealing: Sealing
  timeoutMs: number
  openGuard: OpenGuard
}): Social {
  const { places, origin, sealing, timeoutMs, openGuard } = options
  const open = { kakao: openKakao, naver: openNaver, google: openGoogle }
  const opened = new Map<ProviderName, { provider: Provider; guard: Guard }>()
  for (const [name, place] of Object.entries(places) as [ProviderName, ProviderPlace | null][]) {
    if (!place) continue
    const provider = open[name]({ ...place, redirectUri: `${origin}/sign-in/${name}` })
    opened.set(name, { provider, guard: openGuard({ name, timeoutMs, ...bounds }) })
  }
  return {
    sealing,
    get(name) {
      const found = opened.get(name)
      if (!found) throw new Problem(socialProblems.providerOff)
      const { provider, guard } = found
      return { provider, call: openOutgoing({ timeoutMs, guard, fetch: places[name]?.fetch }) }
    },
  }
}

/**
 * Where to send somebody who wants to sign in through a provider. What a browser begins is bound to what only that
 * browser keeps, so that nobody can be made to finish what somebody else began. Throws `providerOff`, `providerAway`.
 */
export async function beginSocial(
  { social, withWork }: { social: Social; withWork: WithWork },
  { provider: name, isBrowser }: { provider: ProviderName; isBrowser: boolean },
): Promise<{ url: string; expiresAt: Date; binding: string | null }> {
  const { provider, call } = social.get(name)
  const state = randomBytes(32).toString('base64url')
  const binding = isBrowser ? randomBytes(32).toString('base64url') : null
  const { url, kept } = await provider.begin(state, call).catch(away)
  const sealed = social.sealing.seal(purpose, JSON.stringify(kept))
  const expiresAt = await withWork(anonymous, async (work) => {
    const expiresAt = new Date((await work.now()).getTime() + stateSeconds * 1_000)
    await insertState(work, { ...toRow({ provider: name, state, binding }), sealed, expiresAt })
    return expiresAt
  })
  return { url, expiresAt, binding }
}

/** What a person comes back with from a provider. */
export interface Returned {
  readonly provider: ProviderName
  readonly code: string
  readonly state: string
  /** What the browser kept; null where no browser asks. */
  readonly binding: string | null
}

/**
 * Whom the provider says that it is. The state is spent before the provider is asked, whatever comes of it: a code is
 * good for one question. Throws `providerOff`, `stateRefused`, `providerRefused` and `providerAway`.
 */
export async function proveSocially(
  { social, withWork }: { social: Social; withWork: WithWork },
  returned: Returned,
): Promise<Profile> {
  const { code, state } = returned
  const { provider, call } = social.get(returned.provider)
  const sealed = await withWork(anonymous, (work) => takeState(work, toRow(returned)))
  const opened = sealed && social.sealing.open(purpose, sealed)
  if (!opened) throw new Problem(socialProblems.stateRefused)
  return provider.prove({ code, state, kept: JSON.parse(opened) as Kept }, call).catch(away)
}

/**
 * The member whose account at the provider it is; the first time a member is made, with a wallet and a login. Throws
 * `linkNeeded` where the address has an account: that it is the same person's is for its owner to show.
 */
export async function enterSocially(
  withWork: WithWork,
  { provider, profile }: { provider: ProviderName; profile: Profile },
): Promise<string> {
  const account = { provider, subject: profile.subject }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withWork(anonymous, async (work) => {
        await lockSubject(work, account)
        return (await selectMemberOf(work, account)) ?? (await makeMember(work, { provider, profile }))
      })
    } catch (error) {
      const kind = error instanceof Problem ? error.kind : null
      if (kind === identityProblems.addressTaken) throw new Problem(socialProblems.linkNeeded)
      // Somebody else took the nickname a moment ago.
      if (kind !== identityProblems.nicknameTaken || attempt === attemptsMax) throw error
    }
  }
}

/**
 * Whether the account still lets the member in. Whoever shuts everybody out waits until this unit of work ends, and
 * then ends the session that it began.
 */
export async function holdSocialSignIn(
  work: Work,
  { memberId, provider, profile }: { memberId: string; provider: ProviderName; profile: Profile },
): Promise<boolean> {
  if (!(await holdLogin(work, memberId))) return false
  return (await selectMemberOf(work, { provider, subject: profile.subject })) === memberId
}

const attemptsMax = 5

async function makeMember(
  work: Work,
  { provider, profile }: { provider: ProviderName; profile: Profile },
): Promise<string> {
  const { email, subject } = profile
  const address = email === null ? null : toMailAddress(email)
  if (address !== null && (await selectLoginByAddress(work, address))) throw new Problem(socialProblems.linkNeeded)
  const proposed = proposeNicknames(profile.nickname, 8)
  const taken = await selectTakenNicknames(work, proposed.map(toNicknameKey))
  const nickname = proposed.find((name) => !taken.has(toNicknameKey(name))) ?? proposed.at(-1)!
  const [member] = await createMembers(work, [{ companyId: null, externalId: null, email, nickname }])
  const { id: memberId } = member!
  const at = await work.now()
  const nicknameKey = toNicknameKey(nickname)
  await insertLogin(work, {
    memberId,
    address,
    confirmedAt: address === null ? null : at,
    nicknameKey,
    passwordHash: null,
    signUpKey: null,
  })
  await insertSocialLogin(work, { provider, subject, memberId, linkedAt: at })
  return memberId
}

/** An account at a provider that lets a member in. */
export type Identity = Pick<SocialLoginRow, 'provider' | 'linkedAt'>

/**
 * Links an account to whoever proved who they are, once; says whether it was not linked before. Throws `passwordWrong`,
 * `identityTaken` and `identityLinked`.
 */
export async function linkIdentity(
  work: Work,
  input: { proof: Proof; provider: ProviderName; profile: Profile },
): Promise<Identity & { isNew: boolean }> {
  const { proof, provider, profile } = input
  const { memberId } = proof
  const account = { provider, subject: profile.subject }
  await lockProved(work, proof)
  await lockSubject(work, account)
  const owner = await selectMemberOf(work, account)
  if (owner !== null && owner !== memberId) throw new Problem(socialProblems.identityTaken)
  if (owner === null) {
    const isLinked = await insertSocialLogin(work, { ...account, memberId, linkedAt: await work.now() })
    if (!isLinked) throw new Problem(socialProblems.identityLinked)
  }
  return { ...(await getIdentity(work, { memberId, provider })), isNew: owner === null }
}

/** The accounts that let a member in, by the names of their providers. */
export function listIdentities(reads: { readonly sql: Sql }, memberId: string): Promise<Identity[]> {
  return selectSocialLogins(reads, memberId)
}

/** The account of one provider that lets a member in. Throws `identityUnknown`. */
export async function getIdentity(
  reads: { readonly sql: Sql },
  { memberId, provider }: { memberId: string; provider: ProviderName },
): Promise<Identity> {
  const found = (await selectSocialLogins(reads, memberId)).find((it) => it.provider === provider)
  if (!found) throw new Problem(socialProblems.identityUnknown)
  return found
}

/**
 * Takes the link of whoever proved who they are away. Throws `passwordWrong`, `identityUnknown`, and `lastSignIn` where
 * nothing else would let the member in.
 */
export async function unlinkIdentity(
  work: Work,
  { proof, provider }: { proof: Proof; provider: ProviderName },
): Promise<void> {
  const { memberId, passwordHash } = proof
  await lockProved(work, proof)
  await getIdentity(work, { memberId, provider })
  const others = (await selectSocialLogins(work, memberId)).length - 1
  if (passwordHash === null && others === 0) throw new Problem(socialProblems.lastSignIn)
  await deleteSocialLogin(work, { memberId, provider })
}

function toRow({ provider, state, binding }: Omit<Returned, 'code'>) {
  return { digest: digestOf(state), provider, binding: binding === null ? null : digestOf(binding) }
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

function away(error: unknown): never {
  if (!(error instanceof OutgoingFailure)) throw error
  const seconds = String(error.retryAfterSeconds ?? 5)
  throw new Problem(socialProblems.providerAway, { headers: { 'Retry-After': seconds } })
}
