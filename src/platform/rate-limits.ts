import { toPlainAddress } from './addresses.ts'

/** So much may be taken at once; what was taken comes back evenly over so many seconds. */
export interface Allowance {
  readonly name: string
  readonly amount: number
  readonly seconds: number
}

/** What became of asking for something. */
export interface Taking {
  /** Where there was not enough, nothing was taken. */
  readonly isTaken: boolean
  /** What is left, in whole units. */
  readonly left: number
  /** Until there is enough where there was not, else until everything is back. */
  readonly waitSeconds: number
}

/** Counts what is taken by key, and answers at once. A process may count for itself, or together with others. */
export interface RateCounter {
  /** Takes so much where there is enough; with nothing to take, it only tells. */
  take(allowance: Allowance, by: { key: string; amount: number }): Taking
  /** Takes without asking, twice the allowance at most; gives back what is negative. */
  add(allowance: Allowance, by: { key: string; amount: number }): void
  /** Everything is there again. */
  forget(allowance: Allowance, key: string): void
}

/** A counter of this process alone. */
export interface LocalRateCounter extends RateCounter {
  /** Milliseconds until everything is back. */
  owedMs(allowance: Allowance, key: string): number
  /** It is known better when that will be. */
  settle(allowance: Allowance, by: { key: string; owedMs: number }): void
  /** How many keys it remembers. */
  size(): number
}

// A number and a key of some 60 bytes each: a flood of addresses costs a few MB, and forgets who came before it.
const keysMax = 50_000
// The sum of so many fractions may miss the whole by this much.
const toleranceMs = 0.001

/**
 * One number for each key, when everything will be back (GCRA, the leaky bucket of ITU-T I.371), and no timer. Keys
 * are kept in two halves: the older half is forgotten as soon as the younger is full, or everything in it is back.
 */
export function openRateCounter(now = () => performance.now()): LocalRateCounter {
  const shelves = new Map<Allowance, Shelf>()
  const shelfOf = (allowance: Allowance, at: number): Shelf => {
    let shelf = shelves.get(allowance)
    if (!shelf) {
      shelf = { young: new Map(), old: new Map(), turnedAt: at }
      shelves.set(allowance, shelf)
    } else if (shelf.young.size >= keysMax || at - shelf.turnedAt > 2_000 * allowance.seconds) {
      shelf.old = shelf.young
      shelf.young = new Map()
      shelf.turnedAt = at
    }
    return shelf
  }
  const fullAtOf = ({ young, old }: Shelf, key: string) => young.get(key) ?? old.get(key) ?? 0

  return {
    take(allowance, { key, amount }) {
      const at = now()
      const shelf = shelfOf(allowance, at)
      const allMs = allowance.seconds * 1_000
      const eachMs = allMs / allowance.amount
      const before = Math.max(fullAtOf(shelf, key), at)
      const after = before + amount * eachMs
      const isTaken = after - at <= allMs + toleranceMs
      if (isTaken && amount > 0) shelf.young.set(key, after)
      const missingMs = (isTaken ? after : before) - at
      return {
        isTaken,
        left: Math.max(0, Math.floor((allMs - missingMs + toleranceMs) / eachMs)),
        waitSeconds: Math.ceil(((isTaken ? missingMs : after - at - allMs) - toleranceMs) / 1_000),
      }
    },
    add(allowance, { key, amount }) {
      const at = now()
      const shelf = shelfOf(allowance, at)
      const allMs = allowance.seconds * 1_000
      const after = Math.max(fullAtOf(shelf, key), at) + (amount * allMs) / allowance.amount
      shelf.young.set(key, Math.min(after, at + 2 * allMs))
    },
    forget(allowance, key) {
      const { young, old } = shelfOf(allowance, now())
      young.delete(key)
      old.delete(key)
    },
    owedMs(allowance, key) {
      const at = now()
      return Math.max(0, fullAtOf(shelfOf(allowance, at), key) - at)
    },
    settle(allowance, { key, owedMs }) {
      const at = now()
      shelfOf(allowance, at).young.set(key, at + owedMs)
    },
    size: () => [...shelves.values()].reduce((sum, { young, old }) => sum + young.size + old.size, 0),
  }
}

interface Shelf {
  young: Map<string, number>
  old: Map<string, number>
  turnedAt: number
}

/** Whom an address stands for: an IPv4 address for itself, an IPv6 one for its /64, which one subscriber has whole. */
export function toNetwork(address: string): string {
  const plain = toPlainAddress(address)
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  const groups = [...first, ...zeros, ...last].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
