import type { Sql } from './database.ts'
import { databaseNowMs } from './database-time.ts'
import type { Language } from './problem.ts'
import { StartProblem } from './start-problem.ts'

/** The instant of an RFC 3339 text, cut to milliseconds; null when it is malformed or not in the calendar. */
export function toInstant(text: string): Date | null {
  const match =
    /^(\d{4}-\d\d-\d\d)[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(text)
  if (!match || !isDate(match[1]!)) return null
  const instant = new Date(text.toUpperCase())
  return instant.getTime() >= instantMin && instant.getTime() <= instantMax ? instant : null
}

// PostgreSQL knows no year 0, and JavaScript prints years past 9999 with a sign.
const instantMin = Date.parse('0001-01-01T00:00:00.000Z')
const instantMax = Date.parse('9999-12-31T23:59:59.999Z')

/** Whether a text is a day of the calendar like `2026-11-20`. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const time = Date.parse(`${text}T00:00:00.000Z`)
  return time >= instantMin && time <= instantMax && new Date(time).toISOString().startsWith(text)
}

/** The first instant of a day (`2026-11-20`) in a time zone; at the ends of the calendar, the nearest one in it. */
export function startOfDay(date: string, zone: string): Date {
  const { epochMilliseconds } = Temporal.PlainDate.from(date).toZonedDateTime(zone)
  return new Date(Math.min(Math.max(epochMilliseconds, instantMin), instantMax))
}

/**
 * What a query's `from` and `to` mean: `from` inclusive, `to` exclusive, null where open. Dates are days of the zone,
 * both inclusive. The texts have passed the format `date-or-date-time`.
 */
export function toPeriod(query: { from?: string; to?: string }, zone: string): { from: Date | null; to: Date | null } {
  const { from, to } = query
  return {
    from: from === undefined ? null : toBound(from, 0, zone),
    to: to === undefined ? null : toBound(to, 1, zone),
  }
}

function toBound(text: string, daysLater: number, zone: string): Date | null {
  if (!isDate(text)) return toInstant(text)
  return startOfDay(Temporal.PlainDate.from(text).add({ days: daysLater }).toString(), zone)
}

/** An instant as people of a time zone write it, to the minute, with the name of the zone. */
export function tellTime(at: Date, { timeZone, language }: { timeZone: string; language: Language }): string {
  const written = new Intl.DateTimeFormat(language === 'ko' ? 'ko-KR' : 'en-GB', {
    timeZone,
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'long',
  })
  const parts = written.formatToParts(at)
  const pick = (isZone: boolean) =>
    parts.flatMap(({ type, value }) => ((type === 'timeZoneName') === isZone ? [value] : [])).join('')
  return `${pick(false).trim()}${language === 'ko' ? '' : ' '}(${pick(true)})`
}

/** The programme's time now, in whole milliseconds. */
export async function findProgrammeTime(reads: { readonly sql: Sql }): Promise<Date> {
  const rows = await reads.sql.rows<{ now: Date }>('select platform.programme_time() as now')
  return rows[0]!.now
}

/** Furthest that the clock may be moved in all: 100 years. */
export const offsetSecondsMax = 3_155_760_000

/** Moves the programme's clock forward for good; null, and nothing moved, when it would pass `offsetSecondsMax`. */
export async function advanceClock(reads: { readonly sql: Sql }, seconds: number): Promise<{ now: Date } | null> {
  const moved = await reads.sql.run('update platform.clock set offset_ms = offset_ms + $1 where offset_ms + $1 <= $2', [
    seconds * 1_000,
    offsetSecondsMax * 1_000,
  ])
  return moved === 0 ? null : { now: await findProgrammeTime(reads) }
}

/** Throws a StartProblem where the clock was ever moved: real points must not live by another time than people do. */
export async function assertClockUnmoved(reads: { readonly sql: Sql }): Promise<void> {
  const rows = await reads.sql.rows<{ seconds: number }>(
    'select offset_ms / 1000.0::float8 as seconds from platform.clock',
  )
  const { seconds } = rows[0]!
  if (seconds === 0) return
  throw new StartProblem({
    ko: `이 데이터베이스의 시계는 데모 프로필에서 ${seconds}초 앞당겨졌습니다. 운영 프로필은 움직인 시계로 실행하지 않습니다. 새 데이터베이스를 지정하거나 PODO_PROFILE=demo로 시작하십시오.`,
    en: `The clock of this database was moved forward by ${seconds} seconds in the demo profile, and production does not run by a moved clock. Use a fresh database, or start with PODO_PROFILE=demo.`,
  })
}

/** The database's time, as far as a process can tell without asking it. */
export interface SeenClock {
  /** Milliseconds since 1970, as the database just said. */
  saw(nowMs: number): void
  /** The same, now; before it was seen, by what connections say: without what the demo moved. */
  nowMs(): number
}

/** Goes on from what was seen last. */
export function openSeenClock(): SeenClock {
  let seen: { readonly nowMs: number; readonly at: number } | null = null
  return {
    saw(nowMs) {
      seen = { nowMs, at: performance.now() }
    },
    nowMs: () => (seen ? seen.nowMs + performance.now() - seen.at : databaseNowMs()),
  }
}
