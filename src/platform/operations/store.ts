import type { Sql, TransactionSql } from '../database.ts'
import type { StoredAnswer } from '../idempotency.ts'
import type { Command } from './commands.ts'

type Reads = { readonly sql: Sql }

/** A command, and its text as it is kept. */
export interface SealedCommand extends Command {
  readonly request: string
}

/** What stands under a key that an operation came with. */
export interface Found {
  /** The operation's; null where the key was answered without one. */
  readonly id: string | null
  readonly requestHash: string
  readonly isWaiting: boolean
  /** When the operation was taken on; null where the key was answered without one. */
  readonly createdAt: Date | null
}

/**
 * Takes operations on whose keys are nobody's yet, and finds what the others' keys stand for: null where somebody is
 * storing one just now. Two that come together with one key are one operation.
 */
export async function insertOperations(sql: Sql, commands: readonly SealedCommand[]): Promise<(Found | null)[]> {
  const rows = await sql.rows<Found & { place: number }>(
    `with given as (
       select * from ${given}
     ), answered as (
       select g.place, k.request_hash from given g join platform.idempotency_key k on k.digest = g.digest
     ), taken as (
       insert into platform.operation (id, digest, request_hash, name, actor_type, actor_id, order_key, request)
       select id, digest, request_hash, name, actor_type, actor_id, order_key, request from given g
       where not exists (select from answered a where a.place = g.place) order by place
       on conflict (digest) do nothing
       returning id, digest, request_hash, created_at
     )
     select g.place::int - 1 as place, coalesce(t.id, o.id) as id,
       coalesce(t.request_hash, o.request_hash, a.request_hash) as "requestHash",
       t.digest is not null or (o.digest is not null and o.completed_at is null) as "isWaiting",
       coalesce(t.created_at, o.created_at) as "createdAt"
     from given g left join taken t on t.digest = g.digest left join platform.operation o on o.digest = g.digest
       left join answered a on a.place = g.place
     where coalesce(t.request_hash, o.request_hash, a.request_hash) is not null`,
    columnsOf(commands),
  )
  const found = commands.map((): Found | null => null)
  for (const { place, ...row } of rows) found[place] = row
  return found
}

/** What stands under keys; null under those of which nothing is known. */
export async function findByKeys(reads: Reads, digests: readonly string[]): Promise<(Found | null)[]> {
  const rows = await reads.sql.rows<Found & { place: number }>(
    `select g.place::int - 1 as place, o.id, coalesce(o.request_hash, k.request_hash) as "requestHash",
       o.digest is not null and o.completed_at is null and k.digest is null as "isWaiting", o.created_at as "createdAt"
     from unnest($1::uuid[]) with ordinality as g (digest, place)
       left join platform.operation o on o.digest = g.digest
       left join platform.idempotency_key k on k.digest = g.digest
     where coalesce(o.request_hash, k.request_hash) is not null`,
    [digests],
  )
  const found = digests.map((): Found | null => null)
  for (const { place, ...row } of rows) found[place] = row
  return found
}

/**
 * Takes operations on that were promised already, in their order, whatever stands under their keys: that is seen when
 * they are carried out. Those that are there are passed over; one whose key is another operation's is kept without it.
 */
export async function insertPromised(sql: TransactionSql, commands: readonly SealedCommand[]): Promise<void> {
  await sql.run(
    `with given as (
       select * from ${given}
     )
     insert into platform.operation (id, digest, request_hash, name, actor_type, actor_id, order_key, request)
     select id, digest, request_hash, name, actor_type, actor_id, order_key, request from given order by place
     on conflict (digest) do nothing`,
    columnsOf(commands),
  )
  // In a statement of its own, which sees what the one before, or another process, has inserted.
  await sql.run(
    `with given as (
       select * from ${given}
     )
     insert into platform.operation (id, request_hash, name, actor_type, actor_id, order_key, request)
     select distinct on (g.id) g.id, g.request_hash, g.name, g.actor_type, g.actor_id, g.order_key, g.request
     from given g join platform.operation o on o.digest = g.digest and o.request_hash <> g.request_hash
     where not exists (select from platform.operation other where other.id = g.id)`,
    columnsOf(commands),
  )
}

