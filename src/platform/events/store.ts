import { type Sql, uniqueViolation } from '../database.ts'
import type { Work } from '../work.ts'
import type { Event, EventSource, Place } from './events.ts'

type Reads = { readonly sql: Sql }

/** Events of some types after `after`, in their order, among the next `scanMax`; and up to where was looked. */
export async function selectPlaces(
  reads: Reads,
  span: { after: number; types: readonly string[]; scanMax: number; limit: number },
): Promise<{ places: (Place & { source: string })[]; upTo: number; last: number }> {
  const rows = await reads.sql.rows<Place & { source: string | null; upTo: number; last: number }>(
    `with span as materialized (
       select least(number, $1::bigint + $3) as up_to, number as last from platform.event_mark
     ), place as (
       select e.* from span join platform.event e on e.number > $1 and e.number <= span.up_to
       where e.type = any($2) order by e.number limit $4
     )
     select span.up_to as "upTo", span.last, place.id, place.number, place.type, place.key,
       place.row_id as "rowId", place.source
     from span left join place on true order by place.number`,
    [span.after, span.types, span.scanMax, span.limit],
  )
  const { upTo, last } = rows[0]!
  const places = rows.filter((row): row is typeof row & { source: string } => row.source !== null)
  return { places, upTo: places.length < span.limit ? upTo : places.at(-1)!.number, last }
}

/** The events that stand at these places, in their order. */
export async function loadEvents(
  reads: Reads,
  { places, sources }: { places: readonly (Place & { source: string })[]; sources: readonly EventSource[] },
): Promise<Event[]> {
  const loaded = await Promise.all(
    sources.map((source) => {
      const own = places.filter((place) => place.source === source.name)
      return own.length > 0 ? source.load(reads, own) : new Map<string, Pick<Event, 'at' | 'data'>>()
    }),
  )
  const found = new Map(loaded.flatMap((each) => [...each]))
  return places.map(({ id, number, type, key }) => {
    const told = found.get(id)
    if (!told) throw new Error(`The source of event ${number} no longer tells of it`)
    return { id, number, type, key, ...told }
  })
}

/** Where a subscription stands; one that is new begins behind the last event. */
export function openSubscription(reads: Reads, name: string): Promise<number> {
  return openSubscriptionAt(reads, { name, begin: 'm.number' })
}

/** The same, for one that begins elsewhere: at an expression in SQL, in which `m` is the mark of what has a number. */
export async function openSubscriptionAt(
  reads: Reads,
  { name, begin }: { name: string; begin: string },
): Promise<number> {
  const find = () =>
    reads.sql.rows<{ number: number }>('select number from platform.subscription where name = $1', [name])
  const [found] = await find()
  if (found) return found.number
  await reads.sql.run(
    `insert into platform.subscription (name, number) select $1, ${begin} from platform.event_mark m
     on conflict (name) do nothing`,
    [name],
  )
  // Of two who begin at once, the second sees in a statement of its own what the first wrote.
  return (await find())[0]!.number
}

/** Notes that a subscriber has done with everything up to this number. */
export function moveSubscription(work: Work, { name, number }: { name: string; number: number }): void {
  work.sql.send('update platform.subscription set number = $2 where name = $1', [name, number])
}

/** Which of the keys have events that failed and are to be tried again; they stay so until this unit of work has ended. */
export async function lockStoppedKeys(
  work: Work,
  { subscription, keys }: { subscription: string; keys: readonly string[] },
): Promise<Set<string>> {
  const rows = await work.sql.rows<{ key: string }>(
    `select key from platform.event_stop where subscription = $1 and key = any($2::uuid[]) order by key
     for key share`,
    [subscription, keys],
  )
  return new Set(rows.map(({ key }) => key))
}

/** Notes that events are taken in for the first time; fails with `isTakenInAlready` where one is not. */
export async function claimNewEvents(
  work: Work,
  { subscription, ids }: { subscription: string; ids: readonly string[] },
): Promise<void> {
  await work.sql.run('insert into platform.inbox (subscription, event_id) select $1, unnest($2::uuid[])', [
    subscription,
    ids,
  ])
}

/** Whether a unit of work failed since an event was taken in before. */
export function isTakenInAlready(error: unknown): boolean {
  const violation = uniqueViolation(error)
  return violation?.schema === 'platform' && violation.table === 'inbox'
}

/** Notes that events are taken in; answers those that had not been. */
export async function claimEvents(
  work: Work,
  { subscription, ids }: { subscription: string; ids: readonly string[] },
): Promise<Set<string>> {
  const rows = await work.sql.rows<{ id: string }>(
    `insert into platform.inbox (subscription, event_id) select $1, id from unnest($2::uuid[]) as taken (id)
     on conflict do nothing returning event_id as id`,
    [subscription, ids],
  )
  return new Set(rows.map(({ id }) => id))
}

/** An event that is to be tried again, or waits for one of its key that is. */
export interface Retry {
  readonly event: Event
  readonly attempts: number
}

/** Stops a key until its first event is tried again; one that is stopped already stays so for as long as it was. */
export function stopKey(work: Work, input: { subscription: string; key: string; delayMs: number }): void {
  // Written over itself, it is locked: whoever is about to let the key go on does so before, or not at all.
  work.sql.send(
    `insert into platform.event_stop (subscription, key, due_at)
     values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (subscription, key) do update set due_at = event_stop.due_at`,
    [input.subscription, input.key, input.delayMs],
  )
}

