import assert from 'node:assert/strict'
import { test } from 'node:test'
import Type from 'typebox'
import { closedObject, nullable } from './http-schema.ts'
import { openValidation } from './http-validation.ts'

const validation = openValidation({
  even: {
    validate: (text) => text.length % 2 === 0,
    text: { ko: '짝수 길이여야 합니다.', en: 'Must have an even length.' },
  },
})

const check = validation.compileFields(
  closedObject({
    amount: Type.Integer({ minimum: 1, maximum: 10 }),
    rate: Type.Optional(Type.Number({ 'x-step': 0.0001 })),
    name: Type.Optional(Type.String({ 'x-text': 'line', minLength: 1, maxLength: 3 })),
    note: Type.Optional(nullable(Type.String({ 'x-text': 'lines' }))),
    code: Type.Optional(Type.String({ format: 'even' })),
    at: Type.Optional(Type.String({ format: 'date-time' })),
    kind: Type.Optional(Type.Unsafe({ type: 'string', enum: ['a', 'b'] })),
    words: Type.Optional(Type.Array(Type.String(), { uniqueItems: true })),
  }),
)

const said = (value: unknown) => check(value)?.map(({ pointer, detail }) => `${pointer} ${detail.en}`) ?? null

test('every mistake is told at once, and a missing field by its own pointer', () => {
  assert.deepEqual(
    said({ rate: '1', name: '', code: 'abc', at: '2026-02-30T00:00:00Z', kind: 'c', words: ['a', 'a'], more: 1 }),
    [
      '/amount This field is required.',
      '/more Unknown field: leave it out.',
      '/rate Must be a number.',
      '/name Must not be empty.',
      '/code Must have an even length.',
      '/at Must be an instant of the calendar like 2026-11-20T09:00:00Z.',
      '/kind Must be one of: a, b',
      '/words Must not have the same item twice.',
    ],
  )
})

test('amounts are integers within their bounds and are never coerced', () => {
  for (const amount of [0, -1, 1.5, 11, '5', true, null, [5], {}, 2 ** 53]) {
    assert.equal(check({ amount })?.[0]?.pointer, '/amount', String(amount))
  }
  assert.equal(check({ amount: 5 }), null)
})

test('four decimals are four decimals, whatever doubles make of them', () => {
  for (const rate of [0.0003, 0.0007, 0.9999, 0.1, 1]) assert.equal(check({ amount: 1, rate }), null, String(rate))
  for (const rate of [0.00005, 0.1 + 0.2, 1e-9]) {
    assert.deepEqual(said({ amount: 1, rate }), ['/rate Must be in steps of 0.0001.'], String(rate))
  }
})

test('text is composed and trimmed before it is measured, and kept so', () => {
  const body = { amount: 1, name: ` ${'포도알'.normalize('NFD')} ` }
  assert.equal(check(body), null)
  assert.equal(body.name, '포도알'.normalize('NFC'))
  assert.deepEqual(said({ amount: 1, name: '   ' }), ['/name Must not be empty.'])
  assert.equal(check({ amount: 1, name: '🍇🍇🍇' }), null)
  assert.equal(check({ amount: 1, name: 'مرح' }), null)
})

const unfit = (field: string) => `/${field} Must have letters that can be seen, and no control characters.`

test('control characters are refused in a line, and all but newlines and tabs in lines', () => {
  for (const letter of ['\u0007', '\n', '\u001b', '\u007f', '\u0085', '\u2028']) {
    assert.deepEqual(said({ amount: 1, name: `a${letter}b` }), [unfit('name')])
  }
  assert.equal(check({ amount: 1, note: 'a\n\tb' }), null)
  assert.deepEqual(said({ amount: 1, note: 'a\u0007b' }), [unfit('note')])
  assert.equal(check({ amount: 1, note: null }), null)
})

test('text that turns other text around, or that nobody can see, is refused; joined letters and emoji are text', () => {
  for (const name of [
    'a\u202eb',
    '\u2066a',
    'a\u2069',
    '\u202aa',
    '\u200b',
    '\u3164',
    '\u200e\u2060',
    '\u2800\u115f',
  ]) {
    assert.deepEqual(said({ amount: 1, name }), [unfit('name')], JSON.stringify(name))
  }
  assert.deepEqual(said({ amount: 1, note: 'a\u202eb' }), [unfit('note')])
  for (const name of ['👩\u200d🌾', 'می\u200c', 'ক\u09be', '\u200fא', '❤\ufe0f']) {
    assert.equal(check({ amount: 1, name }), null, JSON.stringify(name))
  }
  assert.equal(check({ amount: 1, note: '' }), null)
})

test('a thousand mistakes are told as a hundred', () => {
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`field${n}`, n]))
  assert.equal(check({ amount: 1, ...many })?.length, 100)
})
