/** What a rule gives, and when. Amounts are whole points. */
export interface Terms {
  /** Hundredths of a percent of what was paid: 100 is 1 %. */
  readonly rateBasisPoints: number
  /** The least that has to be paid for anything to be earned. */
  readonly minimum: number | null
  /** The most that a wallet earns by the rule on one day of the programme. */
  readonly capPerDay: number | null
  /** Days after which what was earned expires. */
  readonly expiresInDays: number | null
  readonly from: Date | null
  /** Exclusive. */
  readonly until: Date | null
}

/** A rule as it was from some time on; ids are UUIDs. */
export interface RuleVersion extends Terms {
  readonly ruleId: string
  /** Where it counts; null for the whole programme. */
  readonly companyId: string | null
  readonly version: number
  /** From when on the rule was as this version says. */
  readonly since: Date
}

/**
 * The rule that counts for what is paid at a company at this time, as it was then; null where none is in force. A rule
 * of the company goes before those of the programme, and of several the one that was made last.
 */
export function findRule(
  versions: readonly RuleVersion[],
  { companyId, at }: { companyId: string; at: Date },
): RuleVersion | null {
  const asTheyWere = new Map<string, RuleVersion>()
  for (const version of versions) {
    const known = asTheyWere.get(version.ruleId)
    if (version.since <= at && !(known && known.version > version.version)) asTheyWere.set(version.ruleId, version)
  }
  const inForce = [...asTheyWere.values()].filter((rule) => counts(rule, { companyId, at }))
  return inForce.toSorted(bySpecificThenNewest)[0] ?? null
}

function counts(rule: RuleVersion, { companyId, at }: { companyId: string; at: Date }): boolean {
  if (rule.companyId !== null && rule.companyId !== companyId) return false
  return (rule.from === null || rule.from <= at) && (rule.until === null || at < rule.until)
}

function bySpecificThenNewest(one: RuleVersion, other: RuleVersion): number {
  const isSpecific = (rule: RuleVersion) => (rule.companyId === null ? 0 : 1)
  return isSpecific(other) - isSpecific(one) || (one.ruleId < other.ruleId ? 1 : -1)
}

/** What is earned by paying so much, rounded down, after what the wallet has earned by the rule on that day. */
export function findEarned(
  { rateBasisPoints, minimum, capPerDay }: Terms,
  { base, earnedThatDay }: { base: number; earnedThatDay: number },
): number {
  if (minimum !== null && base < minimum) return 0
  const earned = share(base, { part: rateBasisPoints, whole: 10_000 })
  return capPerDay === null ? earned : Math.max(0, Math.min(earned, capPerDay - earnedThatDay))
}

/** What was earned, and what has happened to it since. */
export interface Earned {
  /** What was paid, and the part of it that was refunded. */
  readonly base: number
  readonly refunded: number
  readonly earned: number
  readonly takenBack: number
}

/** What is to be taken back: the same share of what was earned as was refunded of what was paid, all refunds together. */
export function findDueBack({ base, refunded, earned, takenBack }: Earned): number {
  return Math.max(0, share(earned, { part: Math.min(refunded, base), whole: base }) - takenBack)
}

/** Rounded down, and exact beyond what a number holds. */
function share(amount: number, { part, whole }: { part: number; whole: number }): number {
  return Number((BigInt(amount) * BigInt(part)) / BigInt(whole))
}
