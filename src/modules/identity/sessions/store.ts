import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import type { Session } from './sessions.ts'

type Reads = { readonly sql: Sql }

export async function insertSession(work: Work, session: Session): Promise<void> {
  await work.sql.run(
    `insert into identity.session (id, member_id, method, device, address, created_at, refreshed_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $6, $7)`,
    [
      session.id,
      session.memberId,
      session.method,
      session.device,
      session.address,
      session.createdAt,
      session.expiresAt,
    ],
  )
}

export async function insertRefreshToken(
  work: Work,
  token: { digest: Buffer; sessionId: string; createdAt: Date },
): Promise<void> {
  await work.sql.run('insert into identity.refresh_token (digest, session_id, created_at) values ($1, $2, $3)', [
    token.digest,
    token.sessionId,
    token.createdAt,
  ])
}

/** The session of a token that nobody has used, which is used now. Of two at once the second waits, and finds it used. */
export async function claimRefreshToken(work: Work, input: { digest: Buffer; at: Date }): Promise<string | null> {
  const rows = await work.sql.rows<{ sessionId: string }>(
    `update identity.refresh_token set used_at = $2 where digest = $1 and used_at is null
     returning session_id as "sessionId"`,
    [input.digest, input.at],
  )
  return rows[0]?.sessionId ?? null
}

export async function selectSessionOfToken(work: Work, digest: Buffer): Promise<string | null> {
  const rows = await work.sql.rows<{ sessionId: string }>(
    'select session_id as "sessionId" from identity.refresh_token where digest = $1',
    [digest],
  )
  return rows[0]?.sessionId ?? null
}

/** The member of a session that goes on, with its new end; null where it has ended. */
export async function updateRefreshed(
  work: Work,
  input: { sessionId: string; at: Date; expiresAt: Date; lifeMaxDays: number },
): Promise<string | null> {
  const rows = await work.sql.rows<{ memberId: string }>(
    `update identity.session
     set refreshed_at = $2, expires_at = least($3, created_at + make_interval(days => $4))
     where id = $1 and ended_at is null and expires_at > $2
     returning member_id as "memberId"`,
    [input.sessionId, input.at, input.expiresAt, input.lifeMaxDays],
  )
  return rows[0]?.memberId ?? null
}

/** Ends a session, whosever it is. */
export async function updateEnded(work: Work, { id, at }: { id: string; at: Date }): Promise<void> {
  work.withdraw([id])
  await work.sql.run('update identity.session set ended_at = $2 where id = $1 and ended_at is null', [id, at])
}

/** Ends a session of a member; whether it was theirs, and had not ended yet. */
export async function updateOwnEnded(
  work: Work,
  input: { memberId: string; sessionId: string; at: Date },
): Promise<boolean> {
  work.withdraw([input.sessionId])
  const touched = await work.sql.run(
    'update identity.session set ended_at = $3 where id = $2 and member_id = $1 and ended_at is null',
    [input.memberId, input.sessionId, input.at],
  )
  return touched === 1
}

/** Ends every session of a member, but for one where it is named; answers how many had not ended yet. */
export async function updateAllEnded(
  work: Work,
  input: { memberId: string; exceptSessionId: string | null; at: Date },
): Promise<number> {
  const rows = await work.sql.rows<{ id: string }>(
    `update identity.session set ended_at = $3
     where member_id = $1 and id is distinct from $2 and ended_at is null
     returning id`,
    [input.memberId, input.exceptSessionId, input.at],
  )
  work.withdraw(rows.map(({ id }) => id))
  return rows.length
}

/**
 * Ends every session of a member, and forgets on which devices and from where they were. Those that ended before are in
 * no index by member, and are forgotten whole a month after their end.
 */
export async function forgetSessions(work: Work, { memberId, at }: { memberId: string; at: Date }): Promise<void> {
  work.withdraw([memberId])
  await work.sql.run(
    `update identity.session set ended_at = $2, device = null, address = '0.0.0.0'
     where member_id = $1 and ended_at is null`,
    [memberId, at],
  )
}

/** Those that go on, newest first by id. */
export function selectSessions(
  reads: Reads,
  page: { memberId: string; after: string | null; limit: number },
): Promise<Session[]> {
  return reads.sql.rows<Session>(
    `select id, member_id as "memberId", method, device, host(address) as address, created_at as "createdAt",
       refreshed_at as "refreshedAt", expires_at as "expiresAt"
     from identity.session
     where member_id = $1 and ended_at is null and expires_at > platform.programme_time()
       and id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit $3`,
    [page.memberId, page.after, page.limit],
  )
}

export async function selectIsOpen(reads: Reads, id: string): Promise<boolean> {
  const rows = await reads.sql.rows(
    'select from identity.session where id = $1 and ended_at is null and expires_at > platform.programme_time()',
    [id],
  )
  return rows.length === 1
}

