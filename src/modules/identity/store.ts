import { type Sql, uniqueViolation } from '#platform/database'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import type { Member } from './identity.ts'
import { identityProblems } from './problems.ts'

/** Waits for whoever is inserting the same external id; throws `externalIdTaken` when that one commits. */
export async function insertMember(work: Work, member: Member): Promise<void> {
  try {
    await work.sql.run(
      `insert into identity.member (id, company_id, external_id, email, nickname, wallet_id, created_at)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        member.id,
        member.companyId,
        member.externalId,
        member.email,
        member.nickname,
        member.walletId,
        member.createdAt,
      ],
    )
  } catch (error) {
    if (uniqueViolation(error)?.constraint !== 'member_external_id_unique') throw error
    throw new Problem(identityProblems.externalIdTaken)
  }
}

export function selectMembers(reads: { readonly sql: Sql }, ids: readonly string[]): Promise<Member[]> {
  return reads.sql.rows<Member>(
    `select id, company_id as "companyId", external_id as "externalId", email, nickname, wallet_id as "walletId",
       created_at as "createdAt"
     from identity.member where id = any($1::uuid[])`,
    [ids],
  )
}

export function selectMembersByExternalId(
  reads: { readonly sql: Sql },
  { companyId, externalIds }: { companyId: string; externalIds: readonly string[] },
): Promise<Member[]> {
  return reads.sql.rows<Member>(
    `select id, company_id as "companyId", external_id as "externalId", email, nickname, wallet_id as "walletId",
       created_at as "createdAt"
     from identity.member where company_id = $1 and external_id = any($2::text[])`,
    [companyId, externalIds],
  )
}