const given = `unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[])
  with ordinality as g (id, digest, request_hash, name, actor_type, actor_id, order_key, request, place)`

function columnsOf(commands: readonly SealedCommand[]): unknown[] {
  return [
    commands.map(({ id }) => id),
    commands.map(({ asked }) => asked.key.digest),
    commands.map(({ asked }) => asked.key.requestHash),
    commands.map(({ name }) => name),
    commands.map(({ asked }) => asked.caller.actor.type),
    commands.map(({ asked }) => asked.caller.actor.id),
    commands.map(({ orderKey }) => orderKey),
    commands.map(({ request }) => request),
  ]
}

/** An operation that waits. */
export interface WaitingRow {
  readonly seq: number
  readonly request: string
  readonly orderKey: string
  /** Whether its key is its own. */
  readonly isKeyed: boolean
}

/** Those that wait, in their order, but for those of these order keys: as many as are so long together, or the first. */
export function selectWaiting(
  reads: Reads,
  { limit, bytesMax, except }: { limit: number; bytesMax: number; except: readonly string[] },
): Promise<WaitingRow[]> {
  // The length of what is stored outside its row is known without reading it.
  return reads.sql.rows<WaitingRow>(
    `select seq, request, order_key as "orderKey", digest is not null as "isKeyed"
     from (
       select *, sum(octet_length(request)) over (order by seq) as bytes from (
         select seq, request, order_key, digest from platform.operation
         where completed_at is null and order_key <> all($2::uuid[]) order by seq limit $1
       ) as first
     ) as measured
     where bytes <= $3 or bytes = octet_length(request) order by seq`,
    [limit, except, bytesMax],
  )
}

/** What came of an operation. */
export interface CompletedRow extends Pick<StoredAnswer, 'status'> {
  readonly seq: number
  readonly outcome: string
}

/** Those that another has completed meanwhile stay as they are. */
export function updateCompleted(sql: TransactionSql, rows: readonly CompletedRow[]): void {
  sql.send(
    `update platform.operation o set completed_at = platform.programme_time(), status = done.status,
       outcome = done.outcome, request = null
     from unnest($1::bigint[], $2::smallint[], $3::text[]) as done (seq, status, outcome)
     where o.seq = done.seq and o.completed_at is null`,
    [rows.map(({ seq }) => seq), rows.map(({ status }) => status), rows.map(({ outcome }) => outcome)],
  )
}

/** An operation as it is shown. */
export interface OperationRow {
  readonly id: string
  readonly name: string
  readonly actorType: string
  readonly actorId: string | null
  readonly createdAt: Date
  readonly completedAt: Date | null
  readonly status: number | null
  readonly outcome: string | null
}

/** The operations that these ids name; should an id name two, by some chance in a million million, both. */
export function selectOperations(reads: Reads, ids: readonly string[]): Promise<OperationRow[]> {
  return reads.sql.rows<OperationRow>(
    `select id, name, actor_type as "actorType", actor_id as "actorId", created_at as "createdAt",
       completed_at as "completedAt", status, outcome
     from platform.operation where id = any($1::uuid[])`,
    [ids],
  )
}

/** How many wait, and for how many seconds the oldest has. */
export async function findQueue(reads: Reads): Promise<{ count: number; ageSeconds: number }> {
  const rows = await reads.sql.rows<{ count: number; ageSeconds: number }>(
    `select count(*)::int as count, coalesce(greatest(extract(epoch from
         platform.programme_time() - (select created_at from platform.operation where completed_at is null
           order by seq limit 1)), 0), 0)::float8 as "ageSeconds"
     from platform.operation where completed_at is null`,
  )
  return rows[0]!
}

/** Whether any that was taken on after the oldest that waits is done. */
export async function isPassed(reads: Reads): Promise<boolean> {
  const rows = await reads.sql.rows<{ is: boolean }>(
    `select exists (
       select from platform.operation
       where completed_at is not null
         and seq > (select seq from platform.operation where completed_at is null order by seq limit 1)
     ) as is`,
  )
  return rows[0]!.is
}
