import type { Clock } from './clock.ts'
import type { Store } from './store.ts'

/**
 * Money came, or went back; money that had come turned out not to have (a deposit reversed); money that was to go back
 * could not.
 */
export type Movement = 'charge' | 'refund' | 'reversal' | 'refund-failed'

/** One movement of money, written when it was committed and never changed. */
export interface Entry {
  readonly number: number
  readonly at: string
  readonly movement: Movement
  readonly orderId: string
  readonly paymentKey: string
  readonly transactionKey: string
  /** Never negative. */
  readonly amount: number
}

/** Sums of money; what was to go back and could not is not among what was given back. */
export interface Totals {
  readonly charged: number
  readonly refunded: number
  readonly reversed: number
  readonly kept: number
}

/** The truth about the money, to compare with what others believe. */
export interface Books {
  record(entry: Omit<Entry, 'number' | 'at'>): void
  list(): Entry[]
  /** What was charged for an order and has not gone back. */
  keptOf(orderId: string): number
  totals(): Totals
  /** Orders that were charged twice, or gave back more than they took; there must be none. */
  findFlaws(): string[]
}

/** Books that go on from what is stored. */
export function openBooks({ store, clock }: { store: Store; clock: Clock }): Books {
  const entries = store.table<Entry>('books')
  const orders = new Map<string, { charges: number; kept: number; least: number }>()
  const sums: Record<Movement, number> = { charge: 0, refund: 0, reversal: 0, 'refund-failed': 0 }
  const twice = new Set<string>()
  const add = ({ movement, orderId, amount }: Entry) => {
    const { charges, kept, least } = orders.get(orderId) ?? { charges: 0, kept: 0, least: 0 }
    const now = kept + (movement === 'charge' || movement === 'refund-failed' ? amount : -amount)
    const standing = charges + (movement === 'charge' ? 1 : movement === 'reversal' ? -1 : 0)
    orders.set(orderId, { charges: standing, kept: now, least: Math.min(least, now) })
    sums[movement] += amount
    if (standing > 1) twice.add(orderId)
  }
  for (const entry of entries.values()) add(entry)
  return {
    record(given) {
      const entry = { number: entries.size + 1, at: new Date(clock.nowMs()).toISOString(), ...given }
      entries.set(String(entry.number), entry)
      add(entry)
    },
    list: () => entries.values(),
    keptOf: (orderId) => orders.get(orderId)?.kept ?? 0,
    totals: () => ({
      charged: sums.charge,
      refunded: sums.refund - sums['refund-failed'],
      reversed: sums.reversal,
      kept: sums.charge - sums.refund - sums.reversal + sums['refund-failed'],
    }),
    findFlaws: () => [
      ...[...twice].map((orderId) => `${orderId} was charged twice`),
      ...[...orders].filter(([, { least }]) => least < 0).map(([orderId]) => `${orderId} gave back more than it took`),
    ],
  }
}
