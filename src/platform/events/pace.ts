/** More than so much arriving a second is a storm: whoever does what is told of comes first. */
const stormPerSecond = 12_000
/** What is numbered a second in a storm, for a start. */
const leastPerSecond = 4_000
/** However long a storm lasts, what arrives waits for about so long. */
const waitMaxSeconds = 60
/** In a storm little is numbered at a time, and each time costs. */
const portionEveryMs = 250
/** Over how long it is averaged what arrives. */
const averagedMs = 500

/** What is seen at a look: how many rows arrived since the last one, and when. */
export interface Look {
  readonly arrived: number
  /** Of a clock that only goes on. */
  readonly nowMs: number
}

/** How much may be numbered, from look to look. */
export interface Pace {
  /** How many rows may be numbered now: all of them, some, or none yet. */
  look(look: Look): number
  /** Told what was numbered, and whether anything is left. */
  numbered(done: { count: number; hasMore: boolean }): void
}

/**
 * Stands back in a storm, so that events cost those little who make them, and catches up after it. What waits is done
 * the faster the more it is, so that a storm that lasts does not leave it further and further behind.
 */
export function openPace(): Pace {
  let [perSecond, behind] = [0, 0]
  let lookedAt: number | null = null
  let portionAt = Number.NEGATIVE_INFINITY
  return {
    look({ arrived, nowMs }) {
      const passedMs = lookedAt === null ? 0 : nowMs - lookedAt
      lookedAt = nowMs
      behind += arrived
      if (passedMs > 0) {
        const share = Math.min(1, passedMs / averagedMs)
        perSecond += ((arrived * 1_000) / passedMs - perSecond) * share
      }
      if (perSecond < stormPerSecond) return Number.POSITIVE_INFINITY
      const sinceMs = Math.min(nowMs - portionAt, 2 * portionEveryMs)
      if (sinceMs < portionEveryMs) return 0
      portionAt = nowMs
      return Math.ceil(((leastPerSecond + behind / waitMaxSeconds) * sinceMs) / 1_000)
    },
    numbered({ count, hasMore }) {
      behind = hasMore ? Math.max(0, behind - count) : 0
    },
  }
}
