import { companiesProblems, findCompanies } from '#modules/companies'
import { type Origin, recordAct } from '#platform/audit'
import type { Sql } from '#platform/database'
import { invalidRequest } from '#platform/http-problems'
import { toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { earningActs } from '../acts.ts'
import { earningProblems } from '../problems.ts'
import type { RuleVersion, Terms } from '../rules.ts'
import {
  insertRule,
  insertVersion,
  lockRule,
  selectRule,
  selectRulePage,
  selectVersionPage,
  selectVersions,
  updateVersion,
} from './store.ts'

/** A version of a rule; the newest is how the rule is now. */
export interface Rule extends RuleVersion {
  /** Of the rule. */
  readonly createdAt: Date
}

type Reads = { readonly sql: Sql }

/**
 * Makes a rule, of a company or (null) of the programme, for what is paid from now on, and writes down who did. Throws
 * `companyUnknown`, and what is wrong with the terms.
 */
export async function createRule(
  work: Work,
  { companyId, terms, origin }: { companyId: string | null; terms: Terms; origin: Origin },
): Promise<Rule> {
  assertTerms(terms)
  if (companyId !== null && (await findCompanies(work, [companyId])).length === 0)
    throw new Problem(companiesProblems.companyUnknown)
  const now = await work.now()
  const rule: Rule = { ruleId: work.newId(), companyId, version: 1, since: now, createdAt: now, ...terms }
  await insertRule(work, rule)
  await insertVersion(work, rule)
  const after = { companyId: companyId && toPublicId('cmp', companyId), ...toFields(rule) }
  const target = { prefix: 'rul', id: rule.ruleId } as const
  recordAct(work, { action: earningActs.createEarningRule, target, before: null, after, origin })
  return rule
}

/**
 * Changes what is given of a rule, for what is paid from now on: the rule has a new version. `assertVersion` may refuse
 * the version that there is, which nobody else changes meanwhile. Throws what is wrong with the terms.
 */
export async function changeRule(
  work: Work,
  input: { ruleId: string; changes: Partial<Terms>; origin: Origin; assertVersion(version: number): void },
): Promise<Rule> {
  const { ruleId, changes, origin, assertVersion } = input
  const before = await lockRule(work, ruleId)
  if (!before) throw new Problem(earningProblems.ruleUnknown)
  assertVersion(before.version)
  const changed = { ...before, ...changes }
  if (isSame(before, changed)) return before
  assertTerms(changed)
  const rule = { ...changed, version: before.version + 1, since: await work.now() }
  await insertVersion(work, rule)
  await updateVersion(work, rule)
  const act = { action: earningActs.changeEarningRule, target: { prefix: 'rul', id: ruleId } } as const
  recordAct(work, { ...act, before: toFields(before), after: toFields(rule), origin })
  return rule
}

/** A rule as it is now. Throws `ruleUnknown`. */
export async function getRule(reads: Reads, id: string): Promise<Rule> {
  const rule = await selectRule(reads, id)
  if (!rule) throw new Problem(earningProblems.ruleUnknown)
  return rule
}

/** Rules as they are now, newest first: of the programme and of these companies, or of all where none are named. */
export function listRules(reads: Reads, page: Parameters<typeof selectRulePage>[1]): Promise<Rule[]> {
  return selectRulePage(reads, page)
}

/** How a rule was, newest first, from before a version. */
export function listVersions(reads: Reads, page: Parameters<typeof selectVersionPage>[1]): Promise<Rule[]> {
  return selectVersionPage(reads, page)
}

/** How every rule was that may count at one of these companies, the programme's among them. */
export function listVersionsOf(reads: Reads, companyIds: readonly string[]): Promise<RuleVersion[]> {
  return selectVersions(reads, companyIds)
}

function assertTerms({ from, until }: Terms): void {
  if (from !== null && until !== null && from >= until) throw invalidRequest([{ pointer: '/until', detail: endsFirst }])
}

const endsFirst = { ko: 'from보다 나중이어야 합니다.', en: 'Must be later than from.' }

function isSame(one: Terms, other: Terms): boolean {
  return JSON.stringify(toFields(one)) === JSON.stringify(toFields(other))
}

function toFields({ rateBasisPoints, minimum, capPerDay, expiresInDays, from, until }: Terms) {
  return { rateBasisPoints, minimum, capPerDay, expiresInDays, from, until }
}
