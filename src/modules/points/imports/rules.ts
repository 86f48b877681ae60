import { amountMax } from '#modules/ledger'
import { isDate, startOfDay, toInstant } from '#platform/clock'
import type { Text } from '#platform/problem'
import { isShowable, toKeptText } from '#platform/text'
import type { CsvRecord } from './csv.ts'

/** Columns that a file must have, and those that it may have. */
export const requiredColumns = ['memberExternalId', 'class', 'amount', 'issuedAt'] as const
export const optionalColumns = ['expiresAt', 'reason'] as const

type Column = (typeof requiredColumns)[number] | (typeof optionalColumns)[number] | 'nickname'

/** Points that a member brings along. */
export interface OpeningLine {
  /** Line of the file on which it begins, from 1. */
  readonly line: number
  readonly externalId: string
  readonly class: 'paid' | 'bonus'
  readonly amount: number
  readonly issuedAt: Date
  readonly expiresAt: Date | null
  readonly reason: string | null
  /** For a member who is to be made. */
  readonly nickname: string | null
}

/** What is wrong with a line. */
export interface ImportMistake {
  readonly line: number
  readonly text: Text
}

/** A line as it was read; `line` is there when nothing is wrong with it, or nothing but that it has expired. */
export interface LineReading {
  readonly line: OpeningLine | null
  readonly mistakes: readonly ImportMistake[]
}

/** Where each column stands. */
export type Header = Readonly<Record<Column, number>> & { readonly width: number }

/** The columns of the first record, in any order, or everything that is wrong with them. */
export function readHeader(record: CsvRecord, options: { createMembers: boolean }): Header | ImportMistake[] {
  const names = record.fields?.map((field) => field.trim()) ?? []
  const known = [...requiredColumns, ...optionalColumns, ...(options.createMembers ? ['nickname'] : [])]
  const wrong = (text: Text): ImportMistake => ({ line: record.line, text })
  if (!names.some((name) => known.includes(name))) return [wrong(noHeader(known))]
  const mistakes = [
    ...names.filter((name) => !known.includes(name)).map((name) => wrong(unknownColumn(name, known))),
    ...names.filter((name, at) => names.indexOf(name) < at).map((name) => wrong(repeatedColumn(name))),
    ...requiredColumns.filter((name) => !names.includes(name)).map((name) => wrong(missingColumn(name))),
  ]
  if (mistakes.length > 0) return mistakes
  const places = [...requiredColumns, ...optionalColumns, 'nickname' as const].map((name) => [
    name,
    names.indexOf(name),
  ])
  return { ...(Object.fromEntries(places) as Record<Column, number>), width: names.length }
}

/** Reads the lines below a header; instants are compared with `now`, and days are those of the time zone. */
export function lineReader(given: { header: Header; now: Date; timeZone: string }): (record: CsvRecord) => LineReading {
  const { header, now } = given
  const toDay = rememberDays(given.timeZone)
  return ({ line, fields }) => {
    if (!fields) return { line: null, mistakes: [{ line, text: lineTexts.broken }] }
    if (fields.length !== header.width) {
      const text = wrongCount(header.width, fields.length)
      return { line: null, mistakes: [{ line, text }] }
    }
    const mistakes: ImportMistake[] = []
    const field = (name: Column) => (header[name] < 0 ? '' : fields[header[name]]!.trim())
    const check = <Value>(name: Column, value: Value | Text): Value | null => {
      if (!isText(value)) return value
      mistakes.push({ line, text: { ko: `${name}: ${value.ko}`, en: `${name}: ${value.en}` } })
      return null
    }
    const externalId = check('memberExternalId', readText(field('memberExternalId'), { max: 100, isRequired: true }))
    const kind = check('class', readClass(field('class')))
    const amount = check('amount', readAmount(field('amount')))
    const issuedAt = check('issuedAt', readIssuedAt(field('issuedAt'), now, toDay))
    const expiresAt = check('expiresAt', readExpiresAt(field('expiresAt'), issuedAt, toDay))
    const reason = check('reason', readText(field('reason'), { max: 200, isRequired: false }))
    const nickname = check('nickname', readText(field('nickname'), { max: 50, isRequired: false }))
    if (mistakes.length > 0) return { line: null, mistakes }
    if (expiresAt && expiresAt <= now) mistakes.push({ line, text: lineTexts.expired })
    const read = { externalId: externalId!, class: kind!, amount: amount!, issuedAt: issuedAt! }
    return { line: { line, ...read, expiresAt, reason, nickname }, mistakes }
  }
}

/** The text that stands for a line: equal for equal lines, however the file spells, quotes or orders its columns. */
export function canonicalLine(line: OpeningLine): string {
  const { externalId, class: kind, amount, issuedAt, expiresAt, reason, nickname } = line
  return JSON.stringify([externalId, kind, amount, issuedAt.getTime(), expiresAt?.getTime() ?? null, reason, nickname])
}

/** The first instant of the day that a text names or of one some days later; null when it names none. */
type ToDay = (text: string, daysLater: number) => Date | null

