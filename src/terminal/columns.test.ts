import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clip, pad, renderTable, widthOf, wrap } from './columns.ts'

test('Hangul takes two columns, Latin one, and colours none', () => {
  assert.equal(widthOf('포도 a1'), 7)
  assert.equal(widthOf('✓ − →'), 5)
  assert.equal(widthOf('\u001b[32m포도\u001b[39m'), 4)
})

test('texts are filled up and cut by columns, never through a wide character', () => {
  assert.equal(pad('포도', 6), '포도  ')
  assert.equal(pad('12', 4, 'right'), '  12')
  assert.equal(clip('포도송이', 6), '포도…')
  assert.equal(clip('포도송이', 8), '포도송이')
})

test('the columns of a table stand under each other, whatever is in them', () => {
  const columns = [
    { title: '회사', side: 'left' },
    { title: 'Left', side: 'right' },
  ] as const
  const lines = renderTable(columns, [
    ['푸른포도 커피', '1,000'],
    ['Blue', '7'],
  ])
  assert.deepEqual(lines, [
    '회사            Left',
    '─────────────  ─────',
    '푸른포도 커피  1,000',
    'Blue               7',
  ])
})

test('a text is broken at spaces into lines of a width, and a word that is longer stands alone', () => {
  assert.deepEqual(wrap('지갑 하나 a', 9), ['지갑 하나', 'a'])
  assert.deepEqual(wrap('a longer_than_that b', 6), ['a', 'longer_than_that', 'b'])
  assert.deepEqual(wrap('', 6), [''])
})
