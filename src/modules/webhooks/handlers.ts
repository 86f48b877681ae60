import type { Subscriber } from '#platform/events/delivery'
import type { Event } from '#platform/events/events'
import type { Work } from '#platform/work'
import { insertDeliveries } from './deliveries/store.ts'
import { isAnybodyHearing, lockHearing } from './endpoints/store.ts'
import { isHeard, roomOf } from './sending/rules.ts'
import { listHeardTypes, renderBody, type Webhooks } from './webhooks.ts'

/** A company that hears of an event, and what it is told: not everybody sees all of what happened. */
export interface Hearer {
  /** UUID. */
  readonly companyId: string
  readonly data: Event['data']
}

/** Who hears of each of these events of one room; null for one whose key is nobody's. */
export type FindHearers = (work: Work, events: readonly Event[]) => Promise<readonly (readonly Hearer[] | null)[]>

/** Notes of every event for every endpoint that hears of it that it is to be sent there; tells of those of nobody. */
export function webhooksSubscriber(webhooks: Webhooks, { onNobody }: { onNobody: (event: Event) => void }): Subscriber {
  const { audiences } = webhooks
  return {
    name: 'webhooks',
    types: listHeardTypes(webhooks),
    async handle(work, events) {
      // Where no company has an endpoint, that is all there is to ask.
      if (!(await isAnybodyHearing(work))) return
      const heard = await findHearers(work, { audiences, events, onNobody })
      const endpoints = await lockHearing(work, [...new Set(heard.map(({ hearer }) => hearer.companyId))])
      const deliveries = heard.flatMap(({ event, hearer }) => {
        const own = endpoints.filter((it) => it.companyId === hearer.companyId && isHeard(event.type, it.types))
        if (own.length === 0) return []
        const body = renderBody(webhooks, { ...event, data: hearer.data })
        return own.map(({ id }) => ({ id: work.newId(), endpointId: id, eventId: event.id, type: event.type, body }))
      })
      if (deliveries.length > 0) await insertDeliveries(work, deliveries)
    },
  }
}

async function findHearers(
  work: Work,
  by: Pick<Webhooks, 'audiences'> & { events: readonly Event[]; onNobody: (event: Event) => void },
): Promise<{ event: Event; hearer: Hearer }[]> {
  const { audiences, events, onNobody } = by
  const rooms = Map.groupBy(events, ({ type }) => roomOf(type))
  const heard: { event: Event; hearer: Hearer }[] = []
  for (const [room, told] of rooms) {
    const hearers = await audiences[room]!(work, told)
    for (const [at, event] of told.entries()) {
      const own = hearers[at]
      if (own) heard.push(...own.map((hearer) => ({ event, hearer })))
      else onNobody(event)
    }
  }
  return heard
}
