import type { Scope } from '#modules/identity'
import { type Access, admits, type Caller } from '#platform/access'
import type { Sql } from '#platform/database'
import { httpProblems } from '#platform/http-problems'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { findRoles } from './companies.ts'
import { companiesProblems } from './problems.ts'

type Reads = { readonly sql: Sql }

/** Who makes companies: people who sign in only where the programme lets them. */
export const founders = ['operator', 'member'] as const

/** Who manages a company, and who looks into it. */
export const managers = ['operator', 'company-owner'] as const
export const readers = ['operator', 'admin', 'company-owner', 'company-staff', 'key:read'] as const

/** Paid points stand for money that somebody took: an owner does not let the own company issue them. */
const reservedScope: Scope = 'points:issue-paid'

/** Throws `scopeReserved` where somebody gives a key more than is theirs to give. */
export function assertMayGrant({ actor }: Caller, scopes: readonly Scope[]): void {
  if (actor.type === 'operator' || !scopes.includes(reservedScope)) return
  throw new Problem(companiesProblems.scopeReserved, { params: { scope: reservedScope } })
}

/** What a route is asked for. */
interface Asked {
  readonly caller: Caller
  readonly routeOptions: { readonly config: { readonly access?: Access } }
  readonly params: { readonly id: string; readonly memberId?: string }
}

/**
 * The id of the company that the path names, where its route admits the caller to it. Throws `companyUnknown` for
 * somebody else's, and `forbidden` where the caller serves there but may not do this.
 */
export async function readCompanyId(reads: Reads, { caller, params, routeOptions }: Asked): Promise<string> {
  const companyId = fromPublicId('cmp', params.id)
  if (!companyId) throw new Problem(companiesProblems.companyUnknown)
  const ties = await readTies(reads, { caller, companyId, memberId: params.memberId })
  const { access } = routeOptions.config
  if (access && access !== 'public' && admits(access, { caller, ties })) return companyId
  const isSeen = ties.size > 0 || caller.isAdmin
  throw new Problem(isSeen ? httpProblems.forbidden : companiesProblems.companyUnknown)
}

/** What a caller is to a company: a key of its own, or one who belongs to it, and whether it is about the own membership. */
export async function readTies(
  reads: Reads,
  { caller: { actor }, companyId, memberId }: { caller: Caller; companyId: string; memberId?: string | undefined },
): Promise<ReadonlySet<string>> {
  if (actor.type === 'company') return new Set(actor.id === companyId ? ['key'] : [])
  if (actor.type !== 'member') return new Set()
  const role = (await findRoles(reads, { memberId: actor.id!, companyIds: [companyId] })).get(companyId)
  if (!role) return new Set()
  const own = memberId === toPublicId('mem', actor.id!) ? ['owner'] : []
  return new Set([`company-${role.toLowerCase()}`, ...own])
}
