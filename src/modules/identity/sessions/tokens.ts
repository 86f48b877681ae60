import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import type { Sql } from '#platform/database'
import { fromPublicId, newId, toPublicId } from '#platform/ids'
import { askTogether } from '#platform/questions'
import type { Sealing } from '#platform/sealing'
import { system, type WithWork } from '#platform/work'
import {
  deleteSigningKeys,
  insertSigningKey,
  lockSigningKeys,
  type SigningKeyRow,
  selectSigningKeys,
  type TokenClaims,
} from './store.ts'

type Reads = { readonly sql: Sql }

/** How long an access token lets somebody in. */
export const accessTokenSeconds = 900

const keyDays = 30
/** A new key is shown so long before it signs, so that whoever keeps the key set for a while knows it by then. */
const keyShownSeconds = 600
/** How long the key set may be kept by whoever reads it. */
export const keySetMaxAgeSeconds = 300
/** Access tokens that were checked are known again, so that a signature is not checked for every request. */
const checkedMax = 10_000
const keysAgeMaxMs = 60_000

/** Signs access tokens. */
export interface Signer {
  sign(stay: { memberId: string; sessionId: string; at: Date }): Promise<string>
}

/** Access tokens of a programme: JWTs (RFC 9068) signed with Ed25519, by keys that change every month. */
export interface Tokens {
  /** With the key of today, which is made where there is none. Not inside a unit of work: it opens one of its own. */
  signer(): Promise<Signer>
  /** Reads the public keys that there are: with them tokens are checked while the database is away. */
  learnKeys(): Promise<void>
  /** What a token says that was checked a while ago. */
  recall(token: string): TokenClaims | undefined
  /** What a token says whose signature, issuer, audience and type are right; its time is not looked at. */
  check(token: string): Promise<TokenClaims | null>
  /** The public keys as a JSON Web Key Set (RFC 7517). */
  keySet(): Promise<{ keys: JWK[] }>
}

export interface TokensOptions {
  readonly reads: Reads
  readonly withWork: WithWork
  readonly sealing: Sealing
  /** The address of this service. */
  readonly issuer: string
}

interface Key {
  readonly id: string
  readonly publicKey: CryptoKey
  readonly jwk: JWK
  /** Null where the secret of the service has changed since. */
  readonly privateKey: CryptoKey | null
  readonly ageSeconds: number
}

const audience = 'podo'
const algorithm = 'EdDSA'
const type = 'at+jwt'

/** Keys are shared through the database, their private halves sealed. */
export function openTokens({ reads, withWork, sealing, issuer }: TokensOptions): Tokens {
  const checked = new Map<string, TokenClaims>()
  const keyring = openSigningKeys({ reads, withWork, sealing })

  return {
    async signer() {
      const { id, privateKey } = await keyring.findSigning()
      return {
        sign: ({ memberId, sessionId, at }) => {
          const issuedAt = Math.floor(at.getTime() / 1_000)
          return new SignJWT({ sid: toPublicId('ses', sessionId) })
            .setProtectedHeader({ alg: algorithm, kid: id, typ: type })
            .setIssuer(issuer)
            .setAudience(audience)
            .setSubject(toPublicId('mem', memberId))
            .setIssuedAt(issuedAt)
            .setExpirationTime(issuedAt + accessTokenSeconds)
            .sign(privateKey!)
        },
      }
    },
    learnKeys: keyring.learn,
    recall: (token) => checked.get(token),
    async check(token) {
      const claims = await verify(token)
      if (!claims) return null
      if (checked.size >= checkedMax) checked.delete(checked.keys().next().value!)
      checked.set(token, claims)
      return claims
    },
    async keySet() {
      return { keys: (await keyring.list()).map(({ jwk }) => jwk) }
    },
  }

  async function verify(token: string): Promise<TokenClaims | null> {
    try {
      const { payload } = await jwtVerify(token, async ({ kid }) => (await keyring.find(kid)).publicKey, {
        algorithms: [algorithm],
        issuer,
        audience,
        typ: type,
        requiredClaims: ['sub', 'exp', 'sid'],
        // Whether its time is over is for the database to say, request by request: its clock is everybody's.
        currentDate: new Date(0),
      })
      const memberId = fromPublicId('mem', payload.sub!)
      const sessionId = fromPublicId('ses', String(payload.sid))
      return memberId && sessionId ? { memberId, sessionId, expiresAtMs: payload.exp! * 1_000 } : null
    } catch (error) {
      if (isRefusal(error)) return null
      throw error
    }
  }
}

