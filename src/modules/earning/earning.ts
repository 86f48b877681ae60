import { isMember } from '#modules/companies'
import { findMembers } from '#modules/identity'
import { findRefunded, type LedgerSettings } from '#modules/ledger'
import type { Sql } from '#platform/database'
import { toPublicId } from '#platform/ids'
import { type Language, Problem } from '#platform/problem'
import type { Work } from '#platform/work'
import { bookSteps, type Step } from './booking.ts'
import { earningProblems } from './problems.ts'
import { listVersionsOf } from './rulebook/rulebook.ts'
import { type Earned, findDueBack, findEarned, findRule, type RuleVersion } from './rules.ts'
import { addToDays, insertEarnings, lockEarnings, nameOfDay, selectByReference, selectEarningPage } from './store.ts'

/** What earning goes by. */
export interface EarningSettings extends LedgerSettings {
  /** Where the days begin that caps are counted by. */
  readonly timeZone: string
  /** In which statements say what points were given for. */
  readonly language: Language
}

/** Something that was paid: by spending paid points, or elsewhere, under a name that the company gave it. */
export interface Purchase {
  readonly companyId: string
  readonly walletId: string
  /** Whom the company named. */
  readonly memberId: string | null
  /** UUID of the transfer that spent points. */
  readonly spendId: string | null
  readonly reference: string | null
  /** What was paid. */
  readonly base: number
  readonly at: Date
}

/** A purchase that a rule was in force for, and what became of what it earned. */
export interface Earning extends Omit<Purchase, 'at'>, Earned {
  readonly id: string
  readonly ruleId: string
  readonly ruleVersion: number
  /** Of the purchase, like `2026-11-20`. */
  readonly day: string
  /** The grant, and the lot that it made; null where nothing was given. */
  readonly transferId: string | null
  readonly lotId: string | null
  /** Why the ledger refused the points: the type of a problem. */
  readonly refusal: string | null
  readonly createdAt: Date
}

/** What happened to purchases. */
export interface News {
  readonly purchases: readonly Purchase[]
  /** Spends of which something was refunded; how much, the journal says. */
  readonly refundedSpends: readonly string[]
  /** Lots into which points came back: what could not be taken back of them before may be there now. */
  readonly returnedLots: readonly string[]
  /** Lots that were cancelled, each with the grant that made it. */
  readonly cancelledLots: readonly string[]
  /** Of purchases that were paid elsewhere, by the ids of their earnings: how much was refunded in all. */
  readonly refunded: ReadonlyMap<string, number>
}

const noNews: News = { purchases: [], refundedSpends: [], returnedLots: [], cancelledLots: [], refunded: new Map() }

/**
 * Gives what purchases earn, once each, by the rule that was in force when they were paid; and takes back what of it is
 * no longer due since something was refunded, as far as it is left: the rest when points come back into its lot.
 * Answers every earning that it was about: a purchase that no rule was in force for has none. What the ledger will not
 * give is noted or, where somebody waits for it, thrown as a Problem. Runs once in a unit of work.
 */
export async function settle(
  work: Work,
  { news, settings, isAwaited }: { news: News; settings: EarningSettings; isAwaited: boolean },
): Promise<Earning[]> {
  const { purchases, refundedSpends, returnedLots, cancelledLots, refunded } = news
  const versions = await listVersionsOf(work, [...new Set(purchases.map(({ companyId }) => companyId))])
  const begun = await begin(work, { purchases, versions, timeZone: settings.timeZone })
  const touched = refundedSpends.length + returnedLots.length + cancelledLots.length + refunded.size
  if (begun.length + touched === 0) return []
  const claimed = await insertEarnings(work, begun)
  const spendIds = [...purchases.flatMap(({ spendId }) => spendId ?? []), ...refundedSpends]
  const ids = [...claimed, ...refunded.keys()]
  const earnings = await lockEarnings(work, { ids, spendIds, lotIds: cancelledLots, refundedLotIds: returnedLots })
  if (earnings.length === 0) return []
  const ofSpends = await findRefunded(work, spendIds)
  const refundedOf = ({ id, spendId }: Earning) => (spendId ? ofSpends.get(spendId)?.paid : refunded.get(id)) ?? 0
  const cancelled = new Set<string | null>(cancelledLots)
  const [fresh, known] = [earnings.filter(({ id }) => claimed.has(id)), earnings.filter(({ id }) => !claimed.has(id))]
  const steps = [
    ...decideGiving(fresh, { versions, refundedOf, days: await lockDays(work, fresh) }),
    ...known.map((earning) =>
      decideTaking(earning, { refundedNow: refundedOf(earning), isCancelled: cancelled.has(earning.lotId) }),
    ),
  ]
  return bookSteps(work, { steps, settings, actor: work.actor, isAwaited })
}

/** What purchases for which a rule counts may earn. */
async function begin(
  work: Work,
  by: { purchases: readonly Purchase[]; versions: readonly RuleVersion[]; timeZone: string },
): Promise<Earning[]> {
  const createdAt = await work.now()
  return by.purchases.flatMap(({ at, ...purchase }) => {
    const rule = findRule(by.versions, { companyId: purchase.companyId, at })
    if (!rule) return []
    const { ruleId, version: ruleVersion } = rule
    const day = at.toTemporalInstant().toZonedDateTimeISO(by.timeZone).toPlainDate().toString()
    return [{ ...purchase, ...nothingYet, id: work.newId(), ruleId, ruleVersion, day, createdAt }]
  })
}

