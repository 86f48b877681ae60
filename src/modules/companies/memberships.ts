import { findMembers, findPeopleIds, identityProblems, lockPerson, type Member } from '#modules/identity'
import { type ActName, type Origin, recordAct } from '#platform/audit'
import type { Sql } from '#platform/database'
import { toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { companiesActs } from './acts.ts'
import { type CompanyMember, findCompanies, findRoles, type Role } from './companies.ts'
import { companiesProblems } from './problems.ts'
import {
  deleteMembership,
  lockCompany,
  type Page,
  selectMemberships,
  selectMembershipsOf,
  selectOwnerIds,
  upsertMembership,
} from './store.ts'

interface Membership {
  readonly companyId: string
  readonly memberId: string
}

/**
 * Gives a member another role in the company, or takes in somebody who signs in. Throws `companyUnknown`, `lastOwner`,
 * and `memberUnknown` for the members of other companies.
 */
export async function changeRole(
  work: Work,
  input: Membership & { role: Role; origin: Origin },
): Promise<CompanyMember> {
  const { companyId, memberId, role } = input
  // Before the company, as when leaving: of two locks taken in turn, neither waits for the other in a circle.
  const signsIn = await lockPerson(work, memberId)
  const { member, role: before } = await lockMembership(work, input)
  if (member.companyId !== (signsIn ? null : companyId)) throw new Problem(identityProblems.memberUnknown)
  if (before === role) return { ...member, role }
  if (before === 'OWNER') await assertOwnerRemains(work, input)
  await upsertMembership(work, { companyId, memberId, role, createdAt: await work.now() })
  record(work, { ...input, action: companiesActs.changeRole, before, after: role })
  return { ...member, role }
}

/**
 * Takes somebody who signed up out of a company. Throws as above, and `memberStays` for whom the company made. People
 * go by themselves whenever they like, the last owner too: nobody asked them before they were taken in.
 */
export async function endMembership(work: Work, input: Membership & { origin: Origin }): Promise<void> {
  const { member, role: before } = await lockMembership(work, input)
  if (before === null) throw new Problem(identityProblems.memberUnknown)
  if (member.companyId !== null) throw new Problem(companiesProblems.memberStays)
  if (before === 'OWNER' && work.actor.id !== input.memberId) await assertOwnerRemains(work, input)
  await deleteMembership(work, input)
  record(work, { ...input, action: companiesActs.endMembership, before, after: null })
}

/**
 * Takes a person who leaves the programme out of every company, in the order of their ids; once the login is gone,
 * nobody takes them in any more.
 */
export async function leaveCompanies(work: Work, input: { memberId: string; origin: Origin }): Promise<void> {
  const memberships = await selectMemberships(work, [input.memberId])
  const companyIds = memberships.map(({ companyId }) => companyId).toSorted()
  for (const companyId of companyIds) await endMembership(work, { ...input, companyId })
}

/** A company as one of its people sees it. */
export interface OwnCompany {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly since: Date
}

/** Where a member serves and as what, the newest company first, from after `page.after`. */
export async function listOwnCompanies(
  reads: { readonly sql: Sql },
  page: Page & { memberId: string },
): Promise<OwnCompany[]> {
  const memberships = await selectMembershipsOf(reads, page)
  const companies = await findCompanies(
    reads,
    memberships.map(({ companyId }) => companyId),
  )
  const names = new Map(companies.map(({ id, name }) => [id, name]))
  return memberships.map(({ companyId, role, createdAt }) => ({
    id: companyId,
    name: names.get(companyId)!,
    role,
    since: createdAt,
  }))
}

/** The member and the role until now; the roles of a company change one after another. */
async function lockMembership(
  work: Work,
  { companyId, memberId }: Membership,
): Promise<{ member: Member; role: Role | null }> {
  if (!(await lockCompany(work, companyId))) throw new Problem(companiesProblems.companyUnknown)
  const [[member], roles] = await Promise.all([
    findMembers(work, [memberId]),
    findRoles(work, { memberId, companyIds: [companyId] }),
  ])
  if (!member) throw new Problem(identityProblems.memberUnknown)
  return { member, role: roles.get(companyId) ?? null }
}

/** Whoever manages a company must be able to sign in: of owners who cannot, nobody speaks here. */
async function assertOwnerRemains(work: Work, { companyId, memberId }: Membership): Promise<void> {
  if (work.actor.type === 'operator') return
  const people = await findPeopleIds(work, await selectOwnerIds(work, companyId))
  if (people.has(memberId) && people.size === 1) throw new Problem(companiesProblems.lastOwner)
}

function record(
  work: Work,
  it: Membership & { action: ActName; before: Role | null; after: Role | null; origin: Origin },
): void {
  const companyId = toPublicId('cmp', it.companyId)
  recordAct(work, {
    action: it.action,
    target: { prefix: 'mem', id: it.memberId },
    before: { companyId, role: it.before },
    after: { companyId, role: it.after },
    origin: it.origin,
  })
}
