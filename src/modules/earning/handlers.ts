import { findAccounts } from '#modules/ledger'
import { pointsEvents } from '#modules/points'
import type { Subscriber } from '#platform/events/delivery'
import type { Event } from '#platform/events/events'
import type { EventData } from '#platform/events/kinds'
import { fromPublicId } from '#platform/ids'
import type { Work } from '#platform/work'
import { type EarningSettings, type Purchase, settle } from './earning.ts'

const { spent, posted, refunded } = pointsEvents
type Line = EventData<typeof spent | typeof posted | typeof refunded>

/**
 * Gives members bonus points for the paid points that they spend, and takes them back for those that are refunded;
 * once, in whatever order it is told, since what was refunded is asked of the journal.
 */
export function earningSubscriber(settings: EarningSettings): Subscriber {
  return {
    name: 'earning',
    types: [spent.type, posted.type, refunded.type],
    async handle(work, events) {
      const own = await onlyOfMembers(work, events.filter(isAboutPaid))
      const purchases = own.flatMap((event) => toPurchase(event) ?? [])
      const refundedSpends = own.flatMap(({ data }) => fromPublicId('trf', (data as Line).reverses ?? '') ?? [])
      const news = { purchases, refundedSpends, refunded: new Map() }
      if (own.length > 0) await settle(work, { news, settings, isAwaited: false })
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
  if (line.kind === 'refund' || line.merchantId === null) return null
  const [companyId, spendId] = [fromPublicId('cmp', line.merchantId)!, fromPublicId('trf', line.id)!]
  return { companyId, walletId: key, memberId: null, spendId, reference: null, base: paidOf(line), at }
}
