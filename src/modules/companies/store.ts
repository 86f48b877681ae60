import { type Sql, uniqueViolation } from '#platform/database'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import type { Company, Role } from './companies.ts'
import type { OnOverload } from './overload.ts'
import { companiesProblems } from './problems.ts'

type Reads = { readonly sql: Sql }

/** A stretch of a list that is ordered by id, the newest first. */
export interface Page {
  /** The id after which it goes on; null for the beginning. */
  readonly after: string | null
  readonly limit: number
}

export interface Membership {
  readonly companyId: string
  readonly memberId: string
  readonly role: Role
  readonly createdAt: Date
}

/** Waits for whoever is inserting the same number; throws `registrationNumberTaken` when that one commits. */
export async function insertCompany(work: Work, company: Company): Promise<void> {
  try {
    await work.sql.run(
      `insert into companies.company (id, name, registration_number, fee_rate, wallet_id, created_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [company.id, company.name, company.registrationNumber, company.feeRate, company.walletId, company.createdAt],
    )
  } catch (error) {
    if (uniqueViolation(error)?.constraint !== 'company_registration_number_unique') throw error
    throw new Problem(companiesProblems.registrationNumberTaken)
  }
}

export async function selectCompanies(reads: Reads, ids: readonly string[]): Promise<Company[]> {
  const rows = await reads.sql.rows<CompanyRow>(
    `select id, name, registration_number as "registrationNumber", fee_rate as "feeRate", wallet_id as "walletId",
       created_at as "createdAt", on_overload as "onOverload"
     from companies.company where id = any($1::uuid[])`,
    [ids],
  )
  return rows.map(toCompany)
}

/** By id, which is of version 7 and so in the order of making: inserts move nothing that was shown. */
export async function selectCompanyPage(reads: Reads, page: Page): Promise<Company[]> {
  const rows = await reads.sql.rows<CompanyRow>(
    `select id, name, registration_number as "registrationNumber", fee_rate as "feeRate", wallet_id as "walletId",
       created_at as "createdAt", on_overload as "onOverload"
     from companies.company where id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit $2`,
    [page.after, page.limit],
  )
  return rows.map(toCompany)
}

type CompanyRow = Omit<Company, 'feeRate'> & { readonly feeRate: string }

function toCompany(row: CompanyRow): Company {
  return { ...row, feeRate: Number(row.feeRate) }
}

export async function updateOnOverload(
  work: Work,
  { companyId, onOverload }: { companyId: string; onOverload: OnOverload },
): Promise<void> {
  await work.sql.run('update companies.company set on_overload = $2 where id = $1', [companyId, onOverload])
}

/** The companies whose requests wait rather than being refused. */
export async function selectQueuing(reads: Reads): Promise<string[]> {
  const rows = await reads.sql.rows<{ id: string }>("select id from companies.company where on_overload = 'queue'")
  return rows.map(({ id }) => id)
}

export async function insertMemberships(work: Work, memberships: readonly Membership[]): Promise<void> {
  await work.sql.run(
    `insert into companies.membership (company_id, member_id, role, created_at)
     select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])`,
    [
      memberships.map((membership) => membership.companyId),
      memberships.map((membership) => membership.memberId),
      memberships.map((membership) => membership.role),
      memberships.map((membership) => membership.createdAt),
    ],
  )
}

/** Whether there is such a company, whose roles nobody else changes until this unit of work ends. */
export async function lockCompany(work: Work, companyId: string): Promise<boolean> {
  const locked = await work.sql.rows('select id from companies.company where id = $1 for no key update', [companyId])
  return locked.length === 1
}

/** Begins a membership, or changes the role in it. */
export async function upsertMembership(work: Work, membership: Membership): Promise<void> {
  await work.sql.run(
    `insert into companies.membership (company_id, member_id, role, created_at) values ($1, $2, $3, $4)
     on conflict (company_id, member_id) do update set role = excluded.role`,
    [membership.companyId, membership.memberId, membership.role, membership.createdAt],
  )
}

export async function deleteMembership(work: Work, input: { companyId: string; memberId: string }): Promise<void> {
  await work.sql.run('delete from companies.membership where company_id = $1 and member_id = $2', [
    input.companyId,
    input.memberId,
  ])
}

export async function selectOwnerIds(reads: Reads, companyId: string): Promise<string[]> {
  const rows = await reads.sql.rows<{ id: string }>(
    "select member_id as id from companies.membership where company_id = $1 and role = 'OWNER'",
    [companyId],
  )
  return rows.map(({ id }) => id)
}

/** The companies that a member belongs to, the newest first. */
export function selectMembershipsOf(reads: Reads, page: Page & { memberId: string }): Promise<Membership[]> {
  return reads.sql.rows<Membership>(
    `select company_id as "companyId", member_id as "memberId", role, created_at as "createdAt"
     from companies.membership
     where member_id = $1 and company_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by company_id desc limit $3`,
    [page.memberId, page.after, page.limit],
  )
}

export function selectMemberships(reads: Reads, memberIds: readonly string[]): Promise<Membership[]> {
  return reads.sql.rows<Membership>(
    `select company_id as "companyId", member_id as "memberId", role, created_at as "createdAt"
     from companies.membership where member_id = any($1::uuid[])`,
    [memberIds],
  )
}

export function selectMembershipPage(reads: Reads, page: Page & { companyId: string }): Promise<Membership[]> {
  return reads.sql.rows<Membership>(
    `select company_id as "companyId", member_id as "memberId", role, created_at as "createdAt"
     from companies.membership
     where company_id = $1 and member_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by member_id desc limit $3`,
    [page.companyId, page.after, page.limit],
  )
}
