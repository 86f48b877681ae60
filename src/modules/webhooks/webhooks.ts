import type { Database } from '#platform/database'
import type { CloudEvent } from '#platform/events/cloud-events'
import type { Event } from '#platform/events/events'
import type { Sealing } from '#platform/sealing'
import type { WithWork } from '#platform/work'
import type { FindHearers } from './handlers.ts'
import type { Places } from './sending/places.ts'
import { roomOf } from './sending/rules.ts'

/** What webhooks stand on: one for a process. */
export interface Webhooks {
  readonly database: Database
  readonly withWork: WithWork
  readonly sealing: Sealing
  readonly places: Places
  /** Every type of event that there is. */
  readonly types: readonly string[]
  /** Who hears of those of a room: of other rooms nobody does. */
  readonly audiences: Readonly<Record<string, FindHearers>>
  /** The event as others get it. */
  readonly wrap: (event: Event) => CloudEvent
  /** Where the days begin that are asked for. */
  readonly timeZone: string
}

/** The types that companies hear of. */
export function listHeardTypes({ types, audiences }: Pick<Webhooks, 'types' | 'audiences'>): string[] {
  return types.filter((type) => Object.hasOwn(audiences, roomOf(type)))
}

/** What is sent of an event. Its number would tell every company how much goes on in all the others. */
export function renderBody({ wrap }: Pick<Webhooks, 'wrap'>, event: Event): string {
  const { sequence: _, ...told } = wrap(event)
  return JSON.stringify(told)
}
