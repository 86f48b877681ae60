import { endLinks, type Links } from '#platform/links'
import { Problem } from '#platform/problem'
import { toMailAddress } from '#platform/text'
import type { Work } from '#platform/work'
import { selectLogin, updateAddress } from '../accounts/store.ts'
import { identityProblems } from '../problems.ts'
import { lockMember, updateEmail } from '../profiles/store.ts'
import { endSessions, isSessionOpen } from '../sessions/sessions.ts'
import { type AddressChange, linkKinds, linkPurposes } from './kinds.ts'

/**
 * Gives the member of a link the address that it was sent to, which is confirmed by it; every session ends but the one
 * that asked. Answers the member, and the address that there was. Throws `linkUnusable`, also where the session that
 * asked has ended since, and `addressTaken`.
 */
export async function changeAddress(
  { work, links }: { work: Work; links: Links },
  token: string,
): Promise<{ memberId: string; before: string | null }> {
  const { purpose } = linkKinds['email-change']
  const link = (await links.find(work, { purpose, token })) ?? unusable()
  const { subjectId: memberId, boundTo } = link
  const { email, sessionId } = JSON.parse(boundTo) as AddressChange
  // Member, login, link: in the order in which whoever leaves takes them.
  await lockMember(work, memberId)
  const login = (await selectLogin(work, memberId)) ?? unusable()
  const confirmedAt = await work.now()
  await updateAddress(work, { memberId, address: toMailAddress(email), confirmedAt })
  const isUsed = await links.use(work, { purpose, token })
  // Looked at under the lock of the login: a password that is being changed meanwhile has ended the session by now.
  if (!isUsed || !(await isSessionOpen(work, sessionId))) unusable()
  await updateEmail(work, { id: memberId, email })
  await endSessions(work, { memberId, exceptSessionId: sessionId })
  await endLinks(work, { purposes: linkPurposes, subjectId: memberId })
  return { memberId, before: login.address }
}

function unusable(): never {
  throw new Problem(identityProblems.linkUnusable)
}