const nothingYet = { refunded: 0, earned: 0, takenBack: 0, transferId: null, lotId: null, refusal: null }

/** What wallets have earned by rules on days, by the names of these; nobody else adds to it meanwhile. */
async function lockDays(work: Work, earnings: readonly Earning[]): Promise<Map<string, number>> {
  const days = await addToDays(work, earnings)
  return new Map(days.map((day) => [nameOfDay(day), day.earned]))
}

/** In the order in which they were paid. What was refunded before anything was given is not given. */
function decideGiving(
  earnings: readonly Earning[],
  by: { versions: readonly RuleVersion[]; refundedOf(earning: Earning): number; days: Map<string, number> },
): Step[] {
  return earnings.map((before) => {
    const rule = by.versions.find((it) => it.ruleId === before.ruleId && it.version === before.ruleVersion)!
    const name = nameOfDay(before)
    const earnedThatDay = by.days.get(name)!
    const { base } = before
    const refunded = Math.min(base, by.refundedOf(before))
    const earned = findEarned(rule, { base, earnedThatDay })
    const takenBack = findDueBack({ base, refunded, earned, takenBack: 0 })
    by.days.set(name, earnedThatDay + earned - takenBack)
    const { expiresInDays } = rule
    return {
      before,
      after: { ...before, refunded, earned, takenBack },
      give: earned - takenBack,
      take: 0,
      expiresInDays,
    }
  })
}

/** All that is due by now, whatever was had of it before. Only what is whole is cancelled: nothing is left of it. */
function decideTaking(before: Earning, now: { refundedNow: number; isCancelled: boolean }): Step {
  const refunded = Math.min(before.base, Math.max(before.refunded, now.refundedNow))
  const after = { ...before, refunded, takenBack: now.isCancelled ? before.earned : before.takenBack }
  return { before, after, give: 0, take: findDueBack(after), expiresInDays: null }
}

/** A purchase that was paid elsewhere, as a company tells of it. Ids are UUIDs. */
export interface ElsewherePaid {
  readonly companyId: string
  readonly memberId: string
  readonly amount: number
  readonly reference: string
}

/**
 * Gives a member of a company at once what a purchase earns that was paid elsewhere. Throws `memberNotOfCompany`,
 * `noRule`, `referenceUsed`, and what the ledger has against it.
 */
export async function earnElsewhere(
  work: Work,
  { purchase, settings }: { purchase: ElsewherePaid; settings: EarningSettings },
): Promise<Earning> {
  const { companyId, memberId, amount: base, reference } = purchase
  const [[member], is] = await Promise.all([findMembers(work, [memberId]), isMember(work, { companyId, memberId })])
  if (!member || !is) throw new Problem(earningProblems.memberNotOfCompany, { errors: [notOfCompany] })
  const { walletId } = member
  const at = await work.now()
  const purchases = [{ companyId, walletId, memberId, spendId: null, reference, base, at }]
  const [earning] = await settle(work, { news: { ...noNews, purchases }, settings, isAwaited: true })
  if (!earning) throw await findObstacle(work, { companyId, reference })
  return earning
}

const notOfCompany = { pointer: '/memberId', detail: earningProblems.memberNotOfCompany.detail }

/**
 * Takes back what is no longer due of a purchase that was paid elsewhere, since so much of it was paid back there;
 * without an amount, all that is left. Throws `earningUnknown`, `notByReference` and `refundTooLarge`.
 */
export async function refundElsewhere(
  work: Work,
  by: { companyId: string; earningId: string; amount: number | null; settings: EarningSettings },
): Promise<Earning> {
  const { companyId, earningId, settings } = by
  const [earning] = await lockEarnings(work, { ids: [earningId] })
  if (earning?.companyId !== companyId) throw new Problem(earningProblems.earningUnknown)
  if (earning.spendId) throw new Problem(earningProblems.notByReference)
  const refundable = earning.base - earning.refunded
  const amount = by.amount ?? refundable
  if (amount === 0 || amount > refundable) throw new Problem(earningProblems.refundTooLarge, { params: { refundable } })
  const refunded = new Map([[earningId, earning.refunded + amount]])
  const [settled] = await settle(work, { news: { ...noNews, refunded }, settings, isAwaited: true })
  return settled!
}

/** What was earned at a company by its own rules or by what it told of, newest first, from after the one of this id. */
export function listEarnings(
  reads: { readonly sql: Sql },
  page: { companyId: string; after: string | null; limit: number },
): Promise<Earning[]> {
  return selectEarningPage(reads, page)
}

/** Why nothing could be earned: it was before, or there is no rule. */
async function findObstacle(work: Work, purchase: { companyId: string; reference: string }): Promise<Problem> {
  const first = await selectByReference(work, purchase)
  if (!first) return new Problem(earningProblems.noRule)
  return new Problem(earningProblems.referenceUsed, { params: { earningId: toPublicId('ern', first.id) } })
}
