import { newId } from '#platform/ids'
import { walletId } from '../seed.ts'

/** A spend as it would be booked, from which each layout makes its rows. */
export interface Booking {
  readonly id: string
  readonly amount: number
  readonly payerId: string
  readonly seq: number
  readonly balanceAfter: number
  readonly lotId: string
  readonly at: Date
}

/** Books spends without asking the database, so that only what is written differs. */
export function makeBookings(wallets: { from: number; count: number }): (count: number) => Booking[] {
  const states = Array.from({ length: wallets.count }, (_, place) => wallets.from + place).map((number) => ({
    id: walletId(number),
    // The first lot that the seed planted for this wallet, of two.
    lotId: `00000000-0000-7000-8c00-${(number * 2).toString(16).padStart(12, '0')}`,
    seq: 2,
    balance: 2_000_000_000,
  }))
  return (count) => {
    const at = new Date()
    return Array.from({ length: count }, (_, number) => {
      const state = states[Math.floor(Math.random() * states.length)]!
      const amount = 1 + (number % 10)
      state.seq += 1
      state.balance -= amount
      const { id: payerId, lotId, seq, balance } = state
      return { id: newId(), amount, payerId, seq, balanceAfter: balance, lotId, at }
    })
  }
}

/** The last booking of each wallet: what its row becomes. */
export function lastOfEach(bookings: readonly Booking[]): Booking[] {
  return [...new Map(bookings.map((booking) => [booking.payerId, booking])).values()]
}
