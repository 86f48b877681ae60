import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import type { Attempt } from '../deliveries/store.ts'

/** A delivery that this process is to send now. */
export interface Claimed {
  readonly id: string
  readonly endpointId: string
  readonly eventId: string
  readonly type: string
  readonly body: string
  readonly url: string
  /** The present one, and the one before while it is good. */
  readonly sealedSecrets: readonly string[]
  /** That of this attempt: by it its outcome is noted. */
  readonly attempt: number
  /** Attempts since it was sent for the first time, or again, this one among them. */
  readonly attempts: number
  /** When it was claimed: the programme's time, and the time by which receivers go, in milliseconds since 1970. */
  readonly at: Date
  readonly nowMs: number
}

/**
 * Claims what is due, at most `limit`, and of each endpoint at most `perEndpointMax` at once in this process, or one if
 * it fails; a company never has more under way than there is room left for others, whose first go before its second:
 * who dawdles or is gone holds up nobody else. Until `claimSeconds` are over nobody else takes it; then it
 * counts as lost by a process that died, and is sent again. Endpoints that have something pending are found one after
 * another by the index, and no other row is looked at; `offset 0` keeps it so, where joining them in any other order
 * took ten times as long for a thousand. Only what is taken is locked.
 */
export function claimDue(
  reads: { readonly sql: Sql },
  input: {
    busy: ReadonlyMap<string, number>
    limit: number
    perEndpointMax: number
    claimSeconds: number
  },
): Promise<Claimed[]> {
  const { busy, limit, perEndpointMax, claimSeconds } = input
  return reads.sql.rows<Claimed>(
    `with recursive waiting (endpoint_id) as (
       (select endpoint_id from webhooks.delivery where status = 'pending' order by endpoint_id limit 1)
       union all
       select (select d.endpoint_id from webhooks.delivery d
               where d.status = 'pending' and d.endpoint_id > w.endpoint_id order by d.endpoint_id limit 1)
       from waiting w where w.endpoint_id is not null
     ), clock as materialized (
       select platform.programme_time() as now, extract(epoch from clock_timestamp()) * 1000 as now_ms
     ), busy as (
       select endpoint_id, count from unnest($1::uuid[], $2::int[]) as busy (endpoint_id, count)
     ), sending as (
       select e.company_id, sum(busy.count) as count
       from busy join webhooks.endpoint e on e.id = busy.endpoint_id group by e.company_id
     ), due as (
       select due.id, due.due_at, coalesce(sending.count, 0)
         + row_number() over (partition by e.company_id order by due.due_at, due.id) as turn
       from clock cross join waiting w
       cross join lateral (
         select * from webhooks.endpoint
         where id = w.endpoint_id and disabled_at is null and deleted_at is null
           and (paused_until is null or paused_until <= clock.now)
         offset 0
       ) e
       left join busy on busy.endpoint_id = e.id
       left join sending on sending.company_id = e.company_id
       cross join lateral (
         select d.id, d.due_at from webhooks.delivery d
         where d.endpoint_id = e.id and d.status = 'pending' and d.due_at <= clock.now
         order by d.due_at
         limit greatest(0, case when e.failing_since is null then $3 else 1 end - coalesce(busy.count, 0))
       ) due
     ), placed as (
       select id, turn, row_number() over (order by turn, due_at, id) as place from due
     ), free as (
       select d.id from webhooks.delivery d
       where d.id = any(array(select id from placed where turn <= $4 - place + 1))
         and d.status = 'pending' and d.due_at <= (select now from clock)
       for no key update skip locked
     )
     update webhooks.delivery d set attempts = attempts + 1, due_at = clock.now + $5 * interval '1 second'
     from free, clock, webhooks.endpoint e where d.id = free.id and e.id = d.endpoint_id
     returning d.id, d.endpoint_id as "endpointId", d.event_id as "eventId", d.type, d.body, e.url,
       case when e.former_secret_until > clock.now then array[e.sealed_secret, e.sealed_former_secret]
         else array[e.sealed_secret] end as "sealedSecrets",
       d.attempts as attempt, d.attempts - d.attempts_before as attempts, clock.now as at,
       clock.now_ms::float8 as "nowMs"`,
    [[...busy.keys()], [...busy.values()], perEndpointMax, limit, claimSeconds],
  )
}

/** What an attempt came to, and the delivery that it was for. */
export interface Noted {
  readonly id: string
  readonly attempt: Attempt
}

/** Somebody may send the same again and again: only the newest fifty are kept. */
const logged = `log = jsonb_path_query_array(log || $3::jsonb, '$[last - 49 to last]')`

/**
 * Notes that a delivery was taken, though it was given up meanwhile, or is tried no more. Answers whether the attempt
 * was the last one: nothing is noted of one whose maker was taken for dead.
 */
export async function noteDone(
  work: Work,
  { id, attempt, status }: Noted & { status: 'delivered' | 'failed' },
): Promise<boolean> {
  const touched = await work.sql.run(
    `update webhooks.delivery
     set status = $4, due_at = null, completed_at = platform.programme_time(), ${logged}
     where id = $1 and attempts = $2`,
    [id, attempt.number, JSON.stringify(attempt), status],
  )
  return touched === 1
}

/** Notes that a delivery is tried again, later; one that was given up meanwhile stays so. Answers as above. */
export async function notePutOff(work: Work, { id, attempt, delayMs }: Noted & { delayMs: number }): Promise<boolean> {
  const touched = await work.sql.run(
    `update webhooks.delivery
     set due_at = case when status = 'pending' then platform.programme_time() + $4 * interval '1 millisecond' end,
       ${logged}
     where id = $1 and attempts = $2`,
    [id, attempt.number, JSON.stringify(attempt), delayMs],
  )
  return touched === 1
}

/**
 * For how many seconds what could be sent first has been due. What waits because its receiver fails, or asked to be
 * left alone, is not late. Of each endpoint one row is looked at, by the index.
 */
export async function findLag(reads: { readonly sql: Sql }): Promise<number> {
  const rows = await reads.sql.rows<{ seconds: number }>(
    `with clock as materialized (select platform.programme_time() as now)
     select greatest(0, max(extract(epoch from clock.now - greatest(first.due_at, e.paused_until))))::float8 as seconds
     from clock cross join webhooks.endpoint e
     cross join lateral (
       select due_at from webhooks.delivery where endpoint_id = e.id and status = 'pending' order by due_at limit 1
     ) first
     where e.disabled_at is null and e.deleted_at is null and e.failing_since is null
       and (e.paused_until is null or e.paused_until <= clock.now)`,
  )
  return rows[0]!.seconds
}

/** Notes that an endpoint takes what it is sent, where it had not. */
export async function noteWorking(work: Work, endpointId: string): Promise<void> {
  await work.sql.run('update webhooks.endpoint set failing_since = null where id = $1 and failing_since is not null', [
    endpointId,
  ])
}

/** Notes that an endpoint took nothing; answers whether that is so for `failingMs` by now. */
export async function noteFailing(
  work: Work,
  { endpointId, pauseMs, failingMs }: { endpointId: string; pauseMs: number | null; failingMs: number },
): Promise<boolean> {
  const rows = await work.sql.rows<{ isOver: boolean }>(
    `update webhooks.endpoint
     set failing_since = coalesce(failing_since, now),
       paused_until = greatest(paused_until, now + $2::bigint * interval '1 millisecond')
     from platform.programme_time() as now where id = $1
     returning failing_since <= now - $3 * interval '1 millisecond' as "isOver"`,
    [endpointId, pauseMs, failingMs],
  )
  return rows[0]?.isOver ?? false
}
