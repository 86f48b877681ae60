import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCursor, encodeCursor, toPage } from './cursor.ts'
import { Problem } from './problem.ts'

const refused = (error: unknown) =>
  error instanceof Problem && error.kind.status === 400 && error.errors?.[0]?.pointer === '/cursor'

test('a cursor brings back its position, and no cursor none', () => {
  assert.deepEqual(decodeCursor('lots', encodeCursor('lots', ['a', '포도'])), ['a', '포도'])
  assert.equal(decodeCursor('lots', undefined), null)
})

test('a cursor of another list, a changed one and a made-up one are refused', () => {
  const cursor = encodeCursor('lots', ['a'])
  const position = Buffer.from(JSON.stringify(['b'])).toString('base64url')
  const others = [
    encodeCursor('members', ['a']),
    `${cursor}A`,
    `${cursor}!`,
    cursor.slice(1),
    position,
    '',
    'abc',
    '커서',
  ]
  for (const text of others) assert.throws(() => decodeCursor('lots', text), refused, text)
})

test('a page has a next one exactly when there is one more row than its limit', () => {
  const page = { list: 'lots', limit: 2, positionOf: (row: number) => [String(row)], toItem: (row: number) => row }
  const { items, nextCursor } = toPage([3, 2, 1], page)
  assert.deepEqual(items, [3, 2])
  assert.deepEqual(decodeCursor('lots', nextCursor!), ['2'])
  assert.deepEqual(toPage([2, 1], page), { items: [2, 1], nextCursor: null })
  assert.deepEqual(toPage([], page), { items: [], nextCursor: null })
})