/** Files name few days, and each many times. */
function rememberDays(timeZone: string): ToDay {
  const days = new Map<string, Date>()
  return (text, daysLater) => {
    if (text.length !== dayLength) return null
    const name = `${text}+${daysLater}`
    const known = days.get(name)
    if (known || !isDate(text)) return known ?? null
    const day = startOfDay(Temporal.PlainDate.from(text).add({ days: daysLater }).toString(), timeZone)
    if (days.size >= daysMax) days.clear()
    days.set(name, day)
    return day
  }
}

const dayLength = '2026-11-20'.length
const daysMax = 10_000

function readText(field: string, bounds: { max: number; isRequired: boolean }): string | null | Text {
  const text = toKeptText(field)
  if (text === '') return bounds.isRequired ? texts.empty : null
  if (!isShowable(text, 'line')) return texts.notShowable
  if (text.length > bounds.max && Array.from(text).length > bounds.max) return tooLong(bounds.max)
  return text
}

function readClass(field: string): 'paid' | 'bonus' | Text {
  return field === 'paid' || field === 'bonus' ? field : texts.wrongClass
}

function readAmount(field: string): number | Text {
  const amount = /^[0-9]{1,16}$/.test(field) ? Number(field) : 0
  return amount >= 1 && amount <= amountMax ? amount : texts.wrongAmount
}

function readIssuedAt(field: string, now: Date, toDay: ToDay): Date | Text {
  if (field === '') return texts.empty
  const instant = toDay(field, 0) ?? toInstant(field)
  if (!instant) return texts.noDate
  return instant > now ? texts.issuedLater : instant
}

/** A day is meant with all its hours: its points expire as the next one begins. */
function readExpiresAt(field: string, issuedAt: Date | null, toDay: ToDay): Date | null | Text {
  if (field === '') return null
  const instant = toDay(field, 1) ?? toInstant(field)
  if (!instant) return texts.noDate
  return issuedAt && instant <= issuedAt ? texts.expiresBeforeIssued : instant
}

function isText(value: unknown): value is Text {
  return typeof value === 'object' && value !== null && 'ko' in value
}

/** What may be said of a whole line. */
export const lineTexts = {
  expired: { ko: 'expiresAt: 이미 지난 시각입니다.', en: 'expiresAt: has passed already.' },
  broken: { ko: '따옴표가 맞지 않거나 줄이 너무 깁니다.', en: 'Its quotes do not match, or it is too long.' },
} satisfies Record<string, Text>

const texts = {
  empty: { ko: '비어 있습니다.', en: 'is empty.' },
  notShowable: {
    ko: '눈에 보이는 글자가 있어야 하고, 제어 문자는 쓸 수 없습니다.',
    en: 'must have letters that can be seen, and no control characters.',
  },
  wrongClass: { ko: 'paid 또는 bonus여야 합니다.', en: 'must be paid or bonus.' },
  wrongAmount: {
    ko: `1부터 ${amountMax}까지의 정수여야 합니다. 쉼표나 소수점은 쓸 수 없습니다.`,
    en: `must be a whole number from 1 to ${amountMax}, without separators.`,
  },
  noDate: {
    ko: '2026-11-20 같은 날짜나 2026-11-20T09:00:00Z 같은 시각이어야 합니다.',
    en: 'must be a day like 2026-11-20 or an instant like 2026-11-20T09:00:00Z.',
  },
  issuedLater: { ko: '아직 오지 않은 시각입니다.', en: 'lies in the future.' },
  expiresBeforeIssued: { ko: 'issuedAt보다 나중이어야 합니다.', en: 'must be later than issuedAt.' },
} satisfies Record<string, Text>

function tooLong(max: number): Text {
  return { ko: `${max}자를 넘습니다.`, en: `has more than ${max} characters.` }
}

function wrongCount(wanted: number, found: number): Text {
  return { ko: `항목이 ${found}개입니다. ${wanted}개여야 합니다.`, en: `It has ${found} fields in place of ${wanted}.` }
}

function noHeader(known: readonly string[]): Text {
  const list = known.join(', ')
  return {
    ko: `첫 줄에 열 이름이 하나도 없습니다. 쓸 수 있는 열: ${list}. 줄은 LF나 CRLF로 끝나고, 글자는 UTF-8이나 CP949여야 합니다.`,
    en: `The first line names none of the columns ${list}. Lines end with LF or CRLF, in UTF-8 or CP949.`,
  }
}

function unknownColumn(name: string, known: readonly string[]): Text {
  const list = known.join(', ')
  return {
    ko: `알 수 없는 열 "${printable(name)}"입니다. 쓸 수 있는 열: ${list}`,
    en: `There is no column "${printable(name)}". There are ${list}.`,
  }
}

function repeatedColumn(name: string): Text {
  const shown = printable(name)
  return { ko: `열 "${shown}"이 두 번 나옵니다.`, en: `The column "${shown}" is there twice.` }
}

/** What a file calls a column, without what a terminal would obey, and cut. */
function printable(name: string): string {
  const start = Array.from(name.slice(0, 100)).slice(0, 50).join('')
  const shown = start.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (it) => `\\u{${it.codePointAt(0)!.toString(16)}}`)
  return start.length < name.length ? `${shown}…` : shown
}

function missingColumn(name: string): Text {
  return { ko: `열 "${name}"이 없습니다.`, en: `The column "${name}" is missing.` }
}