class UnknownKey extends Error {}

/** What is wrong with the token itself; an error of the database goes on. */
function isRefusal(error: unknown): boolean {
  if (error instanceof UnknownKey) return true
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && code.startsWith('ERR_J')
}

function openSigningKeys({ reads, withWork, sealing }: Omit<TokensOptions, 'issuer'>) {
  let keys: readonly Key[] = []
  let loadedAt = Number.NEGATIVE_INFINITY
  // Another process may have made the key a moment ago, so each unknown one is looked up; a crowd of them together.
  const lookUp = askTogether<string, Key | null>({
    name: 'signing keys',
    async ask(ids) {
      const loaded = await load()
      return ids.map((id) => loaded.find((key) => key.id === id) ?? null)
    },
  })

  async function load(): Promise<readonly Key[]> {
    const known = new Map(keys.map((key) => [key.id, key]))
    const rows = await selectSigningKeys(reads)
    keys = await Promise.all(
      rows.map(async (row) => ({ ...(known.get(row.id) ?? (await toKey(row, sealing))), ageSeconds: row.ageSeconds })),
    )
    loadedAt = performance.now()
    return keys
  }

  async function list(): Promise<readonly Key[]> {
    return performance.now() - loadedAt > keysAgeMaxMs ? load() : keys
  }

  return {
    list,
    /** Whoever lists them is told anew: there may be none yet. */
    async learn(): Promise<void> {
      await load()
      loadedAt = Number.NEGATIVE_INFINITY
    },
    async find(id = ''): Promise<Key> {
      const found = keys.find((key) => key.id === id) ?? (await lookUp(id))
      if (!found) throw new UnknownKey()
      return found
    },
    async findSigning(): Promise<Key> {
      if (!isDue(await list())) return choose(keys)!
      await withWork(system, async (work) => {
        await lockSigningKeys(work)
        const rows = await selectSigningKeys(work)
        if (!isDue(await Promise.all(rows.map((row) => toKey(row, sealing))))) return
        await insertSigningKey(work, { ...(await makeKey(sealing)), createdAt: await work.now() })
        await deleteSigningKeys(work, 2 * keyDays * 86_400)
      })
      await load()
      return choose(keys)!
    },
  }
}

/** Whether another key is to be made: none can sign, or the newest has signed for its time. */
function isDue(keys: readonly Key[]): boolean {
  const newest = keys.find(({ privateKey }) => privateKey !== null)
  return newest === undefined || newest.ageSeconds > keyDays * 86_400
}

/** The newest that has been shown long enough, else the oldest that there is. */
function choose(keys: readonly Key[]): Key | undefined {
  const own = keys.filter(({ privateKey }) => privateKey !== null)
  return own.find(({ ageSeconds }) => ageSeconds >= keyShownSeconds) ?? own.at(-1)
}

async function makeKey(sealing: Sealing): Promise<{ id: string; publicKey: JWK; sealed: string }> {
  const pair = await generateKeyPair(algorithm, { crv: 'Ed25519', extractable: true })
  const id = newId()
  const publicKey = { ...(await exportJWK(pair.publicKey)), kid: id, alg: algorithm, use: 'sig' }
  return { id, publicKey, sealed: sealing.seal('signing keys', JSON.stringify(await exportJWK(pair.privateKey))) }
}

async function toKey({ id, publicKey: jwk, sealed, ageSeconds }: SigningKeyRow, sealing: Sealing): Promise<Key> {
  const opened = sealing.open('signing keys', sealed)
  const [publicKey, privateKey] = await Promise.all([
    importJWK(jwk as JWK, algorithm) as Promise<CryptoKey>,
    opened === null ? null : (importJWK(JSON.parse(opened), algorithm) as Promise<CryptoKey>),
  ])
  return { id, publicKey, jwk: jwk as JWK, privateKey, ageSeconds }
}
