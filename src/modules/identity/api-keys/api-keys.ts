import { hash, randomBytes } from 'node:crypto'
import { toPlainNetwork } from '#platform/addresses'
import { type ActName, type Origin, recordAct } from '#platform/audit'
import type { Sql } from '#platform/database'
import { toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { askTogether } from '#platform/questions'
import { openRecall, type Recall } from '#platform/recall'
import type { Work } from '#platform/work'
import { identityActs } from '../acts.ts'
import { identityProblems } from '../problems.ts'
import {
  insertApiKey,
  selectApiKeys,
  selectGoodKeys,
  selectKeyHolders,
  updateExpiry,
  updateLastUse,
  updateRevocation,
} from './store.ts'

type Reads = { readonly sql: Sql }

/** What a key may be used for: words of `x-podo-access`. `catalog` and `settlement` admit to nothing yet. */
export const scopes = ['read', 'members', 'points', 'points:issue-paid', 'webhooks', 'catalog', 'settlement'] as const
/** One of them. */
export type Scope = (typeof scopes)[number]

/** A key of a company, without its secret. All ids are UUIDs. */
export interface ApiKey {
  readonly id: string
  readonly companyId: string
  readonly name: string
  /** How the secret begins. */
  readonly prefix: string
  readonly scopes: readonly Scope[]
  /** Networks in CIDR notation that it may be used from; null for all. */
  readonly networks: readonly string[] | null
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** To the minute or so. */
  readonly lastUsedAt: Date | null
  /** The key that took its place. */
  readonly successorId: string | null
}

/** What a key is made from. */
export type NewApiKey = Pick<ApiKey, 'companyId' | 'name' | 'scopes' | 'networks' | 'expiresAt'>

/** A key that was just made: the one time that its secret is there. */
export interface MadeApiKey {
  readonly apiKey: ApiKey
  readonly secret: string
}

/** Makes a key, and writes down who did. Throws `expiresInPast`. */
export async function createApiKey(work: Work, { origin, ...input }: NewApiKey & ByRequest): Promise<MadeApiKey> {
  const made = await makeApiKey(work, input)
  recordAct(work, {
    ...actOn(made.apiKey, identityActs.createApiKey),
    before: null,
    after: toAudited(made.apiKey),
    origin,
  })
  return made
}

interface ByRequest {
  readonly origin: Origin
}

function actOn({ id }: ApiKey, action: ActName) {
  return { action, target: { prefix: 'key', id } } as const
}

/** Nothing of the secret, not even how it begins. */
function toAudited({ companyId, name, scopes, networks, expiresAt }: ApiKey): object {
  return { companyId: toPublicId('cmp', companyId), name, scopes, networks, expiresAt }
}

async function makeApiKey(work: Work, input: NewApiKey): Promise<MadeApiKey> {
  const createdAt = await work.now()
  if (input.expiresAt && input.expiresAt <= createdAt) throw new Problem(identityProblems.keyExpiresInPast, atExpiry)
  const secret = `${secretStart}${randomBytes(32).toString('base64url')}`
  const apiKey: ApiKey = {
    id: work.newId(),
    ...input,
    networks: input.networks?.map(toPlainNetwork) ?? null,
    prefix: secret.slice(0, prefixLength),
    createdAt,
    revokedAt: null,
    lastUsedAt: null,
    successorId: null,
  }
  await insertApiKey(work, { ...apiKey, digest: digestOf(secret) })
  return { apiKey, secret }
}

/**
 * Makes a key like another one, which stays valid for `overlapSeconds` more, or until it would have expired anyway.
 * Throws `apiKeyUnknown`, and `apiKeyEnded` where the other is valid no more.
 */
export async function rotateApiKey(
  work: Work,
  input: ByRequest & { companyId: string; keyId: string; overlapSeconds: number },
): Promise<MadeApiKey> {
  const old = await getApiKey(work, input)
  const now = await work.now()
  const hasEnded = old.revokedAt !== null || old.successorId !== null || (old.expiresAt && old.expiresAt <= now)
  if (hasEnded) throw new Problem(identityProblems.apiKeyEnded)
  const { companyId, name, scopes, networks, expiresAt } = old
  const made = await makeApiKey(work, { companyId, name, scopes, networks, expiresAt })
  const overlapEnd = new Date(now.getTime() + input.overlapSeconds * 1_000)
  const end = expiresAt && expiresAt < overlapEnd ? expiresAt : overlapEnd
  const isDone = await updateExpiry(work, { keyId: old.id, expiresAt: end, successorId: made.apiKey.id })
  if (!isDone) throw new Problem(identityProblems.apiKeyEnded)
  const after = { ...toAudited({ ...old, expiresAt: end }), successorId: toPublicId('key', made.apiKey.id) }
  recordAct(work, { ...actOn(old, identityActs.rotateApiKey), before: toAudited(old), after, origin: input.origin })
  return made
}

/** Ends a key; no request that begins after this was answered is admitted. Throws `apiKeyUnknown`. */
export async function revokeApiKey(work: Work, input: ByRequest & { companyId: string; keyId: string }): Promise<void> {
  const old = await getApiKey(work, input)
  const revokedAt = await work.now()
  await updateRevocation(work, { ...input, at: revokedAt })
  if (old.revokedAt !== null) return
  const [before, after] = [toAudited(old), { ...toAudited(old), revokedAt }]
  recordAct(work, { ...actOn(old, identityActs.revokeApiKey), before, after, origin: input.origin })
}

/** One key of a company. Throws `apiKeyUnknown`. */
export async function getApiKey(reads: Reads, input: { companyId: string; keyId: string }): Promise<ApiKey> {
  const [apiKey] = await selectApiKeys(reads, { ...input, after: null, limit: 1 })
  if (!apiKey) throw new Problem(identityProblems.apiKeyUnknown)
  return apiKey
}

/** Keys of a company, those that have ended among them, newest first, from after `after`. */
export function listApiKeys(
  reads: Reads,
  page: { companyId: string; after: string | null; limit: number },
): Promise<ApiKey[]> {
  return selectApiKeys(reads, { ...page, keyId: null })
}

/** Whose a key is, and what it may be used for. */
export interface KeyHolder {
  readonly keyId: string
  readonly companyId: string
  readonly scopes: readonly Scope[]
}

/** The keys of a programme, as a process asks for them. */
export interface Keyring {
  /** Who holds this secret; null where nobody does who may use it from this address now. */
  find(use: KeyUse): KeyHolder | Promise<KeyHolder | null>
  /** Who held it when this process asked last, a minute ago at most: for while the database is away. */
  recall(use: KeyUse): KeyHolder | null
}

/** A secret that somebody came with, and from where. */
export interface KeyUse {
  readonly secret: string
  readonly address: string
}

/** Whether a credential has the form of an API key. */
export function isApiKeySecret(credential: string): boolean {
  return credential.startsWith(secretStart)
}

/**
 * Asks the database, so that a key that was revoked is refused at once by every process; requests that come together
 * ask together, and a key that was good a moment ago is good again.
 */
export function openKeyring(reads: Reads): Keyring {
  const recall = openRecall<string, KeyHolder>({ max: 10_000 })
  const noteUse = openUses(reads)
  const ask = askTogether<Question, KeyHolder | null>({
    name: 'keys',
    slots: 2,
    async ask(asked) {
      const holders = await findHolders({ reads, recall }, asked)
      for (const holder of holders) if (holder) noteUse(holder.keyId)
      return holders
    },
  })
  return {
    find({ secret, address }) {
      const question = { digest: digestOf(secret), address }
      return recall.find(nameOf(question)) ?? ask(question)
    },
    recall: ({ secret, address }) => recall.lookBack(nameOf({ digest: digestOf(secret), address })) ?? null,
  }
}

/** Which of these keys are good, from wherever they are used. */
export function findGoodKeys(reads: Reads, ids: readonly string[]): Promise<string[]> {
  return selectGoodKeys(reads, ids)
}

interface Question {
  /** In hexadecimal digits. */
  readonly digest: string
  readonly address: string
}

function nameOf({ digest, address }: Question): string {
  return `${digest} ${address}`
}

async function findHolders(
  { reads, recall }: { reads: Reads; recall: Recall<string, KeyHolder> },
  asked: readonly Question[],
): Promise<(KeyHolder | null)[]> {
  const holders = asked.map((): KeyHolder | null => null)
  const askedAt = recall.now()
  for (const { place, endsInMs, ...holder } of await selectKeyHolders(reads, asked)) {
    recall.keep(nameOf(asked[place]!), { value: holder, askedAt, leftMs: endsInMs ?? Number.POSITIVE_INFINITY })
    holders[place] = holder
  }
  for (const [place, question] of asked.entries()) if (!holders[place]) recall.forget(nameOf(question))
  return holders
}

const usesEveryMs = 60_000

/** Writes down at most once a minute and process that a key was used, beside the request; a failure loses one minute. */
function openUses(reads: Reads): (keyId: string) => void {
  const noted = new Map<string, number>()
  return (keyId) => {
    const now = performance.now()
    const last = noted.get(keyId)
    if (last !== undefined && now - last < usesEveryMs) return
    if (noted.size >= 10_000) noted.clear()
    noted.set(keyId, now)
    updateLastUse(reads, keyId).catch(() => {})
  }
}

const atExpiry = { errors: [{ pointer: '/expiresAt', detail: identityProblems.keyExpiresInPast.detail }] }

const secretStart = 'podo_sk_'
const prefixLength = secretStart.length + 6

/** In hexadecimal digits. */
function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}
