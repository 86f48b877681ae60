import type { Sql } from '../database.ts'
import type { Work } from '../work.ts'
import type { EventData, EventKind } from './kinds.ts'

/** Something that happened. */
export interface Event {
  /** UUID; the same however often it is delivered. */
  readonly id: string
  /** Its place among all events: per key they grow in the order in which things happened. */
  readonly number: number
  /** `room.happened`, like `points.spent`. */
  readonly type: string
  /** UUID of what it happened to: events of one key are delivered in order. */
  readonly key: string
  readonly at: Date
  readonly data: Readonly<Record<string, unknown>>
}

/** Says something in the unit of work that does it: nobody hears it before the commit, and nobody where there is none. */
export function emit<Kind extends EventKind>(
  work: Work,
  { kind, key, data }: { kind: Kind; key: string; data: EventData<Kind> },
): void {
  work.sql.send(
    `insert into platform.outbox (id, type, key, data, at) values ($1, $2, $3, $4, platform.programme_time())`,
    [work.newId(), kind.type, key, JSON.stringify(data)],
  )
}

/** The same of many things, in their order. */
export function emitAll(
  work: Work,
  events: readonly { readonly kind: EventKind; readonly key: string; readonly data: object }[],
): void {
  if (events.length === 0) return
  work.sql.send(
    `insert into platform.outbox (id, type, key, data, at)
     select id, type, key, data, platform.programme_time()
     from unnest($1::uuid[], $2::text[], $3::uuid[], $4::jsonb[]) with ordinality as said (id, type, key, data, place)
     order by place`,
    [
      events.map(() => work.newId()),
      events.map(({ kind }) => kind.type),
      events.map(({ key }) => key),
      events.map(({ data }) => JSON.stringify(data)),
    ],
  )
}

/** Where an event stands in its source. */
export interface Place {
  readonly id: string
  readonly number: number
  readonly type: string
  readonly key: string
  /** UUID of the row of the source that tells of it. */
  readonly rowId: string
}

/** Rows that are told of as events, once they are behind the horizon. */
export interface EventSource {
  readonly name: string
  /** The rows, with a `position` and an index of it. */
  readonly table: string
  /**
   * A view of them with `event_id`, `row_id`, `type`, `key`, `seq` and `position`, and an index of `key` and `seq`
   * under it: what has happened to a key stands there in the order of `seq`. Where `seq` is null, nothing has.
   */
  readonly view: string
  /** What the rows tell, by the ids of the events. */
  load(reads: { readonly sql: Sql }, places: readonly Place[]): Promise<Map<string, Pick<Event, 'at' | 'data'>>>
}

/** What was said with `emit`. */
export const outbox: EventSource = {
  name: 'outbox',
  table: 'platform.outbox',
  view: 'platform.outbox_place',
  async load(reads, places) {
    const rows = await reads.sql.rows<Pick<Event, 'id' | 'at' | 'data'>>(
      'select id, at, data from platform.outbox where id = any($1::uuid[])',
      [places.map(({ rowId }) => rowId)],
    )
    return new Map(rows.map(({ id, at, data }) => [id, { at, data }]))
  },
}
