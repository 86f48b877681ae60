import { type Origin, recordAct } from '#platform/audit'
import type { Work } from '#platform/work'
import { getPerson } from '../accounts/accounts.ts'
import { identityActs } from '../acts.ts'
import { endSessions } from './sessions.ts'

/** Ends every session of a person by somebody else's act, and writes that down. Throws `memberUnknown`. */
export async function endMemberSessions(
  work: Work,
  { memberId, origin }: { memberId: string; origin: Origin },
): Promise<void> {
  await getPerson(work, memberId)
  const sessions = await endSessions(work, { memberId, exceptSessionId: null })
  if (sessions === 0) return
  const target = { prefix: 'mem', id: memberId } as const
  recordAct(work, {
    action: identityActs.endMemberSessions,
    target,
    before: { sessions },
    after: { sessions: 0 },
    origin,
  })
}
