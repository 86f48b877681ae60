import { findRoles } from '#modules/companies'
import { type Audience, admits, type Caller } from '#platform/access'
import type { Sql } from '#platform/database'
import { httpProblems } from '#platform/http-problems'
import { Problem, type ProblemKind } from '#platform/problem'

type Reads = { readonly sql: Sql }

/** Who makes and changes rules: those of the programme are the affair of the operator and of administrators. */
export const ruleMakers = ['operator', 'admin', 'company-owner', 'company-key:points'] as const
/** Who sees rules: everybody those of the programme, and who looks into a company those of the company. */
export const ruleReaders = ['operator', 'admin', 'reader', 'reader-key:read'] as const

/** Who gives points for what was paid elsewhere. */
export const givers = ['operator', 'key:points'] as const

/** Throws `unknown` for a rule that the caller has nothing to do with, and `forbidden` where it is merely seen. */
export async function assertMay(
  reads: Reads,
  asked: { access: readonly Audience[]; caller: Caller; companyId: string | null; unknown: ProblemKind },
): Promise<void> {
  const { access, caller, companyId, unknown } = asked
  const ties = await readTies(reads, { caller, companyId })
  if (admits(access, { caller, ties })) return
  throw new Problem(ties.size > 0 || caller.isAdmin ? httpProblems.forbidden : unknown)
}

/** What a caller is to a rule of this company, or (null) of the programme. */
async function readTies(
  reads: Reads,
  { caller: { actor }, companyId }: { caller: Caller; companyId: string | null },
): Promise<ReadonlySet<string>> {
  if (companyId === null) return new Set(actor.type === 'company' ? ['reader-key'] : ['reader'])
  if (actor.type === 'company') return new Set(actor.id === companyId ? ['reader-key', 'company-key'] : [])
  const roles =
    actor.type === 'member' ? await findRoles(reads, { memberId: actor.id!, companyIds: [companyId] }) : null
  const role = roles?.get(companyId)
  if (role === 'OWNER') return new Set(['reader', 'company-owner'])
  if (role === 'STAFF') return new Set(['reader'])
  return new Set(role ? ['company-member'] : [])
}

/** Of which companies a caller sees the rules in lists; null for all. */
export async function findSeenCompanies(
  reads: Reads,
  { caller, companyId }: { caller: Caller; companyId: string | null },
): Promise<string[] | null> {
  const { actor, isAdmin } = caller
  if (actor.type === 'operator' || isAdmin) return null
  if (actor.type === 'company') return [actor.id!]
  if (companyId === null) return []
  return admits(ruleReaders, { caller, ties: await readTies(reads, { caller, companyId }) }) ? [companyId] : []
}
