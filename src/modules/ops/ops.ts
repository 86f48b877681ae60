import { type ActQuery, listActs, type RecordedAct } from '#platform/audit'
import type { Database } from '#platform/database'
import type { Envelopes } from '#platform/events/cloud-events'
import { fromPublicId, prefixes } from '#platform/ids'
import type { Actor, WithWork } from '#platform/work'

/** What operations look at. */
export interface Ops {
  readonly database: Database
  readonly withWork: WithWork
  /** How events are shown. */
  readonly envelopes: Envelopes
  /** Where the days begin that are asked for. */
  readonly timeZone: string
  /** What the acts of the audit log are called. */
  readonly acts: readonly string[]
}

/** Acts of the audit log, newest first, from after `query.after`. */
export function listAudit({ database }: Ops, query: ActQuery): Promise<RecordedAct[]> {
  return listActs(database, query)
}

/** The actor that a query names: by the id of a member or company, or by its kind where there is one only; or null. */
export function readActor(text: string): Actor | null {
  if (text === 'operator' || text === 'system') return { type: text, id: null }
  const member = fromPublicId('mem', text)
  if (member) return { type: 'member', id: member }
  const company = fromPublicId('cmp', text)
  return company ? { type: 'company', id: company } : null
}

/** The UUID of an id of any kind; null where it is none. */
export function readTargetId(text: string): string | null {
  const prefix = Object.keys(prefixes).find((it) => text.startsWith(`${it}_`)) as keyof typeof prefixes | undefined
  return prefix ? fromPublicId(prefix, text) : null
}
