import type { Sql } from '#platform/database'
import { invalidRequest } from '#platform/http-problems'
import { Problem } from '#platform/problem'
import { toMailAddress } from '#platform/text'
import type { Work } from '#platform/work'
import { createMembers, findMembers, type Member } from '../identity.ts'
import { identityProblems } from '../problems.ts'
import { endSessions } from '../sessions/sessions.ts'
import { toNicknameKey } from './names.ts'
import { findWeakness, type OwnData } from './password-rules.ts'
import type { Passwords } from './passwords.ts'
import { type Clock, findProfileMistakes } from './profile-rules.ts'
import {
  holdLogin,
  insertLogin,
  keepLogin,
  type Login,
  selectAddresses,
  selectLogin,
  selectLoginByAddress,
  selectLoginIds,
  updatePassword,
} from './store.ts'

type Reads = { readonly sql: Sql }

/** A member who signs in. */
export interface Person {
  readonly member: Member
  /** When it was proved whose the address is. */
  readonly confirmedAt: Date | null
}

/** A member who signs in; throws `memberUnknown` for everybody else. */
export async function getPerson(reads: Reads, memberId: string): Promise<Person> {
  const [login, [member]] = await Promise.all([selectLogin(reads, memberId), findMembers(reads, [memberId])])
  if (!login || !member) throw new Problem(identityProblems.memberUnknown)
  return { member, confirmedAt: login.confirmedAt }
}

/** Who signs in with this address, however it is written; null where nobody does. */
export async function findPersonByAddress(reads: Reads, email: string): Promise<Person | null> {
  const login = await selectLoginByAddress(reads, toMailAddress(email))
  return login && getPerson(reads, login.memberId)
}

/** Where these members get mail: addresses that were proved to be theirs, of those who sign in. */
export function findMailAddresses(reads: Reads, memberIds: readonly string[]): Promise<string[]> {
  return selectAddresses(reads, memberIds)
}

/** Those among these members who sign in. */
export async function findPeopleIds(reads: Reads, memberIds: readonly string[]): Promise<ReadonlySet<string>> {
  return new Set(await selectLoginIds(reads, memberIds))
}

/** Whether a member signs in, and goes on to until this unit of work ends: who leaves waits for it. */
export function lockPerson(work: Work, memberId: string): Promise<boolean> {
  return keepLogin(work, memberId)
}

/** What a person signs up with. */
export interface SignUp {
  readonly email: string
  readonly password: string
  readonly nickname: string
  readonly birthOn: string | null
  readonly bio: string | null
}

/** What a sign-up becomes once its password is hashed, which takes longer than anybody may hold a transaction. */
export type PreparedSignUp = Omit<SignUp, 'password'> & { readonly passwordHash: string }

/** Hashes the password of a person of whom nothing is wrong. Throws what is, or that too much is waiting. */
export async function prepareSignUp(
  { passwords, clock }: { passwords: Passwords; clock: Clock },
  { password, ...person }: SignUp,
): Promise<PreparedSignUp> {
  const weakness = await findWeakness(password, person)
  const mistakes = findProfileMistakes(person, clock)
  if (weakness) mistakes.push({ pointer: '/password', detail: weakness })
  if (mistakes.length > 0) throw invalidRequest(mistakes)
  return { ...person, passwordHash: await passwords.hash(password) }
}

/**
 * Makes a member with a login and a wallet; `signUpKey` is the digest of the key that the answer is kept under. Throws
 * `addressTaken` and `nicknameTaken`.
 */
export async function signUp(
  work: Work,
  { email, passwordHash, signUpKey, ...person }: PreparedSignUp & { signUpKey: string | null },
): Promise<Person> {
  const [member] = await createMembers(work, [{ companyId: null, externalId: null, email, ...person }])
  await insertLogin(work, {
    memberId: member!.id,
    address: toMailAddress(email),
    confirmedAt: null,
    nicknameKey: toNicknameKey(member!.nickname),
    passwordHash,
    signUpKey,
  })
  return { member: member!, confirmedAt: null }
}

interface SignedIn {
  readonly login: Login
  readonly renewedHash: string | null
}

/**
 * The member whose address and password these are; null where they are nobody's, which takes as long. A hash that was
 * made with yesterday's parameters is answered too, with one of today's. Throws that too much is waiting.
 */
export async function findByPassword(
  { reads, passwords }: { reads: Reads; passwords: Passwords },
  { email, password }: { email: string; password: string },
): Promise<SignedIn | null> {
  const login = await selectLoginByAddress(reads, toMailAddress(email))
  if (!(await passwords.isRight(password, login?.passwordHash ?? null)) || !login) return null
  const renewedHash = passwords.isOutdated(login.passwordHash!) ? await passwords.hash(password) : null
  return { login, renewedHash }
}

/**
 * Whether address and password are still what they were proved to be. Whoever changes them waits until this unit of
 * work ends, and then ends the session that it began.
 */
export async function holdSignIn(work: Work, { login }: SignedIn): Promise<boolean> {
  const present = await holdLogin(work, login.memberId)
  return present?.address === login.address && present.passwordHash === login.passwordHash
}

/** Keeps a hash with today's parameters in place of an older one. */
export async function renewHash(work: Work, { login, renewedHash }: SignedIn): Promise<void> {
  if (renewedHash === null) return
  const { memberId, passwordHash: oldHash } = login
  await updatePassword(work, { memberId, oldHash, passwordHash: renewedHash })
}

/** What a change of the password takes, checked and hashed before any transaction. Throws `passwordWrong` and what is weak. */
export async function preparePasswordChange(
  { reads, passwords }: { reads: Reads; passwords: Passwords },
  input: { memberId: string; currentPassword: string; newPassword: string },
): Promise<{ memberId: string; oldHash: string | null; passwordHash: string }> {
  const { memberId } = input
  const [login, [member]] = await Promise.all([selectLogin(reads, memberId), findMembers(reads, [memberId])])
  const oldHash = login?.passwordHash ?? null
  if (!(await passwords.isRight(input.currentPassword, oldHash))) throw new Problem(identityProblems.passwordWrong)
  await assertStrong('/newPassword', { password: input.newPassword, person: member! })
  return { memberId, oldHash, passwordHash: await passwords.hash(input.newPassword) }
}

/** Sets a password and ends every other session. Throws `passwordWrong` where it was changed meanwhile. */
export async function changePassword(
  work: Work,
  input: { memberId: string; oldHash: string | null; passwordHash: string; exceptSessionId: string | null },
): Promise<void> {
  if (!(await updatePassword(work, input))) throw new Problem(identityProblems.passwordWrong)
  await endSessions(work, input)
}

/** Throws a 400 that names the field of a password that is common, or made of the person's own data. */
export async function assertStrong(
  pointer: string,
  { password, person }: { password: string; person: OwnData },
): Promise<void> {
  const detail = await findWeakness(password, person)
  if (detail) throw invalidRequest([{ pointer, detail }])
}
