import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'

type Reads = { readonly sql: Sql }

/** What becomes of a delivery: it waits for its next attempt, was taken, or is tried no more. */
export const statuses = ['pending', 'delivered', 'failed'] as const
/** One of them. */
export type Status = (typeof statuses)[number]

/** What came of one attempt. */
export interface Attempt {
  readonly number: number
  readonly at: Date
  readonly durationMs: number
  readonly statusCode: number | null
  /** In plain words; null where a status was answered. */
  readonly error: string | null
}

/** An event on its way to an endpoint. All ids are UUIDs. */
export interface Delivery {
  readonly id: string
  readonly endpointId: string
  readonly eventId: string
  readonly type: string
  /** A CloudEvent as JSON text: to the byte what is sent. */
  readonly body: string
  readonly status: Status
  readonly createdAt: Date
  /** When it is tried next. */
  readonly dueAt: Date | null
  readonly completedAt: Date | null
  /** Oldest first. */
  readonly log: readonly Attempt[]
}

/** What is to be sent. */
export type NewDelivery = Pick<Delivery, 'id' | 'endpointId' | 'eventId' | 'type' | 'body'>

/** Everything that is to be sent is due at once; what an endpoint was to be sent before is not sent twice. */
export async function insertDeliveries(work: Work, deliveries: readonly NewDelivery[]): Promise<void> {
  await work.sql.run(
    `insert into webhooks.delivery (id, endpoint_id, event_id, type, body, created_at, due_at)
     select id, endpoint_id, event_id, type, body, now, now
     from platform.programme_time() as now,
       unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
       as new (id, endpoint_id, event_id, type, body)
     on conflict on constraint delivery_once do nothing`,
    [
      deliveries.map(({ id }) => id),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ type }) => type),
      deliveries.map(({ body }) => body),
    ],
  )
}

/** Newest first, after the one whose id is given. Of each status there is an index, so it is asked for in the text. */
export async function selectDeliveries(
  reads: Reads,
  page: { endpointId: string; status: Status | null; after: string | null; limit: number },
): Promise<Delivery[]> {
  const wanted = page.status === null ? '' : `and status = '${page.status}'`
  const rows = await reads.sql.rows<DeliveryRow>(
    `select ${columns} from webhooks.delivery
     where endpoint_id = $1 ${wanted} and id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit $3`,
    [page.endpointId, page.after, page.limit],
  )
  return rows.map(toDelivery)
}

export async function selectDelivery(
  reads: Reads,
  { endpointId, deliveryId }: { endpointId: string; deliveryId: string },
): Promise<Delivery | null> {
  const rows = await reads.sql.rows<DeliveryRow>(
    `select ${columns} from webhooks.delivery where id = $1 and endpoint_id = $2`,
    [deliveryId, endpointId],
  )
  return rows[0] ? toDelivery(rows[0]) : null
}

const again = `status = 'pending', due_at = platform.programme_time(), completed_at = null, attempts_before = attempts`

/** Whether it was done with, and is to be sent again. */
export async function renewDelivery(work: Work, deliveryId: string): Promise<boolean> {
  const touched = await work.sql.run(`update webhooks.delivery set ${again} where id = $1 and status <> 'pending'`, [
    deliveryId,
  ])
  return touched === 1
}

/** Which deliveries that failed are meant; null where it does not matter. */
export interface FailedFilter {
  readonly endpointId: string
  readonly types: readonly string[] | null
  /** When the event came to be sent: inclusive, exclusive. */
  readonly from: Date | null
  readonly to: Date | null
}

/** How many failed that are to be sent again, the oldest first and at most `limit`. */
export function renewFailed(work: Work, { filter, limit }: { filter: FailedFilter; limit: number }): Promise<number> {
  return work.sql.run(
    `update webhooks.delivery set ${again}
     where id = any(array(
       select id from webhooks.delivery
       where endpoint_id = $1 and status = 'failed' and ($2::text[] is null or type = any($2))
         and created_at >= coalesce($3::timestamptz, '-infinity') and created_at < coalesce($4::timestamptz, 'infinity')
       order by id limit $5 for no key update
     ))`,
    [filter.endpointId, filter.types, filter.from, filter.to, limit],
  )
}

/** Gives up what was to be sent to an endpoint that is off by now; answers how much of it. */
export function failPending(
  reads: Reads,
  { endpointId, limit }: { endpointId: string; limit: number },
): Promise<number> {
  return reads.sql.run(
    `update webhooks.delivery
     set status = 'failed', due_at = null, completed_at = platform.programme_time()
     where id = any(array(
       select d.id from webhooks.delivery d join webhooks.endpoint e on e.id = d.endpoint_id
       where d.endpoint_id = $1 and d.status = 'pending' and (e.disabled_at is not null or e.deleted_at is not null)
       limit $2 for no key update of d
     ))`,
    [endpointId, limit],
  )
}

/** Forgets what has been done with for so many days, the oldest first; answers how much of it. */
export function deleteOldDeliveries(
  reads: Reads,
  { keptDays, chunkSize }: { keptDays: number; chunkSize: number },
): Promise<number> {
  return reads.sql.run(
    `delete from webhooks.delivery where id = any(array(
       select id from webhooks.delivery
       where completed_at < platform.programme_time() - $1 * interval '1 day' order by id limit $2
     ))`,
    [keptDays, chunkSize],
  )
}

/** Forgets endpoints that were deleted, once nothing that was sent to them is kept. */
export function deleteOldEndpoints(reads: Reads, { chunkSize }: { chunkSize: number }): Promise<number> {
  return reads.sql.run(
    `delete from webhooks.endpoint where id = any(array(
       select id from webhooks.endpoint e
       where deleted_at is not null and not exists (select from webhooks.delivery d where d.endpoint_id = e.id)
       limit $1
     ))`,
    [chunkSize],
  )
}

const columns = `
  id, endpoint_id as "endpointId", event_id as "eventId", type, body, status, created_at as "createdAt",
  due_at as "dueAt", completed_at as "completedAt", log`

type DeliveryRow = Omit<Delivery, 'log'> & { readonly log: readonly (Omit<Attempt, 'at'> & { at: string })[] }

function toDelivery({ log, ...row }: DeliveryRow): Delivery {
  return { ...row, log: log.map((attempt) => ({ ...attempt, at: new Date(attempt.at) })) }
}
