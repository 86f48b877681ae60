import { type Origin, recordAct, recordActs } from '#platform/audit'
import type { Sql } from '#platform/database'
import type { Envelopes } from '#platform/events/cloud-events'
import {
  anyDeadLetter,
  type DeadLetter,
  type DeadLetterFilter,
  listDeadLetters,
  redriveDeadLetters as redrive,
  takeDeadLetter,
} from '#platform/events/dead-letters'
import { toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { opsActs } from '../acts.ts'
import { opsProblems } from '../problems.ts'

/** How many dead letters are sent again in one unit of work. */
export const redriveMax = 1_000

/** A dead letter; throws `deadLetterUnknown`. */
export async function getDeadLetter(reads: { readonly sql: Sql }, id: string): Promise<DeadLetter> {
  const filter = { ...anyDeadLetter, ids: [id] }
  const [letter] = await listDeadLetters(reads, { filter, after: null, limit: 1 })
  return letter ?? unknown()
}

/**
 * Sends dead letters again, the oldest first and at most `redriveMax`; answers how many, and whether more of them are
 * left. An event that was taken in meanwhile has no second effect.
 */
export async function redriveDeadLetters(
  work: Work,
  { filter, origin }: { filter: DeadLetterFilter; origin: Origin },
): Promise<{ redriven: number; hasMore: boolean }> {
  const letters = await redrive(work, { filter, limit: redriveMax })
  const { actor } = work
  const acts = letters.map(({ id, subscription, event }) => ({
    actor,
    action: opsActs.redriveDeadLetter,
    target: { prefix: 'dlt', id } as const,
    before: { subscription, event: toPublicId('evt', event.id), type: event.type },
    after: null,
    origin,
  }))
  recordActs(work, acts)
  const left = letters.length < redriveMax ? [] : await listDeadLetters(work, { filter, after: null, limit: 1 })
  return { redriven: letters.length, hasMore: left.length > 0 }
}

/** Sends one again; throws `deadLetterUnknown`, also where somebody else did. */
export async function redriveDeadLetter(work: Work, { id, origin }: { id: string; origin: Origin }): Promise<void> {
  const { redriven } = await redriveDeadLetters(work, { filter: { ...anyDeadLetter, ids: [id] }, origin })
  if (redriven === 0) unknown()
}

/** Gives one up that is settled otherwise, for good; what it was stays in the audit log. Throws `deadLetterUnknown`. */
export async function discardDeadLetter(
  work: Work,
  by: { id: string; reason: string; envelopes: Envelopes; origin: Origin },
): Promise<void> {
  const { id, reason, envelopes, origin } = by
  const { subscription, event, attempts, error, failedAt } = (await takeDeadLetter(work, id)) ?? unknown()
  recordAct(work, {
    action: opsActs.discardDeadLetter,
    target: { prefix: 'dlt', id },
    before: { subscription, event: envelopes.wrap(event), attempts, error, failedAt },
    after: { reason },
    origin,
  })
}

function unknown(): never {
  throw new Problem(opsProblems.deadLetterUnknown)
}
