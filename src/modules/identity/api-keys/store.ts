import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import type { ApiKey, KeyHolder } from './api-keys.ts'

type Reads = { readonly sql: Sql }

export async function insertApiKey(work: Work, apiKey: ApiKey & { readonly digest: string }): Promise<void> {
  await work.sql.run(
    `insert into identity.api_key (id, company_id, name, digest, prefix, scopes, networks, created_at, expires_at)
     values ($1, $2, $3, decode($4, 'hex'), $5, $6::text[],
       (select array_agg(network(each::inet)) from unnest($7::text[]) each), $8, $9)`,
    [
      apiKey.id,
      apiKey.companyId,
      apiKey.name,
      apiKey.digest,
      apiKey.prefix,
      apiKey.scopes,
      apiKey.networks,
      apiKey.createdAt,
      apiKey.expiresAt,
    ],
  )
}

/** By id, which is of version 7 and so in the order of making. */
export function selectApiKeys(
  reads: Reads,
  page: { companyId: string; keyId: string | null; after: string | null; limit: number },
): Promise<ApiKey[]> {
  return reads.sql.rows<ApiKey>(
    `select id, company_id as "companyId", name, prefix, scopes, networks::text[], created_at as "createdAt",
       expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt",
       successor_id as "successorId"
     from identity.api_key
     where company_id = $1 and ($2::uuid is null or id = $2)
       and id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit $4`,
    [page.companyId, page.keyId, page.after, page.limit],
  )
}

/** Whose a key is that was asked for and is good. */
export interface FoundHolder extends KeyHolder {
  /** That of the question. */
  readonly place: number
  /** Until the key runs out; null where it does not. */
  readonly endsInMs: number | null
}

export function selectKeyHolders(
  reads: Reads,
  asked: readonly { readonly digest: string; readonly address: string }[],
): Promise<FoundHolder[]> {
  return reads.sql.rows<FoundHolder>(
    `select asked.place::int - 1 as place, k.id as "keyId", k.company_id as "companyId", k.scopes,
       (extract(epoch from k.expires_at - platform.programme_time()) * 1000)::float8 as "endsInMs"
     from unnest($1::text[], $2::inet[]) with ordinality as asked (digest, address, place)
     join identity.api_key k on k.digest = decode(asked.digest, 'hex')
     where k.revoked_at is null and (k.expires_at is null or k.expires_at > platform.programme_time())
       and (k.networks is null or asked.address <<= any(k.networks))`,
    [asked.map(({ digest }) => digest), asked.map(({ address }) => address)],
  )
}

/** Which of these keys are good, in any order. */
export async function selectGoodKeys(reads: Reads, ids: readonly string[]): Promise<string[]> {
  const rows = await reads.sql.rows<{ id: string }>(
    `select id from identity.api_key
     where id = any($1::uuid[]) and revoked_at is null
       and (expires_at is null or expires_at > platform.programme_time())`,
    [ids],
  )
  return rows.map(({ id }) => id)
}

/** One that was revoked before keeps its time. */
export async function updateRevocation(
  work: Work,
  input: { companyId: string; keyId: string; at: Date },
): Promise<void> {
  work.withdraw([input.keyId])
  await work.sql.run(
    'update identity.api_key set revoked_at = coalesce(revoked_at, $3) where company_id = $1 and id = $2',
    [input.companyId, input.keyId, input.at],
  )
}

/** Whether nobody rotated or revoked the key meanwhile. */
export async function updateExpiry(
  work: Work,
  input: { keyId: string; expiresAt: Date; successorId: string },
): Promise<boolean> {
  work.withdraw([input.keyId])
  const touched = await work.sql.run(
    `update identity.api_key set expires_at = $2, successor_id = $3
     where id = $1 and successor_id is null and revoked_at is null`,
    [input.keyId, input.expiresAt, input.successorId],
  )
  return touched === 1
}

export async function updateLastUse(reads: Reads, keyId: string): Promise<void> {
  await reads.sql.run('update identity.api_key set last_used_at = platform.programme_time() where id = $1', [keyId])
}
