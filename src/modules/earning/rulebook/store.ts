import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import type { RuleVersion } from '../rules.ts'
import type { Rule } from './rulebook.ts'

type Reads = { readonly sql: Sql }

const columns = `r.id as "ruleId", r.company_id as "companyId", r.created_at as "createdAt", v.version, v.since,
  v.rate_basis_points as "rateBasisPoints", v.minimum, v.cap_per_day as "capPerDay",
  v.expires_in_days as "expiresInDays", v.starts_at as "from", v.ends_at as "until"`
const allVersions = 'earning.rule r join earning.rule_version v on v.rule_id = r.id'
const presentVersions = `${allVersions} and v.version = r.version`

export async function insertRule(work: Work, { ruleId, companyId, createdAt }: Rule): Promise<void> {
  await work.sql.run('insert into earning.rule (id, company_id, created_at) values ($1, $2, $3)', [
    ruleId,
    companyId,
    createdAt,
  ])
}

/** The rule as it is now, which nobody else changes until the unit of work ends. */
export async function lockRule(work: Work, id: string): Promise<Rule | null> {
  await work.sql.rows('select from earning.rule where id = $1 for no key update', [id])
  // A later statement, so that it sees what was committed while this one waited.
  return selectRule(work, id)
}

/** Versions are never changed: the next one takes their place. */
export async function insertVersion(work: Work, rule: RuleVersion): Promise<void> {
  await work.sql.run(
    `insert into earning.rule_version (rule_id, version, since, rate_basis_points, minimum, cap_per_day,
       expires_in_days, starts_at, ends_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      rule.ruleId,
      rule.version,
      rule.since,
      rule.rateBasisPoints,
      rule.minimum,
      rule.capPerDay,
      rule.expiresInDays,
      rule.from,
      rule.until,
    ],
  )
}

export async function updateVersion(work: Work, { ruleId, version }: RuleVersion): Promise<void> {
  await work.sql.run('update earning.rule set version = $2 where id = $1', [ruleId, version])
}

export async function selectRule(reads: Reads, id: string): Promise<Rule | null> {
  const rows = await reads.sql.rows<Rule>(`select ${columns} from ${presentVersions} where r.id = $1`, [id])
  return rows[0] ?? null
}

/** Rules as they are now: of these companies (null for all) and of the programme; `ofCompany` leaves one company's. */
export function selectRulePage(
  reads: Reads,
  page: { companyIds: readonly string[] | null; ofCompany: string | null; after: string | null; limit: number },
): Promise<Rule[]> {
  return reads.sql.rows<Rule>(
    `select ${columns} from ${presentVersions}
     where ($1::uuid[] is null or r.company_id is null or r.company_id = any($1))
       and ($2::uuid is null or r.company_id = $2)
       and r.id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by r.id desc limit $4`,
    [page.companyIds, page.ofCompany, page.after, page.limit],
  )
}

export function selectVersionPage(
  reads: Reads,
  page: { ruleId: string; before: number | null; limit: number },
): Promise<Rule[]> {
  return reads.sql.rows<Rule>(
    `select ${columns} from ${allVersions} where r.id = $1 and ($2::integer is null or v.version < $2)
     order by v.version desc limit $3`,
    [page.ruleId, page.before, page.limit],
  )
}

/** Every version of every rule of the programme and of these companies. */
export function selectVersions(reads: Reads, companyIds: readonly string[]): Promise<RuleVersion[]> {
  return reads.sql.rows<RuleVersion>(
    `select ${columns} from ${allVersions} where r.company_id is null or r.company_id = any($1::uuid[])`,
    [companyIds],
  )
}
