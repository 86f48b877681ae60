/** A stand-in's time, which can be moved forward. What waits for an instant comes when it is there, moved or not. */
export interface Clock {
  nowMs(): number
  advance(ms: number): void
  /** Runs at an instant; what is given back calls it off. */
  at(dueMs: number, run: () => void): () => void
  /** Calls everything off. */
  close(): void
}

interface Waiting {
  readonly dueMs: number
  readonly run: () => void
  timer?: NodeJS.Timeout
}

/** Longest that a timer of Node's waits. */
const timerMsMax = 2 ** 31 - 1

/** Goes by the machine's time, or by another's that is given. */
export function openClock(machineMs: () => number = Date.now): Clock {
  const waiting = new Set<Waiting>()
  let offsetMs = 0
  const nowMs = () => machineMs() + offsetMs
  const arrange = (item: Waiting) => {
    clearTimeout(item.timer)
    const leftMs = item.dueMs - nowMs()
    item.timer = setTimeout(look, Math.min(Math.max(leftMs, 0), timerMsMax), item).unref()
  }
  const look = (item: Waiting) => {
    if (item.dueMs > nowMs()) return arrange(item)
    clearTimeout(item.timer)
    if (waiting.delete(item)) item.run()
  }
  return {
    nowMs,
    advance(ms) {
      offsetMs += ms
      for (const item of [...waiting].sort((a, b) => a.dueMs - b.dueMs)) look(item)
    },
    at(dueMs, run) {
      const item: Waiting = { dueMs, run }
      waiting.add(item)
      arrange(item)
      return () => {
        clearTimeout(item.timer)
        waiting.delete(item)
      }
    },
    close() {
      for (const { timer } of waiting) clearTimeout(timer)
      waiting.clear()
    },
  }
}

/** An instant as Korean providers write it: `2026-01-02T03:04:05+09:00`. */
export function toKoreanTime(ms: number): string {
  return `${new Date(ms + koreaAheadMs).toISOString().slice(0, 19)}+09:00`
}

/** Korea has no summer time. */
export const koreaAheadMs = 9 * 3_600_000
