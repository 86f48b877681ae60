import { fromPublicId, toPublicId } from '../ids.ts'
import type { Event } from './events.ts'
import { type EventKind, schemaPath } from './kinds.ts'

/** An event as others get it: CloudEvents 1.0, with the extensions `sequence` and `partitionkey`. */
export interface CloudEvent {
  readonly specversion: '1.0'
  /** `evt_…`: the same however often it is delivered. */
  readonly id: string
  readonly source: string
  readonly type: string
  /** Id of what it happened to. */
  readonly subject: string
  /** RFC 3339, by the programme's clock. */
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly dataschema: string
  /** Its number among all events, in sixteen digits, so that texts sort as numbers do. */
  readonly sequence: string
  /** The subject: events that share it keep their order. */
  readonly partitionkey: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Puts events into the envelope that others get, and takes them out of it. */
export interface Envelopes {
  wrap(event: Event): CloudEvent
  /** Throws `UnreadableEvent` for what none of our own processes sent. */
  unwrap(value: unknown): Event
}

/** What came in the place of an event and is none, with what is wrong with it. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent'
}

/** The envelopes of this installation; `origin` is where the schemas of its events are served. */
export function openEnvelopes({
  kinds,
  ...own
}: {
  readonly kinds: readonly EventKind[]
  readonly source: string
  readonly origin: string
}): Envelopes {
  const byType = new Map(kinds.map((kind) => [kind.type, kind]))
  return {
    wrap({ id, number, type, key, at, data }) {
      const kind = byType.get(type)
      if (!kind) throw new Error(`Nobody declares events of type ${type}`)
      const subject = toPublicId(kind.key, key)
      return {
        specversion: '1.0',
        id: toPublicId('evt', id),
        source: own.source,
        type,
        subject,
        time: at.toISOString(),
        datacontenttype: 'application/json',
        dataschema: `${own.origin}${schemaPath(kind)}`,
        sequence: String(number).padStart(16, '0'),
        partitionkey: subject,
        data,
      }
    },
    unwrap(value) {
      if (typeof value !== 'object' || value === null) throw new UnreadableEvent('It is not an object')
      const { specversion, id, type, subject, time, dataschema, sequence, data } = value as Record<string, unknown>
      if (specversion !== '1.0')
        throw new UnreadableEvent(`It is no CloudEvent 1.0: specversion is ${show(specversion)}`)
      const kind = byType.get(String(type))
      if (!kind) throw new UnreadableEvent(`Its type is unknown: ${show(type)}`)
      if (typeof dataschema !== 'string' || !dataschema.endsWith(schemaPath(kind)))
        throw new UnreadableEvent(`Its version is unknown: dataschema is ${show(dataschema)}`)
      const eventId = fromPublicId('evt', String(id))
      if (eventId === null) throw new UnreadableEvent(`Its id is none of ours: ${show(id)}`)
      const key = fromPublicId(kind.key, String(subject))
      if (key === null) throw new UnreadableEvent(`Its subject is no ${kind.key}_…: ${show(subject)}`)
      const at = new Date(String(time))
      if (Number.isNaN(at.getTime())) throw new UnreadableEvent(`Its time is no instant: ${show(time)}`)
      if (typeof sequence !== 'string' || !/^\d{16}$/.test(sequence))
        throw new UnreadableEvent(`Its sequence is no number of 16 digits: ${show(sequence)}`)
      if (typeof data !== 'object' || data === null) throw new UnreadableEvent('It has no data')
      return { id: eventId, number: Number(sequence), type: kind.type, key, at, data: data as Event['data'] }
    },
  }
}

/** What somebody else wrote, so short that it does no harm in a log. */
function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 100)
}
