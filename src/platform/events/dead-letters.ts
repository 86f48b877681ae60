import { endAlert, raiseAlert } from '../alerts.ts'
import type { Sql } from '../database.ts'
import type { Work } from '../work.ts'
import type { Event } from './events.ts'

/** An event that failed so often as it may, and why. */
export interface DeadLetter {
  /** UUID, of version 7: later ones sort after earlier ones. */
  readonly id: string
  /** The name of the subscriber that could not take it in. */
  readonly subscription: string
  readonly event: Event
  readonly attempts: number
  /** What the last attempt failed of. */
  readonly error: string
  readonly failedAt: Date
}

/** Which dead letters are meant; null where it does not matter. */
export interface DeadLetterFilter {
  readonly ids: readonly string[] | null
  readonly subscription: string | null
  readonly type: string | null
  /** UUID of what the event happened to. */
  readonly key: string | null
  /** When they came to be dead letters: inclusive. */
  readonly from: Date | null
  /** Exclusive. */
  readonly to: Date | null
}

export const anyDeadLetter: DeadLetterFilter = {
  ids: null,
  subscription: null,
  type: null,
  key: null,
  from: null,
  to: null,
}

const matching = `($1::uuid[] is null or id = any($1)) and ($2::text is null or subscription = $2)
  and ($3::text is null or type = $3) and ($4::uuid is null or key = $4)
  and ($5::timestamptz is null or failed_at >= $5) and ($6::timestamptz is null or failed_at < $6)`

const valuesOf = ({ ids, subscription, type, key, from, to }: DeadLetterFilter) => {
  return [ids, subscription, type, key, from, to]
}

const columns = 'id, subscription, event, attempts, error, failed_at as "failedAt"'

type Row = Omit<DeadLetter, 'event'> & { event: Event & { at: string } }

function toDeadLetter({ event, ...letter }: Row): DeadLetter {
  return { ...letter, event: { ...event, at: new Date(event.at) } }
}

/** Newest first, after the one whose id is given. */
export async function listDeadLetters(
  reads: { readonly sql: Sql },
  { filter, after, limit }: { filter: DeadLetterFilter; after: string | null; limit: number },
): Promise<DeadLetter[]> {
  const rows = await reads.sql.rows<Row>(
    `select ${columns} from platform.dead_letter
     where ${matching} and id < coalesce($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit $8`,
    [...valuesOf(filter), after, limit],
  )
  return rows.map(toDeadLetter)
}

/** Those of which nobody has put a copy elsewhere yet, the oldest first. */
export async function listUncopiedDeadLetters(reads: { readonly sql: Sql }, limit: number): Promise<DeadLetter[]> {
  const rows = await reads.sql.rows<Row>(
    `select ${columns} from platform.dead_letter where copied_at is null order by id limit $1`,
    [limit],
  )
  return rows.map(toDeadLetter)
}

/** Notes that there is a copy of these dead letters elsewhere. */
export function markDeadLettersCopied(work: Work, ids: readonly string[]): void {
  work.sql.send('update platform.dead_letter set copied_at = clock_timestamp() where id = any($1::uuid[])', [ids])
}

/** How many dead letters each subscription has that has any. */
export async function countDeadLetters(reads: { readonly sql: Sql }): Promise<Map<string, number>> {
  const rows = await reads.sql.rows<{ subscription: string; count: number }>(
    'select subscription, count(*) as count from platform.dead_letter group by subscription',
  )
  return new Map(rows.map(({ subscription, count }) => [subscription, count]))
}

/**
 * Sends dead letters again, the oldest first and at most `limit`, as if they had just been said: they are tried as
 * often as any event. Answers those that it were. Of two who send one again the second finds none, and an event that
 * was taken in meanwhile has no second effect.
 */
export async function redriveDeadLetters(
  work: Work,
  { filter, limit }: { filter: DeadLetterFilter; limit: number },
): Promise<DeadLetter[]> {
  const rows = await work.sql.rows<Row>(
    `with gone as (
       delete from platform.dead_letter where id in (
         select id from platform.dead_letter where ${matching} order by id limit $7
       )
       returning *
     ), stopped as (
       insert into platform.event_stop (subscription, key) select distinct subscription, key from gone order by 1, 2
       on conflict (subscription, key) do update set due_at = least(event_stop.due_at, excluded.due_at)
     ), waiting as (
       insert into platform.event_retry (subscription, event_id, number, key, event)
       select subscription, event_id, number, key, event from gone
     )
     select ${columns} from gone order by id`,
    [...valuesOf(filter), limit],
  )
  await endAlerts(work, rows)
  return rows.map(toDeadLetter)
}

/** Takes a dead letter away whose event nobody has to take in any more; answers it, or null where there is none. */
export async function takeDeadLetter(work: Work, id: string): Promise<DeadLetter | null> {
  const rows = await work.sql.rows<Row>(`delete from platform.dead_letter where id = $1 returning ${columns}`, [id])
  await endAlerts(work, rows)
  return rows[0] ? toDeadLetter(rows[0]) : null
}

/** Says that somebody should look at the dead letters of a subscription. To be called last in a unit of work. */
export async function raiseDeadLetterAlert(work: Work, subscription: string): Promise<void> {
  const options = `--subscription=${subscription}`
  await raiseAlert(work, {
    cause: causeOf(subscription),
    title: {
      ko: `처리하지 못한 이벤트가 데드 레터에 있습니다(${subscription})`,
      en: `Events that "${subscription}" could not take in are in the dead letters`,
    },
    todo: {
      ko: `"podo dead-letters list ${options}"로 오류를 보고 원인을 없앤 다음 "podo dead-letters redrive ${options}"로 다시 보내십시오.`,
      en: `See why with "podo dead-letters list ${options}", mend it, and send them again with "podo dead-letters redrive ${options}".`,
    },
  })
}

function causeOf(subscription: string): string {
  return `dead-letters/${subscription}`
}

/** Ends the alerts of those subscriptions that have no dead letters any more. */
async function endAlerts(work: Work, gone: readonly { subscription: string }[]): Promise<void> {
  const subscriptions = new Set(gone.map(({ subscription }) => subscription))
  for (const subscription of [...subscriptions].toSorted()) {
    const isOver = async () => !(await countDeadLetters(work)).has(subscription)
    await endAlert(work, { cause: causeOf(subscription), isOver })
  }
}
