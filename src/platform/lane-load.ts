/** How loaded a lane is, by what its batches were like. Times are in milliseconds that only grow. */
export interface LaneLoad {
  /** A batch begins whose oldest input came at `since`. */
  begin(since: number, now: number): void
  /** One of so many inputs has ended, of as many side by side as there are slots. */
  end(batch: { size: number; slots: number; ranMs: number }): void
  /** How long one would wait who joins so many, the oldest of whom came at `since`. */
  delayMs(waiting: { readonly count: number; readonly since: number; readonly now: number }): number
  /** When somebody who is refused may come back: when so many have had their turn, and those who waited so long. */
  retryAfterSeconds(count: number, delayMs: number): number
}

/** Longer, nobody is sent away: what is refused may be over sooner than it seems. */
const retryAfterMax = 10
/** What the last batch counts for in the pace, against all before it. */
const weight = 0.3
/** Those before were small, and tell nothing of the pace of large ones; by age alone, twice too many were let in. */
const congestedMs = 250

/** That of a lane that has done nothing yet. */
export function openLaneLoad(): LaneLoad {
  let gatheredMs = 0
  let beganAt = 0
  let perMs = Number.POSITIVE_INFINITY
  return {
    begin(since, now) {
      gatheredMs = now - since
      beganAt = now
    },
    end({ size, slots, ranMs }) {
      const pace = (size * slots) / Math.max(ranMs, 0.01)
      perMs = Number.isFinite(perMs) ? perMs + weight * (pace - perMs) : pace
    },
    delayMs({ count, since, now }) {
      // The oldest alone may wait for one batch that hangs, while all others have their turn.
      const ageMs = Math.min(now - since, gatheredMs + (now - beganAt))
      return gatheredMs > congestedMs ? Math.max(ageMs, count / perMs) : ageMs
    },
    retryAfterSeconds: (count, delayMs) =>
      Math.min(retryAfterMax, Math.max(1, Math.ceil(Math.max(count / perMs, delayMs) / 1_000))),
  }
}
