import { invalidRequest } from '#platform/http-problems'
import type { Work } from '#platform/work'
import { getPerson, type Person } from '../accounts/accounts.ts'
import { toNicknameKey } from '../accounts/names.ts'
import { findProfileMistakes } from '../accounts/profile-rules.ts'
import { updateNicknameKey } from '../accounts/store.ts'
import type { Member } from '../identity.ts'
import { lockMember, updateProfile } from './store.ts'

/** What people may change of their own. */
export type Profile = Pick<Member, 'id' | 'nickname' | 'birthOn' | 'bio'>

/**
 * Changes what is given of a person's profile, and leaves the rest. `assertVersion` may refuse the version that there
 * is, which nobody else changes meanwhile. Throws `memberUnknown`, `nicknameTaken`, and what is wrong
 * with what is new.
 */
export async function changeProfile(
  work: Work,
  input: {
    memberId: string
    changes: Partial<Omit<Profile, 'id'>>
    timeZone: string
    assertVersion(version: number): void
  },
): Promise<Person> {
  const { memberId, changes, timeZone, assertVersion } = input
  await lockMember(work, memberId)
  const { member, confirmedAt } = await getPerson(work, memberId)
  assertVersion(member.version)
  const changed = { ...member, ...changes }
  if (!differs(member, changed)) return { member, confirmedAt }
  const mistakes = findProfileMistakes(onlyNew(member, changed), { now: await work.now(), timeZone })
  if (mistakes.length > 0) throw invalidRequest(mistakes)
  const nicknameKey = toNicknameKey(changed.nickname)
  if (nicknameKey !== toNicknameKey(member.nickname)) await updateNicknameKey(work, { memberId, nicknameKey })
  await updateProfile(work, changed)
  return { member: { ...changed, version: member.version + 1 }, confirmedAt }
}

/** What was right when it was chosen stays, whatever is asked of names today. */
function onlyNew(before: Profile, after: Profile): { nickname?: string; birthOn?: string | null } {
  return {
    ...(after.nickname !== before.nickname && { nickname: after.nickname }),
    ...(after.birthOn !== before.birthOn && { birthOn: after.birthOn }),
  }
}

function differs(one: Profile, other: Profile): boolean {
  return one.nickname !== other.nickname || one.birthOn !== other.birthOn || one.bio !== other.bio
}
