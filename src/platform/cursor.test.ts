import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCursor, encodeCursor, seqPlace, toPage } from './cursor.ts'
import { Problem } from './problem.ts'

const refused = (error: unknown) =>
  error instanceof Problem && error.kind.status === 400 && error.errors?.[0]?.pointer === '/cursor'
const anyPlace = (place: string) => place

test('a cursor brings back its place, and no cursor none', () => {
  assert.equal(decodeCursor('lots', encodeCursor('lots', '포도'), anyPlace), '포도')
  assert.equal(decodeCursor('lots', undefined, anyPlace), null)
})

test('a cursor of another list, a changed one and a made-up one are refused', () => {
  const cursor = encodeCursor('lots', 'a')
  const place = Buffer.from('b').toString('base64url')
  const others = [encodeCursor('members', 'a'), `${cursor}A`, `${cursor}!`, cursor.slice(1), place, '', 'abc', '커서']
  for (const text of others) assert.throws(() => decodeCursor('lots', text, anyPlace), refused, text)
})

test('a cursor with a good checksum around something that is no place of the list is refused', () => {
  for (const place of ['', 'null', '[]', '{}', '["1"]', '{', '0', '-1', '1e3', '9007199254740993', '1'.repeat(20)]) {
    assert.throws(() => decodeCursor('lines', encodeCursor('lines', place), seqPlace), refused, place)
  }
  assert.equal(decodeCursor('lines', encodeCursor('lines', '12'), seqPlace), 12)
})

test('a page has a next one exactly when there is one more row than its limit', () => {
  const page = { list: 'lots', limit: 2, placeOf: (row: number) => String(row), toItem: (row: number) => row }
  const { items, nextCursor } = toPage([3, 2, 1], page)
  assert.deepEqual(items, [3, 2])
  assert.equal(decodeCursor('lots', nextCursor!, seqPlace), 2)
  assert.deepEqual(toPage([2, 1], page), { items: [2, 1], nextCursor: null })
  assert.deepEqual(toPage([], page), { items: [], nextCursor: null })
})
