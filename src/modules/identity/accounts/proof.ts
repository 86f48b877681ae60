import type { Sql } from '#platform/database'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { identityProblems } from '../problems.ts'
import { selectIsYoung } from '../sessions/store.ts'
import type { Passwords } from './passwords.ts'
import { holdLogin, selectLogin } from './store.ts'

/** That it is the person who asks, and not only somebody with the token: what changes how one signs in takes it. */
export interface Proof {
  readonly memberId: string
  /** What it was proved by; null where there is no password. */
  readonly passwordHash: string | null
}

/** Who is signed in, with the present password where it was sent. */
export interface Claim {
  readonly memberId: string
  readonly sessionId: string
  readonly currentPassword: string | null
}

/** A session no older than this proves who has no password. */
const sessionSecondsMax = 600

/**
 * Proves once more who is signed in: by the password, or, where there is none, by having signed in a moment ago. Not in
 * a unit of work: the password is hashed. Throws `memberUnknown`, `passwordWrong` and `sessionTooOld`.
 */
export async function proveAgain(
  { reads, passwords }: { reads: { readonly sql: Sql }; passwords: Passwords },
  { memberId, sessionId, currentPassword }: Claim,
): Promise<Proof> {
  const login = await selectLogin(reads, memberId)
  if (!login) throw new Problem(identityProblems.memberUnknown)
  const { passwordHash } = login
  if (passwordHash === null) {
    const isYoung = await selectIsYoung(reads, { sessionId, secondsMax: sessionSecondsMax })
    if (!isYoung) throw new Problem(identityProblems.sessionTooOld)
  } else if (!(await passwords.isRight(currentPassword ?? '', passwordHash))) {
    throw new Problem(identityProblems.passwordWrong)
  }
  return { memberId, passwordHash }
}

/** Holds the login until the unit of work ends. Throws `passwordWrong` where the proof is none any more. */
export async function lockProved(work: Work, proof: Proof): Promise<void> {
  const login = await holdLogin(work, proof.memberId)
  if (login?.passwordHash !== proof.passwordHash) throw new Problem(identityProblems.passwordWrong)
}
