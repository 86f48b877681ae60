import { type Sql, uniqueViolation } from '#platform/database'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { identityProblems } from '../problems.ts'

type Reads = { readonly sql: Sql }

/** How a person signs in. */
export interface Login {
  readonly memberId: string
  /** Normalised; null where a provider told none. */
  readonly address: string | null
  readonly confirmedAt: Date | null
  readonly nicknameKey: string
  /** A PHC string; null for who signs in through providers only. */
  readonly passwordHash: string | null
  /** The digest of the idempotency key that the answer to the sign-up is kept under. */
  readonly signUpKey: string | null
}

/**
 * Waits for whoever is inserting the same; throws `nicknameTaken` or `addressTaken` when that one commits. The nickname
 * is decided first, so that one that is taken tells nothing of an address: in one statement PostgreSQL looks at the
 * address first.
 */
export async function insertLogin(work: Work, login: Login): Promise<void> {
  try {
    await work.sql.run(
      'insert into identity.login (member_id, nickname_key, password_hash, sign_up_key) values ($1, $2, $3, $4)',
      [login.memberId, login.nicknameKey, login.passwordHash, login.signUpKey],
    )
    await work.sql.run('update identity.login set address = $2, address_confirmed_at = $3 where member_id = $1', [
      login.memberId,
      login.address,
      login.confirmedAt,
    ])
  } catch (error) {
    throw toTaken(error)
  }
}

/** What a violation of the logins' uniqueness means to the caller; any other error as it is. */
export function toTaken(error: unknown): unknown {
  const constraint = uniqueViolation(error)?.constraint
  if (constraint === 'login_address_unique') return new Problem(identityProblems.addressTaken)
  if (constraint === 'login_nickname_unique') return new Problem(identityProblems.nicknameTaken)
  return error
}

export async function selectLoginByAddress(reads: Reads, address: string): Promise<Login | null> {
  const [login] = await reads.sql.rows<Login>(`${columns} where address = $1`, [address])
  return login ?? null
}

export async function selectLogin(reads: Reads, memberId: string): Promise<Login | null> {
  const [login] = await reads.sql.rows<Login>(`${columns} where member_id = $1`, [memberId])
  return login ?? null
}

/** How a member signs in now; nobody changes or takes away a way of it until the unit of work ends. */
export async function holdLogin(work: Work, memberId: string): Promise<Login | null> {
  const [login] = await work.sql.rows<Login>(`${columns} where member_id = $1 for no key update`, [memberId])
  return login ?? null
}

/** Only a login that goes conflicts with this lock. */
export async function keepLogin(work: Work, memberId: string): Promise<boolean> {
  const rows = await work.sql.rows('select from identity.login where member_id = $1 for key share', [memberId])
  return rows.length === 1
}

export async function selectLoginIds(reads: Reads, memberIds: readonly string[]): Promise<string[]> {
  const rows = await reads.sql.rows<{ id: string }>(
    'select member_id as id from identity.login where member_id = any($1::uuid[])',
    [memberIds],
  )
  return rows.map(({ id }) => id)
}

/** Those that were confirmed, in no order. */
export async function selectAddresses(reads: Reads, memberIds: readonly string[]): Promise<string[]> {
  const rows = await reads.sql.rows<{ address: string }>(
    `select address from identity.login
     where member_id = any($1::uuid[]) and address is not null and address_confirmed_at is not null`,
    [memberIds],
  )
  return rows.map(({ address }) => address)
}

const columns = `
  select member_id as "memberId", address, address_confirmed_at as "confirmedAt", nickname_key as "nicknameKey",
    password_hash as "passwordHash", sign_up_key as "signUpKey"
  from identity.login`

/** Whether the hash was still the old one. */
export async function updatePassword(
  work: Work,
  input: { memberId: string; oldHash: string | null; passwordHash: string },
): Promise<boolean> {
  const touched = await work.sql.run(
    'update identity.login set password_hash = $3 where member_id = $1 and password_hash is not distinct from $2',
    [input.memberId, input.oldHash, input.passwordHash],
  )
  return touched === 1
}

/** Waits for whoever is taking the same address; throws `addressTaken` when that one commits. */
export async function updateAddress(
  work: Work,
  input: { memberId: string; address: string; confirmedAt: Date },
): Promise<void> {
  try {
    await work.sql.run('update identity.login set address = $2, address_confirmed_at = $3 where member_id = $1', [
      input.memberId,
      input.address,
      input.confirmedAt,
    ])
  } catch (error) {
    throw toTaken(error)
  }
}

/** Waits for whoever is taking the same nickname; throws `nicknameTaken` when that one commits. */
export async function updateNicknameKey(work: Work, input: { memberId: string; nicknameKey: string }): Promise<void> {
  try {
    await work.sql.run('update identity.login set nickname_key = $2 where member_id = $1', [
      input.memberId,
      input.nicknameKey,
    ])
  } catch (error) {
    throw toTaken(error)
  }
}

/** Whether there was a login with this hash, which is gone now: address and nickname are free, and who waits gets none. */
export async function deleteLogin(
  work: Work,
  { memberId, passwordHash }: { memberId: string; passwordHash: string | null },
): Promise<boolean> {
  const touched = await work.sql.run(
    'delete from identity.login where member_id = $1 and password_hash is not distinct from $2',
    [memberId, passwordHash],
  )
  return touched === 1
}