/** Puts events of stopped keys aside, those that failed with why. What stands there already, or was taken in, stays so. */
export function insertRetries(
  work: Work,
  { subscription, events, error }: { subscription: string; events: readonly Event[]; error: string | null },
): void {
  work.sql.send(
    `insert into platform.event_retry (subscription, event_id, number, key, event, attempts, error)
     select $1, id, number, key, event, $6, $7
     from unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::jsonb[]) as failed (id, number, key, event)
     where not exists (select from platform.inbox i where i.subscription = $1 and i.event_id = failed.id)
     on conflict do nothing`,
    [
      subscription,
      events.map(({ id }) => id),
      events.map(({ number }) => number),
      events.map(({ key }) => key),
      events.map((event) => JSON.stringify(event)),
      error === null ? 0 : 1,
      error,
    ],
  )
}

/** Keys whose first event is due, the longest overdue first. */
export async function selectDueKeys(
  reads: Reads,
  { subscription, limit }: { subscription: string; limit: number },
): Promise<string[]> {
  const rows = await reads.sql.rows<{ key: string }>(
    `select key from platform.event_stop where subscription = $1 and due_at <= clock_timestamp()
     order by due_at limit $2`,
    [subscription, limit],
  )
  return rows.map(({ key }) => key)
}

/** Whether the key is stopped still; if so, nobody else tries its events or puts one behind them meanwhile. */
export async function lockStop(work: Work, stop: { subscription: string; key: string }): Promise<boolean> {
  const rows = await work.sql.rows('select from platform.event_stop where subscription = $1 and key = $2 for update', [
    stop.subscription,
    stop.key,
  ])
  return rows.length > 0
}

/** The first events of a stopped key, in their order. */
export async function selectRetries(
  work: Work,
  input: { subscription: string; key: string; limit: number },
): Promise<Retry[]> {
  const rows = await work.sql.rows<{ event: Event & { at: string }; attempts: number }>(
    `select event, attempts from platform.event_retry where subscription = $1 and key = $2 order by number limit $3`,
    [input.subscription, input.key, input.limit],
  )
  return rows.map(({ event, attempts }) => ({ event: { ...event, at: new Date(event.at) }, attempts }))
}

/** Forgets events that were tried again, since they are done with or dead; behind the last of a key it goes on. */
export function deleteRetries(
  work: Work,
  { subscription, key, ids }: { subscription: string; key: string; ids: readonly string[] },
): void {
  work.sql.send('delete from platform.event_retry where subscription = $1 and event_id = any($2::uuid[])', [
    subscription,
    ids,
  ])
  work.sql.send(
    `delete from platform.event_stop where subscription = $1 and key = $2
       and not exists (select from platform.event_retry where subscription = $1 and key = $2)`,
    [subscription, key],
  )
  work.sql.send('update platform.event_stop set due_at = clock_timestamp() where subscription = $1 and key = $2', [
    subscription,
    key,
  ])
}

/** Puts an event off that failed once more, and its key with it. */
export function delayRetry(
  work: Work,
  input: { subscription: string; key: string; id: string; error: string; delayMs: number },
): void {
  const { subscription, key, id, error, delayMs } = input
  work.sql.send(
    'update platform.event_retry set attempts = attempts + 1, error = $3 where subscription = $1 and event_id = $2',
    [subscription, id, error],
  )
  work.sql.send(
    `update platform.event_stop set due_at = clock_timestamp() + $3 * interval '1 millisecond'
     where subscription = $1 and key = $2`,
    [subscription, key, delayMs],
  )
}

/** Puts an event away that was tried so often as it may be. */
export function insertDeadLetter(
  work: Work,
  { subscription, event, attempts, error }: { subscription: string; event: Event; attempts: number; error: string },
): void {
  work.sql.send(
    `insert into platform.dead_letter (id, subscription, event_id, number, type, key, event, attempts, error)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (subscription, event_id) do nothing`,
    [work.newId(), subscription, event.id, event.number, event.type, event.key, JSON.stringify(event), attempts, error],
  )
}

/** Notes that events up to the last number are no younger than now. */
export async function noteAge(reads: Reads): Promise<void> {
  await reads.sql.run('insert into platform.event_age (number) select number from platform.event_mark')
}

/** Of the notes that are older than is kept the newest says all that those before it say. */
export async function deleteOldAges(reads: Reads, keptDays: number): Promise<void> {
  await reads.sql.run(
    `delete from platform.event_age where noted_at < (
       select max(noted_at) from platform.event_age where noted_at < clock_timestamp() - make_interval(days => $1)
     )`,
    [keptDays],
  )
}

/** Forgets the oldest events that are older than is kept, and that they were taken in. Answers how many went. */
export async function deleteOldEvents(
  reads: Reads,
  old: { keptDays: number; chunkSize: number; positions: readonly string[]; subscribers: readonly string[] },
): Promise<number> {
  const rows = await reads.sql.rows<{ count: number }>(
    `with bound as materialized (
       select least(
         (select max(number) from platform.event_age where noted_at < clock_timestamp() - make_interval(days => $1)),
         (select min(number) from platform.subscription where name = any($3))
       ) as number
     ), gone as (
       delete from platform.event where number in (
         select e.number from bound join platform.event e on e.number <= bound.number order by e.number limit $2
       )
       returning id, source, row_id
     ), said as (
       delete from platform.outbox where id in (select row_id from gone where source = 'outbox')
     ), taken as (
       delete from platform.inbox
       where (subscription, event_id) in (select name, id from gone, unnest($4::text[]) as subscriber (name))
     )
     select count(*) as count from gone`,
    [old.keptDays, old.chunkSize, old.positions, old.subscribers],
  )
  return rows[0]!.count
}
