import { applyTransfers, batchSizeMax, type Command, type Outcome } from '#modules/ledger'
import { idempotencyKey } from '#platform/idempotency'
import { toPublicId } from '#platform/ids'
import { type Language, Problem, type Text } from '#platform/problem'
import { type Actor, system, type Work } from '#platform/work'
import type { Earning, EarningSettings } from './earning.ts'
import { addToDays, updateEarnings } from './store.ts'

/** What is to be done about an earning. */
export interface Step {
  readonly before: Earning
  /** As it stands once everything is given; what is taken is added when the ledger has said how much it was. */
  readonly after: Earning
  /** Points to give, and how long they are good. */
  readonly give: number
  readonly expiresInDays: number | null
  /** Points to take back, as far as they are left. */
  readonly take: number
}

interface Booking {
  readonly steps: readonly Step[]
  readonly settings: EarningSettings
  readonly actor: Actor
  /** What the ledger will not give is thrown as a Problem where somebody waits for it, and noted where nobody does. */
  readonly isAwaited: boolean
}

/** Has the ledger give and take, and writes down what came of it. */
export async function bookSteps(work: Work, booking: Booking): Promise<Earning[]> {
  const { steps } = booking
  const outcomes = await askLedger(work, booking)
  const settled = steps.map((step) => {
    const outcome = outcomes.get(step)
    if (outcome?.status === 'refused' && step.give > 0 && booking.isAwaited)
      throw new Problem(outcome.problem.kind, { params: outcome.problem.params })
    return outcome ? afterOutcome(step, outcome) : step.after
  })
  updateEarnings(work, settled)
  await addToDays(
    work,
    settled.map((earning, at) => ({ ...earning, earned: keptOf(earning) - keptOf(steps[at]!.before) })),
  )
  return settled
}

type Final = Extract<Outcome, { status: 'done' | 'refused' }>

async function askLedger(work: Work, { steps, settings, actor }: Booking): Promise<Map<Step, Final>> {
  const now = await work.now()
  const by = { now, actor, language: settings.language }
  const outcomes = new Map<Step, Final>()
  let asked = steps.filter(({ give, take }) => give + take > 0)
  // More than a batch books may have fallen due in a wallet before anything comes in, and points may come back into
  // more lots than a batch has commands. Its account is locked already, and a key of these is nobody else's: nothing is
  // locked out of its order by going on with the rest.
  while (asked.length > 0) {
    const batch = asked.slice(0, batchSizeMax)
    const commands = batch.map((step) => toCommand(step, by))
    const answers = await applyTransfers(work, { commands, settings, wait: true })
    batch.forEach((step, at) => {
      const answer = answers[at]!
      if (answer.status === 'done' || answer.status === 'refused') outcomes.set(step, answer)
    })
    asked = asked.filter((step) => !outcomes.has(step))
  }
  return outcomes
}

function afterOutcome({ after, give }: Step, outcome: Final): Earning {
  if (outcome.status === 'refused')
    return give > 0 ? { ...after, earned: 0, takenBack: 0, refusal: outcome.problem.kind.type } : after
  const { id, amount, lots } = outcome.transfer
  if (give > 0) return { ...after, transferId: id, lotId: lots[0]!.lotId }
  return { ...after, takenBack: after.takenBack + amount }
}

/** What counts for the cap of its day. */
function keptOf({ earned, takenBack }: Earning): number {
  return earned - takenBack
}

const dayMs = 86_400_000

function toCommand(
  { after: earning, give, take, expiresInDays }: Step,
  by: { now: Date; actor: Actor; language: Language },
): Command {
  const { id, spendId, walletId } = earning
  const context = {
    actor: by.actor,
    memberId: null,
    reason: texts[give > 0 ? 'given' : 'takenBack'][by.language],
    reference: spendId ? toPublicId('trf', spendId) : earning.reference,
    metadata: {
      earning: toPublicId('ern', id),
      rule: toPublicId('rul', earning.ruleId),
      ruleVersion: earning.ruleVersion,
    },
  }
  // Without a key: how much was had is written down with it, and what could not be had is asked for again.
  if (give === 0) return { ...context, key: null, kind: 'take-back', lotId: earning.lotId!, upTo: take }
  // A line feed is in no key that a caller may send, so that none of theirs is ever one of these.
  const purchase = spendId ?? `${earning.companyId}\n${earning.reference}`
  const given = { key: `earning\n${purchase}\ngiven`, method: 'EARN', path: walletId, body: give }
  const key = idempotencyKey(system, given)
  const expiresAt = expiresInDays === null ? null : new Date(by.now.getTime() + expiresInDays * dayMs)
  return { ...context, key, kind: 'grant', walletId, class: 'bonus', amount: give, expiresAt, paymentId: null }
}

const texts = {
  given: { ko: '구매 적립', en: 'Earned by a purchase' },
  takenBack: { ko: '환불에 따른 적립 회수', en: 'Taken back: the purchase was refunded' },
} satisfies Record<string, Text>
