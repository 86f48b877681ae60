import { type Origin, recordAct } from '#platform/audit'
import type { Sql } from '#platform/database'
import { toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { webhooksActs } from '../acts.ts'
import { type EndpointPath, getEndpoint } from '../endpoints/endpoints.ts'
import type { Endpoint } from '../endpoints/store.ts'
import { webhooksEvents } from '../events.ts'
import { webhooksProblems } from '../problems.ts'
import { renderBody, type Webhooks } from '../webhooks.ts'
import {
  type Delivery,
  type FailedFilter,
  insertDeliveries,
  renewDelivery,
  renewFailed,
  type Status,
  selectDeliveries,
  selectDelivery,
} from './store.ts'

type Reads = { readonly sql: Sql }

/** How much is sent again at once. */
export const redrivenMax = 10_000

/** Deliveries to an endpoint, newest first, from after `after`. Throws `endpointUnknown`. */
export async function listDeliveries(
  reads: Reads,
  { path, ...page }: { path: EndpointPath; status: Status | null; after: string | null; limit: number },
): Promise<Delivery[]> {
  const { id: endpointId } = await getEndpoint(reads, path)
  return selectDeliveries(reads, { endpointId, ...page })
}

/** One delivery. Throws `endpointUnknown` and `deliveryUnknown`. */
export async function getDelivery(
  reads: Reads,
  { path, deliveryId }: { path: EndpointPath; deliveryId: string },
): Promise<Delivery> {
  const { id: endpointId } = await getEndpoint(reads, path)
  const delivery = await selectDelivery(reads, { endpointId, deliveryId })
  if (!delivery) throw new Problem(webhooksProblems.deliveryUnknown)
  return delivery
}

/**
 * Sends a delivery again that was taken or failed, as often as a new one; one that is pending stays as it is. Throws
 * `endpointUnknown`, `deliveryUnknown` and `endpointDisabled`.
 */
export async function redriveDelivery(
  work: Work,
  { path, deliveryId, origin }: { path: EndpointPath; deliveryId: string; origin: Origin },
): Promise<Delivery> {
  const before = await getDelivery(work, { path, deliveryId })
  const endpoint = await getEnabled(work, path)
  if (!(await renewDelivery(work, before.id))) return before
  record(work, { endpoint, asked: { deliveryId: toPublicId('whd', before.id) }, origin })
  return getDelivery(work, { path, deliveryId })
}

/** Sends again what failed, the oldest first and at most `redrivenMax`; answers how many. Throws as above. */
export async function redriveFailed(
  work: Work,
  { path, origin, ...filter }: { path: EndpointPath; origin: Origin } & Omit<FailedFilter, 'endpointId'>,
): Promise<number> {
  const endpoint = await getEnabled(work, path)
  const count = await renewFailed(work, { filter: { ...filter, endpointId: endpoint.id }, limit: redrivenMax })
  if (count > 0) record(work, { endpoint, asked: { ...filter, count }, origin })
  return count
}

/** Sends an event that nothing has happened for, in the envelope that `wrap` puts it into. Throws as above. */
export async function sendTest(
  { work, wrap }: Pick<Webhooks, 'wrap'> & { work: Work },
  path: EndpointPath,
): Promise<Delivery> {
  const { id: endpointId } = await getEnabled(work, path)
  const { type } = webhooksEvents.tested
  const data = { endpointId: toPublicId('whe', endpointId) }
  // It stands nowhere among those that something has happened for.
  const event = { id: work.newId(), number: 0, type, key: endpointId, at: await work.now(), data }
  const deliveryId = work.newId()
  await insertDeliveries(work, [
    { id: deliveryId, endpointId, eventId: event.id, type, body: renderBody({ wrap }, event) },
  ])
  return getDelivery(work, { path, deliveryId })
}

async function getEnabled(work: Work, path: EndpointPath): Promise<Endpoint> {
  const endpoint = await getEndpoint(work, path)
  if (endpoint.disabledAt !== null) throw new Problem(webhooksProblems.endpointDisabled)
  return endpoint
}

function record(work: Work, { endpoint, asked, origin }: { endpoint: Endpoint; asked: object; origin: Origin }): void {
  recordAct(work, {
    action: webhooksActs.redriveWebhookDeliveries,
    target: { prefix: 'whe', id: endpoint.id },
    before: null,
    after: asked,
    origin,
  })
}
