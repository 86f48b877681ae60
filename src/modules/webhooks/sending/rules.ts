/** What came of an attempt: the status that was answered, or why there was none. */
export type Attempted =
  | { readonly statusCode: number; readonly retryAfterMs: number | null; readonly error: null }
  | { readonly statusCode: null; readonly error: string; readonly why: Silence }

/** Nobody answered; the address is one that nothing is sent to; or it cannot be signed here, which is our own fault. */
export type Silence = 'unanswered' | 'closed' | 'unsigned'

/** What it means. `pauseMs` is how long nothing at all is to be sent to the receiver; null where it may be. */
export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly pauseMs: number | null }
  | { readonly kind: 'exhausted'; readonly pauseMs: number | null }
  | { readonly kind: 'unsigned'; readonly delayMs: number }

const [second, minute, hour] = [1_000, 60_000, 3_600_000]

/** Before the second attempt, the third and so on; the first is made at once. All ten take three days and a bit. */
const delaysMs = [5 * second, ...[5, 30, 120, 300, 600, 840, 1_200, 1_440].map((minutes) => minutes * minute)]

/** How often a delivery is tried, unless it is sent again. */
export const attemptsMax = delaysMs.length + 1

const pauseDefaultMs = 30 * second
const pauseMaxMs = hour

/** What is to become of a delivery after so many attempts; `random` is from 0 to 1. */
export function judge(attempted: Attempted, { attempts, random }: { attempts: number; random: number }): Verdict {
  const { statusCode } = attempted
  if (statusCode !== null && statusCode >= 200 && statusCode < 300) return { kind: 'delivered' }
  if (statusCode === 410) return { kind: 'gone' }
  if (statusCode === null && attempted.why === 'unsigned') return { kind: 'unsigned', delayMs: 5 * minute }
  const askedMs = statusCode === null ? null : attempted.retryAfterMs
  const pauseMs = isOverloaded(statusCode) ? Math.min(askedMs ?? pauseDefaultMs, pauseMaxMs) : null
  const delayMs = delaysMs[attempts - 1]
  if (delayMs === undefined) return { kind: 'exhausted', pauseMs }
  // A tenth more or less, so that what failed together does not come back together.
  const jittered = Math.round(delayMs * (0.9 + 0.2 * random))
  return { kind: 'retry', delayMs: Math.max(jittered, Math.min(askedMs ?? 0, 24 * hour)), pauseMs }
}

function isOverloaded(statusCode: number | null): boolean {
  return statusCode === 429 || statusCode === 502 || statusCode === 504
}

/** Milliseconds that `Retry-After` asks for, as seconds or as a date (RFC 9110, 10.2.3); null where it says nothing. */
export function readRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null
  const delayMs = /^\d{1,9}$/.test(text) ? Number(text) * second : Date.parse(text) - nowMs
  return delayMs > 0 ? delayMs : null
}

/** Whether somebody who asked for these types hears of one: each is a type, `room.*`, or `*` for all. */
export function isHeard(type: string, asked: readonly string[]): boolean {
  return asked.some(
    (each) => each === '*' || each === type || (each.endsWith('.*') && type.startsWith(each.slice(0, -1))),
  )
}

/** Everything that may be asked for where there are these types. */
export function listChoices(types: readonly string[]): string[] {
  const rooms = new Set(types.map((type) => `${roomOf(type)}.*`))
  return ['*', ...[...rooms].toSorted(), ...types.toSorted()]
}

/** What stands before the point of a type. */
export function roomOf(type: string): string {
  return type.slice(0, type.indexOf('.'))
}
