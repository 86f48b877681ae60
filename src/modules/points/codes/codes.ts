import { randomBytes } from 'node:crypto'
import { findMembers, isSessionOpen } from '#modules/identity'
import type { Sql } from '#platform/database'
import type { IdempotencyKey } from '#platform/idempotency'
import { Problem, type ProblemKind } from '#platform/problem'
import type { Sealing } from '#platform/sealing'
import type { Work } from '#platform/work'
import { pointsProblems } from '../problems.ts'
import { claimCode, replaceCode, selectCode } from './store.ts'

/** Where a code leads to, and until when. */
export interface PaymentCode {
  /** UUID. */
  readonly walletId: string
  readonly expiresAt: Date
}

/** What codes are looked up with. */
interface Lookup {
  readonly reads: { readonly sql: Sql }
  readonly sealing: Sealing
}

/** Makes a code for the wallet of a member, good while the session goes on: the one that it had before ends. */
export async function createCode(
  work: Work,
  { memberId, sessionId, sealing }: { memberId: string; sessionId: string; sealing: Sealing },
): Promise<PaymentCode & { readonly code: string }> {
  const [member] = await findMembers(work, [memberId])
  const createdAt = await work.now()
  const expiresAt = new Date(createdAt.getTime() + codeSeconds * 1_000)
  const symbols = Array.from(randomBytes(codeLength), (byte) => alphabet[byte % alphabet.length])
  const code = { walletId: member!.walletId, expiresAt }
  const digest = sealing.mac(purpose, symbols.join(''))
  await replaceCode(work, { ...code, sessionId, createdAt, digest })
  return { ...code, code: symbols.join('').replace(/(.{4})(?!$)/g, '$1-') }
}

/** Where a code leads to that may still be used. Throws `codeUnknown`, and `codeEnded`. */
export async function getCode({ reads, sealing }: Lookup, code: string): Promise<PaymentCode> {
  const found = await selectCode(reads, digestsOf(sealing, code))
  if (!found) throw new Problem(pointsProblems.codeUnknown)
  if (!found.isLive || !(await isOpen(reads, found.sessionId))) throw new Problem(pointsProblems.codeEnded)
  const { walletId, expiresAt } = found
  return { walletId, expiresAt }
}

/**
 * Uses a code up for one request, whatever becomes of it: only that request, sent again, may go on with it. What there
 * is against it, or null. That a code has ended is said only to who has the code of the very wallet. The session is
 * looked at after the code was taken, never before: it may end in between.
 */
export async function useCode(
  { reads, sealing }: Lookup,
  { code, walletId, key }: { code: string; walletId: string; key: IdempotencyKey },
): Promise<ProblemKind | null> {
  const digests = digestsOf(sealing, code)
  const by = { digests, walletId, key: key.digest, request: key.requestHash, retrySeconds }
  const claimed = await claimCode(reads, by)
  if (claimed) return (await isOpen(reads, claimed.sessionId)) ? null : pointsProblems.codeEnded
  const found = await selectCode(reads, digests)
  return found?.walletId === walletId ? pointsProblems.codeEnded : pointsProblems.codeUnknown
}

async function isOpen(reads: Lookup['reads'], sessionId: string | null): Promise<boolean> {
  return sessionId !== null && (await isSessionOpen(reads, sessionId))
}

/** Crockford's base 32: no letters that are taken for digits. 16 of them are 80 random bits. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const codeLength = 16
const purpose = 'payment code'
const codeSeconds = 180
const retrySeconds = 86_400

/** However it was typed: small letters, spaces or no hyphens, and letters for the digits that they look like. */
function digestsOf(sealing: Sealing, code: string): readonly Buffer[] {
  const symbols = code.toUpperCase().replace(/[-\s]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')
  return sealing.macs(purpose, symbols)
}
