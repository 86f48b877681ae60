import { findAccounts, findHold, listFirstLots } from '#modules/ledger'
import { pointsEvents } from '#modules/points'
import type { Subscriber } from '#platform/events/delivery'
import type { Event } from '#platform/events/events'
import type { EventData } from '#platform/events/kinds'
import { fromPublicId } from '#platform/ids'
import type { Work } from '#platform/work'
import { type EarningSettings, type Purchase, settle } from './earning.ts'

const { spent, posted, refunded, voided, cancelled } = pointsEvents
type Line = EventData<typeof spent | typeof posted | typeof refunded | typeof voided | typeof cancelled>

/**
 * Gives members bonus points for the paid points that they spend, and takes them back for those that are refunded;
 * once, in whatever order it is told, since what was refunded is asked of the journal. What is not there to be taken is
 * asked for again when points come back: from a hold, or by a refund of what they were spent for.
 */
export function earningSubscriber(settings: EarningSettings): Subscriber {
  return {
    name: 'earning',
    types: [spent, posted, refunded, voided, cancelled].map(({ type }) => type),
    async handle(work, events) {
      const own = await onlyOfMembers(work, events.filter(isAboutPaid))
      const purchases = own.flatMap((event) => toPurchase(event) ?? [])
      const lines = events.map(({ data }) => data as Line)
      const refundedSpends = own.flatMap(({ data }) => toRefundedSpend(data as Line) ?? [])
      const returned = await Promise.all(lines.map((line) => findReturned(work, line)))
      const returnedLots = await listFirstLots(work, returned.flat())
      const cancelledLots = lines.flatMap((line) => (line.kind === 'cancel' ? bonusLotsOf(line) : []))
      const news = { purchases, refundedSpends, returnedLots, cancelledLots, refunded: new Map() }
      if (own.length + returnedLots.length + cancelledLots.length === 0) return
      await settle(work, { news, settings, isAwaited: false })
    },
  }
}

/** Bonus and prize points earn nothing. */
function isAboutPaid({ data }: Event): boolean {
  return paidOf(data as Line) > 0
}

function paidOf({ lots }: Line): number {
  return lots.reduce((sum, lot) => (lot.class === 'paid' ? sum + lot.amount : sum), 0)
}

/** What companies spend of their own earns nothing. */
async function onlyOfMembers(work: Work, events: readonly Event[]): Promise<Event[]> {
  if (events.length === 0) return []
  const accounts = await findAccounts(work, [...new Set(events.map(({ key }) => key))])
  const members = new Set(accounts.flatMap(({ id, ownerType }) => (ownerType === 'member' ? [id] : [])))
  return events.filter(({ key }) => members.has(key))
}

function toPurchase({ key, at, data }: Event): Purchase | null {
  const line = data as Line
  if ((line.kind !== 'spend' && line.kind !== 'post') || line.merchantId === null) return null
  const [companyId, spendId] = [fromPublicId('cmp', line.merchantId)!, fromPublicId('trf', line.id)!]
  return { companyId, walletId: key, memberId: null, spendId, reference: null, base: paidOf(line), at }
}

function toRefundedSpend({ kind, reverses }: Line): string | null {
  return kind === 'refund' ? fromPublicId('trf', reverses!) : null
}

/** Lots into which bonus points came back, or of which a hold let go. */
async function findReturned(work: Work, line: Line): Promise<string[]> {
  if (line.kind === 'refund' || line.kind === 'void') return bonusLotsOf(line)
  if (line.kind !== 'post' || line.heldChange === line.amount) return []
  // The line of a hold that was carried out in part says what went, not what was left.
  const hold = await findHold(work, fromPublicId('hld', line.holdId!)!)
  return hold!.lots.flatMap((lot) => (lot.class === 'bonus' ? lot.lotId : []))
}

function bonusLotsOf({ lots }: Line): string[] {
  return lots.flatMap((lot) => (lot.class === 'bonus' ? fromPublicId('lot', lot.lotId)! : []))
}
