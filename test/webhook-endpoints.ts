import { fromPublicId, newId, toPublicId } from '#platform/ids'
import type { House } from './harness.ts'

/** An endpoint of a company that was sent something; answers what the ids of a path name. */
export async function makeEndpoint(
  { ownerSql }: Pick<House, 'ownerSql'>,
  companyId: string,
): Promise<{ id: string; endpointId: string; deliveryId: string }> {
  const [endpointId, deliveryId] = [newId(), newId()]
  await ownerSql.run(
    `insert into webhooks.endpoint (id, company_id, url, types, sealed_secret, created_at)
     values ($1, $2, 'https://example.com/', '{*}', 'enc:', now())`,
    [endpointId, fromPublicId('cmp', companyId)],
  )
  await ownerSql.run(
    `insert into webhooks.delivery (id, endpoint_id, event_id, type, body, status, created_at, completed_at)
     values ($1, $2, $3, 'webhooks.tested', '{}', 'failed', now(), now())`,
    [deliveryId, endpointId, newId()],
  )
  return { id: companyId, endpointId: toPublicId('whe', endpointId), deliveryId: toPublicId('whd', deliveryId) }
}
