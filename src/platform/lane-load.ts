/** How loaded a lane is, by what its batches were like. Times are in milliseconds that only grow. */
export interface LaneLoad {
  /** A batch begins whose oldest input came at `since`. */
  begin(since: number, now: number): void
  /** A batch has ended that took so long. */
  end(ranMs: number): void
  /** How long one would wait who joins so many, the oldest of whom came at `since`. */
  delayMs(waiting: { readonly count: number; readonly since: number; readonly now: number }): number
  /** When somebody who is refused may come back: when so many have had their turn, and those who waited so long. */
  retryAfterSeconds(count: number, delayMs: number): number
}

/** Longer, nobody is sent away: what is refused may be over sooner than it seems. */
const retryAfterMax = 10
/** What the last batch counts for, against all before it. */
const weight = 0.3

/** That of a lane that has done nothing yet. */
export function openLaneLoad(batchSizeMax: number): LaneLoad {
  let gatheredMs = 0
  let beganAt = 0
  let batchMs = 0
  // In batches, not by inputs a second: kept small by that, batches would stay as slow as small ones are.
  const ahead = (count: number) => Math.floor(count / batchSizeMax) * batchMs
  return {
    begin(since, now) {
      gatheredMs = now - since
      beganAt = now
    },
    end(ranMs) {
      batchMs = batchMs === 0 ? ranMs : batchMs + weight * (ranMs - batchMs)
    },
    delayMs({ count, since, now }) {
      // The oldest alone may wait for one batch that hangs, while all others have their turn.
      const ageMs = Math.min(now - since, gatheredMs + (now - beganAt))
      // By age alone, at twice the load, those let in last would wait for twice as long as they may.
      return Math.max(ageMs, ahead(count))
    },
    retryAfterSeconds: (count, delayMs) =>
      Math.min(retryAfterMax, Math.max(1, Math.ceil(Math.max(ahead(count), delayMs) / 1_000))),
  }
}
