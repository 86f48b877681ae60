import type { Caller } from './access.ts'
import type { Sql } from './database.ts'
import { newId, type Prefix } from './ids.ts'
import type { Actor, Work } from './work.ts'

/** Where an act came from: the credential, the address and the request; null where there was none. */
export interface Origin {
  /** UUID of the key or session. */
  readonly credentialId: string | null
  readonly address: string | null
  readonly requestId: string | null
}

/** Of what is done without a request. */
export const noOrigin: Origin = { credentialId: null, address: null, requestId: null }

/** Where a request came from. */
export function originOf({ id, caller }: { readonly id: string; readonly caller: Caller }): Origin {
  return { credentialId: caller.credentialId, address: caller.address, requestId: id }
}

/** What an act is called: by the name of its operation. Who looks into the log asks by it. */
export type ActName = string & { readonly [named]: true }
declare const named: unique symbol

/** Declares what the acts of a room are called. */
export function defineActs<Name extends string>(...names: Name[]): Readonly<Record<Name, ActName>> {
  return Object.fromEntries(names.map((name) => [name, name as string as ActName])) as Record<Name, ActName>
}

/** Something that somebody may have to answer for; fields of `before` and `after` as callers see them, no secrets. */
export interface Act {
  readonly action: ActName
  /** What it was done to; `id` is a UUID. */
  readonly target: { readonly prefix: Prefix; readonly id: string }
  readonly before: object | null
  readonly after: object | null
  readonly origin: Origin
}

/** An act as it stands in the log. */
export interface RecordedAct extends Act {
  readonly id: string
  readonly at: Date
  readonly actor: Actor
}

/** Writes an act of the actor of this unit of work down, in the same transaction as what it tells of. */
export function recordAct(work: Work, act: Act): void {
  recordActs(work, [{ ...act, actor: work.actor }])
}

/** Writes acts down, each with its own actor. One statement; an error of it is the transaction's. */
export function recordActs(work: Work, acts: readonly (Act & { readonly actor: Actor })[]): void {
  if (acts.length === 0) return
  work.sql.send(
    `insert into platform.audit (id, at, actor_type, actor_id, credential_id, action, target_type, target_id, before,
       after, address, request_id)
     select id, platform.programme_time(), actor_type, actor_id, credential_id, action, target_type, target_id, before,
       after, address, request_id
     from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::jsonb[],
       $9::jsonb[], $10::inet[], $11::text[])
       as act (id, actor_type, actor_id, credential_id, action, target_type, target_id, before, after, address,
         request_id)`,
    [
      acts.map(() => newId()),
      acts.map(({ actor }) => actor.type),
      acts.map(({ actor }) => actor.id),
      acts.map(({ origin }) => origin.credentialId),
      acts.map(({ action }) => action),
      acts.map(({ target }) => target.prefix),
      acts.map(({ target }) => target.id),
      acts.map(({ before }) => before && JSON.stringify(before)),
      acts.map(({ after }) => after && JSON.stringify(after)),
      acts.map(({ origin }) => origin.address),
      acts.map(({ origin }) => origin.requestId),
    ],
  )
}

/** Which acts are asked for; null where it does not matter. */
export interface ActQuery {
  readonly actor: Actor | null
  readonly action: string | null
  /** UUID of what it was done to. */
  readonly targetId: string | null
  /** Inclusive. */
  readonly from: Date | null
  /** Exclusive. */
  readonly to: Date | null
  /** The act after which the list goes on. */
  readonly after: { readonly at: Date; readonly id: string } | null
  readonly limit: number
}

/** Acts, newest first. */
export async function listActs(reads: { readonly sql: Sql }, query: ActQuery): Promise<RecordedAct[]> {
  const { where, values } = toConditions(query)
  const rows = await reads.sql.rows<ActRow>(
    `select id, at, actor_type as "actorType", actor_id as "actorId", credential_id as "credentialId", action,
       target_type as "targetType", target_id as "targetId", before, after, host(address) as address,
       request_id as "requestId"
     from platform.audit where ${where} order by at desc, id desc limit $${values.length + 1}`,
    [...values, query.limit],
  )
  return rows.map(toAct)
}

/** What is asked for and no more: plans are made once for a text, and one for all that may be asked uses no index. */
function toConditions({ actor, action, targetId, from, to, after }: ActQuery): { where: string; values: unknown[] } {
  const conditions = ['true']
  const values: unknown[] = []
  const ask = (condition: string, ...given: unknown[]) => {
    conditions.push(condition.replace(/\?/g, () => `$${values.push(given.shift())}`))
  }
  if (actor?.id) ask('actor_type = ? and actor_id = ?::uuid', actor.type, actor.id)
  else if (actor) ask('actor_type = ? and actor_id is null', actor.type)
  if (action !== null) ask('action = ?', action)
  if (targetId !== null) ask('target_id = ?::uuid', targetId)
  if (from) ask('at >= ?::timestamptz', from)
  if (to) ask('at < ?::timestamptz', to)
  if (after) ask('(at, id) < (?::timestamptz, ?::uuid)', after.at, after.id)
  return { where: conditions.join(' and '), values }
}

interface ActRow extends Origin {
  readonly id: string
  readonly at: Date
  readonly actorType: Actor['type']
  readonly actorId: string | null
  readonly action: ActName
  readonly targetType: Prefix
  readonly targetId: string
  readonly before: object | null
  readonly after: object | null
}

function toAct({ actorType, actorId, targetType, targetId, credentialId, address, requestId, ...act }: ActRow) {
  return {
    ...act,
    actor: { type: actorType, id: actorId },
    target: { prefix: targetType, id: targetId },
    origin: { credentialId, address, requestId },
  }
}
