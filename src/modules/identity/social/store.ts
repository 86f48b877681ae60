import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import type { ProviderName } from './provider.ts'

type Reads = { readonly sql: Sql }

/** What waits while somebody is at the provider. */
export interface StateRow {
  readonly digest: Buffer
  readonly provider: ProviderName
  readonly binding: Buffer | null
  readonly sealed: string
  readonly expiresAt: Date
}

/** A few that nobody came back for go with each that comes, so that no more are kept than are asked for. */
export async function insertState(work: Work, state: StateRow): Promise<void> {
  await work.sql.run(
    `delete from identity.social_state where digest in (
       select digest from identity.social_state where expires_at < platform.programme_time()
       order by expires_at limit 10 for update skip locked)`,
    [],
  )
  await work.sql.run(
    'insert into identity.social_state (digest, provider, binding, sealed, expires_at) values ($1, $2, $3, $4, $5)',
    [state.digest, state.provider, state.binding, state.sealed, state.expiresAt],
  )
}

/** What was sealed under a state, which is gone with that: of two at once one has it. Nobody else's is spent. */
export async function takeState(work: Work, asked: Omit<StateRow, 'sealed' | 'expiresAt'>): Promise<string | null> {
  const rows = await work.sql.rows<{ sealed: string }>(
    `delete from identity.social_state
     where digest = $1 and provider = $2 and binding is not distinct from $3
       and expires_at > platform.programme_time()
     returning sealed`,
    [asked.digest, asked.provider, asked.binding],
  )
  return rows[0]?.sealed ?? null
}

/** Holds whoever else comes with the same account of a provider, until the end of the transaction. */
export async function lockSubject(work: Work, account: { provider: string; subject: string }): Promise<void> {
  await work.sql.run(`select pg_advisory_xact_lock(hashtextextended('social ' || $1 || ' ' || $2, 0))`, [
    account.provider,
    account.subject,
  ])
}

export async function selectMemberOf(
  work: Work,
  account: { provider: string; subject: string },
): Promise<string | null> {
  const rows = await work.sql.rows<{ memberId: string }>(
    'select member_id as "memberId" from identity.social_login where provider = $1 and subject = $2',
    [account.provider, account.subject],
  )
  return rows[0]?.memberId ?? null
}

/** Whether it is linked now: not where the account is somebody's, or the member has another of that provider. */
export async function insertSocialLogin(
  work: Work,
  link: { provider: ProviderName; subject: string; memberId: string; linkedAt: Date },
): Promise<boolean> {
  const touched = await work.sql.run(
    `insert into identity.social_login (provider, subject, member_id, linked_at) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [link.provider, link.subject, link.memberId, link.linkedAt],
  )
  return touched === 1
}

export interface SocialLoginRow {
  readonly provider: ProviderName
  readonly subject: string
  readonly linkedAt: Date
}

/** In the order of their names. */
export function selectSocialLogins(reads: Reads, memberId: string): Promise<SocialLoginRow[]> {
  return reads.sql.rows<SocialLoginRow>(
    `select provider, subject, linked_at as "linkedAt" from identity.social_login where member_id = $1
     order by provider`,
    [memberId],
  )
}

export async function deleteSocialLogin(work: Work, link: { memberId: string; provider: ProviderName }): Promise<void> {
  await work.sql.run('delete from identity.social_login where member_id = $1 and provider = $2', [
    link.memberId,
    link.provider,
  ])
}

/** Whatever provider lets a member in. */
export async function deleteSocialLogins(work: Work, memberId: string): Promise<void> {
  await work.sql.run('delete from identity.social_login where member_id = $1', [memberId])
}

/** Those of these that nobody who signs in has. */
export async function selectTakenNicknames(work: Work, keys: readonly string[]): Promise<Set<string>> {
  const rows = await work.sql.rows<{ key: string }>(
    'select nickname_key as key from identity.login where nickname_key = any($1::text[])',
    [keys],
  )
  return new Set(rows.map(({ key }) => key))
}
