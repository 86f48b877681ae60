import type { Sql } from '#platform/database'
import type { Event } from '#platform/events/events'
import { findOperationActors } from '#platform/operations/asking'

/** The company that hears of what became of an operation: whose key asked for it. Null for one that is nobody's. */
export async function findAskers(
  reads: { readonly sql: Sql },
  events: readonly Pick<Event, 'key' | 'data'>[],
): Promise<({ companyId: string; data: Event['data'] }[] | null)[]> {
  const actors = await findOperationActors(
    reads,
    events.map(({ key }) => key),
  )
  return events.map(({ key, data }) => {
    const actor = actors.get(key)
    if (!actor) return null
    return actor.actorType === 'company' ? [{ companyId: actor.actorId!, data }] : []
  })
}