/** Which of these sessions go on, and whether their members are administrators now. */
export function selectStillOpen(reads: Reads, ids: readonly string[]): Promise<{ id: string; isAdmin: boolean }[]> {
  return reads.sql.rows(
    `select s.id, m.role = 'ADMIN' as "isAdmin" from identity.session s join identity.member m on m.id = s.member_id
     where s.id = any($1::uuid[]) and s.ended_at is null and s.expires_at > platform.programme_time()`,
    [ids],
  )
}

/** Whether a session began no longer ago than this. */
export async function selectIsYoung(
  reads: Reads,
  { sessionId, secondsMax }: { sessionId: string; secondsMax: number },
): Promise<boolean> {
  const rows = await reads.sql.rows(
    `select from identity.session
     where id = $1 and created_at >= platform.programme_time() - make_interval(secs => $2)`,
    [sessionId, secondsMax],
  )
  return rows.length === 1
}

/** What is asked about an access token whose signature is right. */
export interface TokenClaims {
  readonly memberId: string
  readonly sessionId: string
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** A session that goes on. */
export interface OpenSession {
  /** That of the question. */
  readonly place: number
  readonly isAdmin: boolean
  /** Until it runs out. */
  readonly endsInMs: number
  /** When it was, by the clock of the programme: milliseconds since 1970. */
  readonly nowMs: number
}

/** Those of the sessions that go on; the clock comes with them, and costs less than instants that go there. */
export function selectOpenSessions(reads: Reads, asked: readonly TokenClaims[]): Promise<OpenSession[]> {
  return reads.sql.rows<OpenSession>(
    `with clock as materialized (select platform.programme_time() as now)
     select asked.place - 1 as place, m.role = 'ADMIN' as "isAdmin",
       (extract(epoch from s.expires_at - clock.now) * 1000)::float8 as "endsInMs",
       (extract(epoch from clock.now) * 1000)::float8 as "nowMs"
     from clock, unnest($1::uuid[], $2::uuid[]) with ordinality as asked (session_id, member_id, place)
     join identity.session s on s.id = asked.session_id and s.member_id = asked.member_id
     join identity.member m on m.id = s.member_id
     where s.ended_at is null and s.expires_at > (select now from clock)`,
    [asked.map(({ sessionId }) => sessionId), asked.map(({ memberId }) => memberId)],
  )
}

/** A pair of keys that signs access tokens; `sealed` is its private half. */
export interface SigningKeyRow {
  readonly id: string
  readonly publicKey: Record<string, unknown>
  readonly sealed: string
  /** By the clock of the programme. */
  readonly ageSeconds: number
}

/** Newest first. */
export function selectSigningKeys(reads: Reads): Promise<SigningKeyRow[]> {
  return reads.sql.rows<SigningKeyRow>(
    `select id, public_key as "publicKey", sealed_private_key as sealed,
       extract(epoch from platform.programme_time() - created_at)::float8 as "ageSeconds"
     from identity.signing_key order by created_at desc, id desc`,
    [],
  )
}

/** Holds every other process that makes one, until the end of the transaction. */
export async function lockSigningKeys(work: Work): Promise<void> {
  await work.sql.run('lock table identity.signing_key in share row exclusive mode', [])
}

export async function insertSigningKey(
  work: Work,
  key: { id: string; publicKey: object; sealed: string; createdAt: Date },
): Promise<void> {
  await work.sql.run(
    'insert into identity.signing_key (id, public_key, sealed_private_key, created_at) values ($1, $2, $3, $4)',
    [key.id, JSON.stringify(key.publicKey), key.sealed, key.createdAt],
  )
}

export async function deleteSigningKeys(work: Work, olderThanSeconds: number): Promise<void> {
  await work.sql.run(
    `delete from identity.signing_key
     where created_at < platform.programme_time() - make_interval(secs => $1)`,
    [olderThanSeconds],
  )
}

/** Whatever was used so many days ago; who brings it now is refused all the same. Answers how many went. */
export function deleteUsedRefreshTokens(
  reads: Reads,
  { keptDays, chunkSize }: { keptDays: number; chunkSize: number },
): Promise<number> {
  return reads.sql.run(
    `delete from identity.refresh_token where digest in (
       select digest from identity.refresh_token
       where used_at < platform.programme_time() - make_interval(days => $1) limit $2)`,
    [keptDays, chunkSize],
  )
}

/** Whatever ended or ran out so many days ago, with its tokens. Answers how many went. */
export function deleteOldSessions(
  reads: Reads,
  { keptDays, chunkSize }: { keptDays: number; chunkSize: number },
): Promise<number> {
  return reads.sql.run(
    `with horizon as materialized (select platform.programme_time() - make_interval(days => $1) as at)
     delete from identity.session where id in (
       select id from identity.session
       where ended_at < (select at from horizon) or expires_at < (select at from horizon) limit $2)`,
    [keptDays, chunkSize],
  )
}
