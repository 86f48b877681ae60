import { createMembers, findMembers, identityProblems, lockPerson, type Member } from '#modules/identity'
import { openAccounts } from '#modules/ledger'
import { noOrigin, type Origin, recordAct } from '#platform/audit'
import type { Sql } from '#platform/database'
import { unauthenticated } from '#platform/http-problems'
import { toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { companiesActs } from './acts.ts'
import type { OnOverload } from './overload.ts'
import { companiesProblems } from './problems.ts'
import {
  insertCompany,
  insertMemberships,
  type Membership,
  type Page,
  selectCompanies,
  selectCompanyPage,
  selectMembershipPage,
  selectMemberships,
  selectOwnerIds,
} from './store.ts'

/** What a member may do in a company: manage it, serve in it, or only spend. */
export type Role = 'OWNER' | 'STAFF' | 'MEMBER'

/** A company; its id is that of its merchant account, too. All ids are UUIDs. */
export interface Company {
  readonly id: string
  readonly name: string
  /** Ten digits. */
  readonly registrationNumber: string
  /** Of what is spent at the company, the part that the programme keeps: 0 to 1, in steps of 0.0001. */
  readonly feeRate: number
  readonly walletId: string
  readonly createdAt: Date
  /** What becomes of its requests that there is no room for. */
  readonly onOverload: OnOverload
}

/** What a company is made from; `ownerId` is the person who makes and owns it. */
export type NewCompany = Pick<Company, 'name' | 'registrationNumber' | 'feeRate'> & {
  readonly ownerId?: string | null
  readonly origin?: Origin
}

/** A member as a company sees one; `role` is null where the member belongs to none. */
export interface CompanyMember extends Member {
  readonly role: Role | null
}

/** A member as a company makes one. */
export type NewCompanyMember = Pick<Member, 'email' | 'externalId' | 'nickname'>

type Reads = { readonly sql: Sql }

/**
 * Makes a company with its wallet and its merchant account, and writes down who did. Throws `registrationNumberTaken`,
 * and `unauthenticated` where the owner has left.
 */
export async function createCompany(
  work: Work,
  { ownerId = null, origin = noOrigin, ...input }: NewCompany,
): Promise<Company> {
  if (ownerId !== null && !(await lockPerson(work, ownerId))) throw unauthenticated()
  const made = { id: work.newId(), walletId: work.newId(), createdAt: await work.now() }
  const company: Company = { ...input, ...made, onOverload: 'refuse' }
  await insertCompany(work, company)
  const { id: companyId, createdAt } = company
  if (ownerId !== null) await insertMemberships(work, [{ companyId, memberId: ownerId, role: 'OWNER', createdAt }])
  const after = { ...input, ownerId: ownerId && toPublicId('mem', ownerId) }
  recordAct(work, {
    action: companiesActs.createCompany,
    target: { prefix: 'cmp', id: companyId },
    before: null,
    after,
    origin,
  })
  const owner = { ownerType: 'company', ownerId: company.id }
  await openAccounts(work, [
    { id: company.walletId, kind: 'wallet', ...owner },
    { id: company.id, kind: 'merchant', ...owner },
  ])
  return company
}

/** Makes a member who belongs to a company, with a wallet. Throws `companyUnknown` and `externalIdTaken`. */
export async function createCompanyMember(
  work: Work,
  { companyId, ...member }: { companyId: string } & NewCompanyMember,
): Promise<CompanyMember> {
  const [made] = await createCompanyMembers(work, { companyId, members: [member] })
  return made!
}

/** Makes many (at most 1,000), in the order given. Throws as for one. */
export async function createCompanyMembers(
  work: Work,
  input: { companyId: string; members: readonly NewCompanyMember[] },
): Promise<CompanyMember[]> {
  const { companyId } = input
  await getCompany(work, companyId)
  const members = await createMembers(
    work,
    input.members.map((member) => ({ companyId, ...member })),
  )
  const role = 'MEMBER'
  await insertMemberships(
    work,
    members.map((member) => ({ companyId, memberId: member.id, role, createdAt: member.createdAt })),
  )
  return members.map((member) => ({ ...member, role }))
}

/** The companies that these ids name, in any order; ids of none are left out. */
export function findCompanies(reads: Reads, ids: readonly string[]): Promise<Company[]> {
  return selectCompanies(reads, ids)
}

/** Whether a member belongs to a company. */
export async function isMember(reads: Reads, input: { companyId: string; memberId: string }): Promise<boolean> {
  const memberships = await selectMemberships(reads, [input.memberId])
  return memberships.some(({ companyId }) => companyId === input.companyId)
}

/** What a member is in each of these companies; those that the member does not belong to are left out. */
export async function findRoles(
  reads: Reads,
  { memberId, companyIds }: { memberId: string; companyIds: readonly string[] },
): Promise<Map<string, Role>> {
  const memberships = await selectMemberships(reads, [memberId])
  const named = memberships.filter(({ companyId }) => companyIds.includes(companyId))
  return new Map(named.map(({ companyId, role }) => [companyId, role]))
}

/** The members who manage a company. */
export function listOwnerIds(reads: Reads, companyId: string): Promise<string[]> {
  return selectOwnerIds(reads, companyId)
}

/** One company; throws `companyUnknown`. */
export async function getCompany(reads: Reads, id: string): Promise<Company> {
  const [company] = await selectCompanies(reads, [id])
  if (!company) throw new Problem(companiesProblems.companyUnknown)
  return company
}

/** One member with the role in the company that made the member; throws `memberUnknown`. */
export async function getMember(reads: Reads, id: string): Promise<CompanyMember> {
  const [members, memberships] = await Promise.all([findMembers(reads, [id]), selectMemberships(reads, [id])])
  const member = members[0]
  if (!member) throw new Problem(identityProblems.memberUnknown)
  const membership = memberships.find(({ companyId }) => companyId === member.companyId)
  return { ...member, role: membership?.role ?? null }
}

/** The same, each member with the role in the company that made the member. */
export async function addRoles<Row extends { readonly member: Member }>(
  reads: Reads,
  rows: readonly Row[],
): Promise<(Row & { readonly member: CompanyMember })[]> {
  const made = rows.filter(({ member }) => member.companyId !== null)
  const memberships =
    made.length === 0
      ? []
      : await selectMemberships(
          reads,
          made.map(({ member }) => member.id),
        )
  const roleOf = ({ id, companyId }: Member) =>
    memberships.find((membership) => membership.memberId === id && membership.companyId === companyId)?.role ?? null
  return rows.map((row) => ({ ...row, member: { ...row.member, role: roleOf(row.member) } }))
}

/** Companies, newest first, from after `page.after`. */
export function listCompanies(reads: Reads, page: Page): Promise<Company[]> {
  return selectCompanyPage(reads, page)
}

/** Members of a company, newest first, from after `page.after`; throws `companyUnknown`. */
export async function listCompanyMembers(reads: Reads, input: Page & { companyId: string }): Promise<CompanyMember[]> {
  const [memberships] = await Promise.all([selectMembershipPage(reads, input), getCompany(reads, input.companyId)])
  const members = await findMembers(
    reads,
    memberships.map(({ memberId }) => memberId),
  )
  const byId = new Map(members.map((member) => [member.id, member]))
  return memberships.map(({ memberId, role }: Membership) => ({ ...byId.get(memberId)!, role }))
}
