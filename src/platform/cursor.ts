import { createHash } from 'node:crypto'
import { invalidRequest } from './http-problems.ts'

/**
 * A place in a list as opaque text. The name of the list, with the filters it was asked with, goes into its checksum,
 * so that it fits no other list; it keeps out mistakes, not attackers, so the place is looked at when it comes back.
 */
export function encodeCursor(list: string, place: string): string {
  return Buffer.from(checksum(list, place) + place).toString('base64url')
}

/**
 * The place inside a cursor, null where there is no cursor; throws the 400 when it is not of this list, or `read` says
 * null: that it is no place of such a list.
 */
export function decodeCursor<Place>(
  list: string,
  text: string | undefined,
  read: (place: string) => Place | null,
): Place | null {
  if (text === undefined) return null
  const decoded = Buffer.from(text, 'base64url').toString('utf8')
  const inside = decoded.slice(checksumLength)
  // Decoding skips what is no base64url: only the very text that was given out is a cursor.
  const isOurs = decoded.startsWith(checksum(list, inside)) && encodedAs(text, decoded)
  const place = isOurs ? read(inside) : null
  if (place === null) {
    const detail = {
      ko: '이 목록의 nextCursor가 아닙니다. 첫 페이지부터 다시 요청해 주십시오.',
      en: 'This is no nextCursor of this list. Start again from its first page.',
    }
    throw invalidRequest([{ pointer: '/cursor', detail }])
  }
  return place
}

/** Reads the place of a list that goes by numbers from 1. */
export function seqPlace(place: string): number | null {
  return /^[1-9]\d{0,14}$/.test(place) ? Number(place) : null
}

/** The page out of rows that were asked for with one more than the limit. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  page: { list: string; limit: number; placeOf(row: Row): string; toItem(row: Row): Item },
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, page.limit)
  const last = shown.at(-1)
  return {
    items: shown.map((row) => page.toItem(row)),
    nextCursor: rows.length > page.limit && last ? encodeCursor(page.list, page.placeOf(last)) : null,
  }
}

const checksumLength = 12

function checksum(list: string, place: string): string {
  return createHash('sha256').update(`podo cursor\n${list}\n${place}`).digest('hex').slice(0, checksumLength)
}

function encodedAs(text: string, decoded: string): boolean {
  return Buffer.from(decoded).toString('base64url') === text
}
