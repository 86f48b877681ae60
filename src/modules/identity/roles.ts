import { type Origin, recordAct } from '#platform/audit'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { getPerson, type Person, type PreparedSignUp, signUp } from './accounts/accounts.ts'
import { identityActs } from './acts.ts'
import { findMembers } from './identity.ts'
import { identityProblems } from './problems.ts'
import { lockAdmins, updateRole } from './store.ts'

/** What a person is in the whole programme. */
export type ProgrammeRole = 'USER' | 'ADMIN'

/**
 * Throws `lastAdmin` where nobody would be left whom the programme is entrusted to, if this member no longer were.
 * Until this unit of work ends, no other administrator stops being one.
 */
export async function assertNotLastAdmin(work: Work, memberId: string): Promise<void> {
  const [member] = await findMembers(work, [memberId])
  if (!member?.isAdmin) return
  const adminIds = await lockAdmins(work)
  if (adminIds.every((id) => id === memberId)) throw new Problem(identityProblems.lastAdmin)
}

/** Gives a person who signs in a role, from the next request on. Throws `memberUnknown` and `lastAdmin`. */
export async function changeProgrammeRole(
  work: Work,
  input: { memberId: string; role: ProgrammeRole; origin: Origin },
): Promise<Person> {
  const { memberId, role, origin } = input
  const person = await getPerson(work, memberId)
  if (role === 'USER') await assertNotLastAdmin(work, memberId)
  const before = await updateRole(work, { memberId, role })
  if (before === null) return person
  const target = { prefix: 'mem', id: memberId } as const
  recordAct(work, { action: identityActs.changeMemberRole, target, before: { role: before }, after: { role }, origin })
  return getPerson(work, memberId)
}

/** Makes somebody who signs in and is an administrator. Throws `addressTaken` and `nicknameTaken`. */
export async function createAdmin(work: Work, input: PreparedSignUp & { origin: Origin }): Promise<Person> {
  const { origin, ...prepared } = input
  const { member } = await signUp(work, { ...prepared, signUpKey: null })
  const role = 'ADMIN'
  await updateRole(work, { memberId: member.id, role })
  const target = { prefix: 'mem', id: member.id } as const
  recordAct(work, { action: identityActs.createAdmin, target, before: null, after: { role }, origin })
  return getPerson(work, member.id)
}
