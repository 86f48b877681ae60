import { type Sql, sparse, uniqueViolation } from '#platform/database'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import type { Member } from './identity.ts'
import { identityProblems } from './problems.ts'

/** Waits for whoever is inserting the same external id; throws `externalIdTaken` when that one commits. */
export async function insertMembers(work: Work, members: readonly Member[]): Promise<void> {
  try {
    await work.sql.run(
      `insert into identity.member
         (id, company_id, external_id, email, nickname, wallet_id, created_at, bio, birth_on)
       select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[],
         $8::text[], $9::date[])`,
      [
        members.map((member) => member.id),
        sparse(members.map((member) => member.companyId)),
        sparse(members.map((member) => member.externalId)),
        sparse(members.map((member) => member.email)),
        members.map((member) => member.nickname),
        members.map((member) => member.walletId),
        members.map((member) => member.createdAt),
        sparse(members.map((member) => member.bio)),
        sparse(members.map((member) => member.birthOn)),
      ],
    )
  } catch (error) {
    if (uniqueViolation(error)?.constraint !== 'member_external_id_unique') throw error
    throw new Problem(identityProblems.externalIdTaken)
  }
}

export function selectMembers(reads: { readonly sql: Sql }, ids: readonly string[]): Promise<Member[]> {
  return reads.sql.rows<Member>(`${columns} where id = any($1::uuid[])`, [ids])
}

export function selectMembersByExternalId(
  reads: { readonly sql: Sql },
  { companyId, externalIds }: { companyId: string; externalIds: readonly string[] },
): Promise<Member[]> {
  return reads.sql.rows<Member>(`${columns} where company_id = $1 and external_id = any($2::text[])`, [
    companyId,
    externalIds,
  ])
}

/**
 * The administrators, locked in the order of their ids: of two who are demoted at once the second waits, and is looked
 * at again. Reads the whole table, for a role that rarely changes.
 */
export async function lockAdmins(work: Work): Promise<string[]> {
  const rows = await work.sql.rows<{ id: string }>(
    "select id from identity.member where role = 'ADMIN' and left_at is null order by id for no key update",
  )
  return rows.map(({ id }) => id)
}

/** The role that the member had; null where it is the same already. */
export async function updateRole(
  work: Work,
  input: { memberId: string; role: 'USER' | 'ADMIN' },
): Promise<'USER' | 'ADMIN' | null> {
  work.withdraw([input.memberId])
  const touched = await work.sql.run(
    'update identity.member set role = $2, version = version + 1 where id = $1 and role <> $2',
    [input.memberId, input.role],
  )
  if (touched === 0) return null
  return input.role === 'ADMIN' ? 'USER' : 'ADMIN'
}

/** Nothing of the member is personal from now on; the row stays, since wallet and journal name it. */
export async function forgetMember(work: Work, input: { id: string; nickname: string; at: Date }): Promise<void> {
  work.withdraw([input.id])
  await work.sql.run(
    `update identity.member
     set nickname = $2, email = null, bio = null, birth_on = null, role = 'USER', left_at = $3, version = version + 1
     where id = $1`,
    [input.id, input.nickname, input.at],
  )
}

const columns = `
  select id, company_id as "companyId", external_id as "externalId", email, nickname, bio, birth_on::text as "birthOn",
    role = 'ADMIN' as "isAdmin", version, wallet_id as "walletId", created_at as "createdAt",
    left_at as "leftAt"
  from identity.member`
