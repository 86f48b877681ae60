import { hash, randomBytes } from 'node:crypto'
import type { Sql } from '#platform/database'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { identityProblems } from '../problems.ts'
import {
  claimRefreshToken,
  insertRefreshToken,
  insertSession,
  selectIsOpen,
  selectSessionOfToken,
  selectSessions,
  selectStillOpen,
  updateAllEnded,
  updateEnded,
  updateOwnEnded,
  updateRefreshed,
} from './store.ts'

type Reads = { readonly sql: Sql }

/** How somebody proved to be who they are. */
export type Method = 'password' | 'kakao' | 'naver' | 'google'

/** A person's stay on one device, from signing in to signing out. All ids are UUIDs. */
export interface Session {
  readonly id: string
  readonly memberId: string
  readonly method: Method
  /** What the client said that it is. */
  readonly device: string | null
  /** From where it began. */
  readonly address: string
  readonly createdAt: Date
  readonly refreshedAt: Date
  readonly expiresAt: Date
}

/** A session that has just begun, or goes on: the one time that its refresh token is there. */
export interface Stay {
  readonly sessionId: string
  readonly memberId: string
  readonly refreshToken: string
  readonly at: Date
}

/** A session that nobody refreshes ends after so many days, and any one after so many. */
const idleDaysMax = 30
const lifeMaxDays = 180

/** Begins a session, always a new one: none can be foisted on whoever signs in. */
export async function startSession(
  work: Work,
  input: Pick<Session, 'memberId' | 'method' | 'device' | 'address'>,
): Promise<Stay> {
  const at = await work.now()
  const id = work.newId()
  const { memberId } = input
  await insertSession(work, { ...input, id, createdAt: at, refreshedAt: at, expiresAt: daysAfter(at, idleDaysMax) })
  return { sessionId: id, memberId, refreshToken: await addRefreshToken(work, { sessionId: id, at }), at }
}

/**
 * Spends a refresh token for a new one. A token that was spent before is in two hands, so its session ends. Null where
 * the token lets nobody go on; what was ended stays ended then, so this must be committed.
 */
export async function refreshSession(work: Work, refreshToken: string): Promise<Stay | null> {
  const at = await work.now()
  const digest = digestOf(refreshToken)
  const sessionId = await claimRefreshToken(work, { digest, at })
  if (!sessionId) {
    const reused = await selectSessionOfToken(work, digest)
    if (reused) await updateEnded(work, { id: reused, at })
    return null
  }
  const memberId = await updateRefreshed(work, { sessionId, at, expiresAt: daysAfter(at, idleDaysMax), lifeMaxDays })
  if (!memberId) return null
  return { sessionId, memberId, refreshToken: await addRefreshToken(work, { sessionId, at }), at }
}

/** Ends one session; no request that begins after this was answered is let in. Throws `sessionUnknown`. */
export async function endSession(work: Work, input: { memberId: string; sessionId: string }): Promise<void> {
  const isEnded = await updateOwnEnded(work, { ...input, at: await work.now() })
  if (!isEnded) throw new Problem(identityProblems.sessionUnknown)
}

/** Ends every session of a member, but for one where it is named; answers how many there were. */
export async function endSessions(
  work: Work,
  { memberId, exceptSessionId }: { memberId: string; exceptSessionId: string | null },
): Promise<number> {
  return updateAllEnded(work, { memberId, exceptSessionId, at: await work.now() })
}

/** Whether a session goes on. */
export function isSessionOpen(reads: Reads, id: string): Promise<boolean> {
  return selectIsOpen(reads, id)
}

/** Which of these sessions go on, and whether their members are administrators now. */
export function findStillOpen(
  reads: Reads,
  ids: readonly string[],
): Promise<readonly { readonly id: string; readonly isAdmin: boolean }[]> {
  return selectStillOpen(reads, ids)
}

/** Sessions of a member that go on, newest first, from after `after`. */
export function listSessions(
  reads: Reads,
  page: { memberId: string; after: string | null; limit: number },
): Promise<Session[]> {
  return selectSessions(reads, page)
}

async function addRefreshToken(work: Work, { sessionId, at }: { sessionId: string; at: Date }): Promise<string> {
  const refreshToken = `podo_rt_${randomBytes(32).toString('base64url')}`
  await insertRefreshToken(work, { digest: digestOf(refreshToken), sessionId, createdAt: at })
  return refreshToken
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

function daysAfter(at: Date, days: number): Date {
  return new Date(at.getTime() + days * 86_400_000)
}
