import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'

type Reads = { readonly sql: Sql }

/** Why an endpoint is off: somebody wanted it so, its receiver said that it is gone (410), or nothing succeeded. */
export type DisabledReason = 'asked' | 'gone' | 'failing'

/** Where a company wants to hear of events, without its secrets. All ids are UUIDs. */
export interface Endpoint {
  readonly id: string
  readonly companyId: string
  readonly url: string
  /** Types, `room.*`, or `*`. */
  readonly types: readonly string[]
  readonly createdAt: Date
  readonly disabledAt: Date | null
  readonly disabledReason: DisabledReason | null
  /** Since when attempts have failed and none has succeeded. */
  readonly failingSince: Date | null
  /** Until when the secret before the present one is good beside it; null where there is none that is. */
  readonly formerSecretUntil: Date | null
  readonly version: number
}

const columns = `
  id, company_id as "companyId", url, types, created_at as "createdAt", disabled_at as "disabledAt",
  disabled_reason as "disabledReason", failing_since as "failingSince",
  case when former_secret_until > platform.programme_time() then former_secret_until end as "formerSecretUntil",
  version`

export async function insertEndpoint(
  work: Work,
  endpoint: Pick<Endpoint, 'id' | 'companyId' | 'url' | 'types' | 'createdAt'> & { readonly sealedSecret: string },
): Promise<void> {
  const { id, companyId, url, types, sealedSecret, createdAt } = endpoint
  await work.sql.run(
    `insert into webhooks.endpoint (id, company_id, url, types, sealed_secret, created_at)
     values ($1, $2, $3, $4::text[], $5, $6)`,
    [id, companyId, url, types, sealedSecret, createdAt],
  )
}

/** By id, which is of version 7 and so in the order of making. */
export function selectEndpoints(
  reads: Reads,
  page: { companyId: string; after: string | null; limit: number },
): Promise<Endpoint[]> {
  return reads.sql.rows<Endpoint>(
    `select ${columns} from webhooks.endpoint
     where company_id = $1 and deleted_at is null and id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit $3`,
    [page.companyId, page.after, page.limit],
  )
}

export async function selectEndpoint(
  reads: Reads,
  { companyId, endpointId }: { companyId: string; endpointId: string },
): Promise<Endpoint | null> {
  const [endpoint] = await reads.sql.rows<Endpoint>(
    `select ${columns} from webhooks.endpoint where id = $1 and company_id = $2 and deleted_at is null`,
    [endpointId, companyId],
  )
  return endpoint ?? null
}

/** The same, which nobody else changes until this unit of work ends. */
export async function lockEndpoint(
  work: Work,
  { companyId, endpointId }: { companyId: string; endpointId: string },
): Promise<Endpoint | null> {
  const [endpoint] = await work.sql.rows<Endpoint>(
    `select ${columns} from webhooks.endpoint where id = $1 and company_id = $2 and deleted_at is null
     for no key update`,
    [endpointId, companyId],
  )
  return endpoint ?? null
}

/** One of any company. */
export async function selectAnyEndpoint(reads: Reads, id: string): Promise<Endpoint | null> {
  const [endpoint] = await reads.sql.rows<Endpoint>(
    `select ${columns} from webhooks.endpoint where id = $1 and deleted_at is null`,
    [id],
  )
  return endpoint ?? null
}

export async function countEndpoints(work: Work, companyId: string): Promise<number> {
  const rows = await work.sql.rows<{ count: number }>(
    'select count(*) as count from webhooks.endpoint where company_id = $1 and deleted_at is null',
    [companyId],
  )
  return rows[0]!.count
}

export async function updateEndpoint(work: Work, endpoint: Pick<Endpoint, 'id' | 'url' | 'types'>): Promise<void> {
  await work.sql.run('update webhooks.endpoint set url = $2, types = $3::text[], version = version + 1 where id = $1', [
    endpoint.id,
    endpoint.url,
    endpoint.types,
  ])
}

/** The endpoint where it was enabled until now. */
export async function updateDisabled(
  work: Work,
  { endpointId, reason }: { endpointId: string; reason: DisabledReason },
): Promise<Endpoint | null> {
  const [endpoint] = await work.sql.rows<Endpoint>(
    `update webhooks.endpoint set disabled_at = platform.programme_time(), disabled_reason = $2, version = version + 1
     where id = $1 and disabled_at is null and deleted_at is null returning ${columns}`,
    [endpointId, reason],
  )
  return endpoint ?? null
}

/** What had failed before counts no more. */
export async function updateEnabled(work: Work, endpointId: string): Promise<void> {
  await work.sql.run(
    `update webhooks.endpoint
     set disabled_at = null, disabled_reason = null, failing_since = null, paused_until = null, version = version + 1
     where id = $1`,
    [endpointId],
  )
}

export async function updateDeleted(work: Work, endpointId: string): Promise<void> {
  await work.sql.run(
    `update webhooks.endpoint set deleted_at = platform.programme_time(), version = version + 1 where id = $1`,
    [endpointId],
  )
}

/** The present secret becomes the former one; one that was former already is good no more. */
export async function updateSecret(
  work: Work,
  input: { endpointId: string; sealedSecret: string; overlapSeconds: number },
): Promise<void> {
  await work.sql.run(
    `update webhooks.endpoint
     set sealed_former_secret = sealed_secret, sealed_secret = $2, version = version + 1,
       former_secret_until = platform.programme_time() + $3 * interval '1 second'
     where id = $1`,
    [input.endpointId, input.sealedSecret, input.overlapSeconds],
  )
}

/** An endpoint's secrets, as they are kept. */
export interface SealedSecrets {
  readonly id: string
  readonly secret: string
  readonly former: string | null
}

/** By id, from after `after`. */
export function selectSealed(
  reads: Reads,
  { after, limit }: { after: string | null; limit: number },
): Promise<SealedSecrets[]> {
  return reads.sql.rows<SealedSecrets>(
    `select id, sealed_secret as secret, sealed_former_secret as former from webhooks.endpoint
     where deleted_at is null and ($1::uuid is null or id > $1) order by id limit $2`,
    [after, limit],
  )
}

/** The same secrets, sealed otherwise; where somebody has changed them meanwhile, they stay as they are. */
export async function updateSealed(
  reads: Reads,
  { was, is }: { was: SealedSecrets; is: SealedSecrets },
): Promise<void> {
  await reads.sql.run(
    `update webhooks.endpoint set sealed_secret = $2, sealed_former_secret = $3
     where id = $1 and sealed_secret = $4 and sealed_former_secret is not distinct from $5`,
    [is.id, is.secret, is.former, was.secret, was.former],
  )
}

/** Whether any company hears of anything. */
export async function isAnybodyHearing(reads: Reads): Promise<boolean> {
  const rows = await reads.sql.rows<{ is: boolean }>(
    'select exists (select from webhooks.endpoint where disabled_at is null and deleted_at is null) as is',
  )
  return rows[0]!.is
}

/** Endpoints of these companies that are enabled, and are until this unit of work ends: who disables one waits. */
export function lockHearing(
  work: Work,
  companyIds: readonly string[],
): Promise<Pick<Endpoint, 'id' | 'companyId' | 'types'>[]> {
  return work.sql.rows(
    `select id, company_id as "companyId", types from webhooks.endpoint
     where company_id = any($1::uuid[]) and disabled_at is null and deleted_at is null
     order by id for share`,
    [companyIds],
  )
}
