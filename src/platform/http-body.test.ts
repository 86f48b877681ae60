import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBody } from './http-body.ts'
import { Problem } from './problem.ts'

const parse = (text: string) => parseBody(Buffer.from(text))

/** The pointers of the mistakes that a body is refused for. */
function pointersOf(bytes: Buffer | string): string[] {
  try {
    parseBody(Buffer.from(bytes as string))
  } catch (error) {
    assert.ok(error instanceof Problem, String(error))
    assert.equal(error.kind.status, 400)
    return error.errors!.map(({ pointer }) => pointer)
  }
  return assert.fail(`accepted ${bytes.slice(0, 80)}`)
}

test('a plain object comes out as it is, an empty body as undefined', () => {
  assert.deepEqual(parse('{"amount":1000,"reason":"커피 ☕","list":[1,null,true]}'), {
    amount: 1000,
    reason: '커피 ☕',
    list: [1, null, true],
  })
  assert.equal(parse(''), undefined)
})

test('numbers that mean the same are the same however they are written', () => {
  const body = parse(
    '{"a":1e3,"b":1.0,"c":10E-1,"d":9007199254740991,"e":0.1,"f":-0.0,"g":1e20,"h":1000000000000000000}',
  )
  assert.deepEqual(body, { a: 1000, b: 1, c: 1, d: 9007199254740991, e: 0.1, f: -0, g: 1e20, h: 1e18 })
})

test('a number that a double does not keep is refused with its place, inside metadata too', () => {
  const numbers = ['1e400', '-1e400', '9'.repeat(400), '9007199254740990.5', '9007199254740993', '1e-400']
  for (const number of numbers) {
    assert.deepEqual(pointersOf(`{"amount":${number}}`), ['/amount'], number)
    assert.deepEqual(pointersOf(`{"metadata":{"a":[1,${number}]}}`), ['/metadata/a/1'], number)
  }
})

test('of two fields with one name the last one counts, once', () => {
  assert.deepEqual(parse('{"amount":1e400,"amount":5}'), { amount: 5 })
})

test('digits inside a string are no number', () => {
  const body = { reference: 'a: 12345678901234567890, 1e400' }
  assert.deepEqual(parse(JSON.stringify(body)), body)
})

test('malformed and truncated JSON, and what is neither object nor array, is refused as a whole', () => {
  const texts = [
    '{',
    '{"a":',
    '{"a":1}}',
    "{'a':1}",
    '{"a":01}',
    '{"a":NaN}',
    '[1,]',
    'null',
    '1',
    '"a"',
    '{"a":"\u0000"}',
  ]
  for (const text of texts) assert.deepEqual(pointersOf(text), [''], text)
})

test('bytes that are no UTF-8 are refused', () => {
  assert.deepEqual(pointersOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), [''])
})

test('U+0000 and lone surrogates are refused wherever they are, and an escaped pair is kept', () => {
  assert.deepEqual(pointersOf(String.raw`{"a":"x\u0000","b":["\ud800"],"c":"\udc00\ud800"}`), ['/a', '/b/0', '/c'])
  assert.equal(pointersOf(String.raw`{"m":{"\u0000":1}}`).length, 1)
  assert.deepEqual(parse(String.raw`{"a":"\ud83c\udf47"}`), { a: '🍇' })
})

test('names that reach for a prototype are refused at any depth, escaped or not', () => {
  assert.deepEqual(pointersOf('{"__proto__":{"isAdmin":true}}'), ['/__proto__'])
  assert.deepEqual(pointersOf(String.raw`{"m":[{"\u005f_proto__":1}]}`), ['/m/0/__proto__'])
  assert.deepEqual(pointersOf('{"m":{"constructor":{"prototype":{}}}}'), ['/m/constructor'])
  assert.deepEqual(parse('{"constructor":"a builder"}'), { constructor: 'a builder' })
})

test('32 levels are taken, one more is refused, and a hundred thousand exhaust nothing', () => {
  const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  assert.ok(parse(nested(32)))
  assert.equal(pointersOf(nested(33)).length, 1)
  assert.equal(pointersOf(nested(100_000)).length, 1)
})

test('every mistake is named, up to a hundred', () => {
  assert.deepEqual(pointersOf('{"a":1e400,"b":{"__proto__":1},"c~/d":1e999}'), ['/a', '/b/__proto__', '/c~0~1d'])
  assert.equal(pointersOf(`[${'1e400,'.repeat(500)}1]`).length, 100)
})
