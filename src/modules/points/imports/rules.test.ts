import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalLine, type Header, lineReader, readHeader } from './rules.ts'

const now = new Date('2026-11-20T03:00:00.000Z')
const columns = 'memberExternalId,class,amount,issuedAt,expiresAt,reason'

function headerOf(text: string, createMembers = false): Header {
  const header = readHeader({ line: 1, fields: text.split(',') }, { createMembers })
  if (Array.isArray(header)) assert.fail(JSON.stringify(header))
  return header
}

function read(fields: string[], header = headerOf(columns)) {
  return lineReader({ header, now, timeZone: 'Asia/Seoul' })({ line: 2, fields })
}

function mistakesOf(fields: string[]): string[] {
  return read(fields).mistakes.map(({ text }) => text.en)
}

function headerMistakes(text: string, createMembers = false): string[] {
  const header = readHeader({ line: 1, fields: text.split(',') }, { createMembers })
  return Array.isArray(header) ? header.map((mistake) => mistake.text.en) : []
}

const right = ['m-1', 'paid', '1000', '2025-03-02', '', '']

function withField(at: number, value: string): string[] {
  return right.with(at, value)
}

test('columns may stand in any order, and optional ones may be missing', () => {
  const { line } = read(['2025-03-02', '7', ' m-9 ', 'bonus'], headerOf('issuedAt, amount ,memberExternalId,class'))
  assert.deepEqual(line, {
    line: 2,
    externalId: 'm-9',
    class: 'bonus',
    amount: 7,
    issuedAt: new Date('2025-03-01T15:00:00.000Z'),
    expiresAt: null,
    reason: null,
    nickname: null,
  })
})

test('columns that are unknown, missing or there twice are each named', () => {
  assert.deepEqual(headerMistakes('memberExternalId,class,class,amount,balance'), [
    'There is no column "balance". There are memberExternalId, class, amount, issuedAt, expiresAt, reason.',
    'The column "class" is there twice.',
    'The column "issuedAt" is missing.',
  ])
  assert.equal(headerMistakes(`${columns},nickname`).length, 1)
  assert.deepEqual(headerMistakes(`${columns},nickname`, true), [])
})

test('a column that is named after all is shown without what a terminal would obey, and cut', () => {
  const [mistake] = headerMistakes(`${columns},\u001b[2Jbal\u202eance`)
  assert.match(mistake!, /^There is no column "\\u\{1b\}\[2Jbal\\u\{202e\}ance"\. /)
  const [long, twice] = headerMistakes(`${columns},${'x'.repeat(60_000)},${'x'.repeat(60_000)}`)
  for (const text of [long, twice]) assert.ok(text!.length < 200)
})

test('a first line that names no column at all is told once: it is no header, or no text of ours', () => {
  const names = Array.from({ length: 5_000 }, (_, at) => `column ${at}`)
  assert.deepEqual(headerMistakes(names.join(',')), [
    'The first line names none of the columns memberExternalId, class, amount, issuedAt, expiresAt, reason. ' +
      'Lines end with LF or CRLF, in UTF-8 or CP949.',
  ])
})

test('every mistake of a line is told at once', () => {
  assert.deepEqual(mistakesOf(['', 'gift', '1.5', '2026-02-30', 'soon', 'a\u0007b']), [
    'memberExternalId: is empty.',
    'class: must be paid or bonus.',
    'amount: must be a whole number from 1 to 9007199254740991, without separators.',
    'issuedAt: must be a day like 2026-11-20 or an instant like 2026-11-20T09:00:00Z.',
    'expiresAt: must be a day like 2026-11-20 or an instant like 2026-11-20T09:00:00Z.',
    'reason: must have letters that can be seen, and no control characters.',
  ])
})

test('an amount is a whole number of points from 1 to 2^53−1, written in digits', () => {
  for (const amount of ['0', '-1', '1.0', '1e3', '1,000', '9007199254740992', '99999999999999999', '', '１０']) {
    assert.equal(mistakesOf(withField(2, amount)).length, 1, amount)
  }
  for (const amount of ['1', '0007', '9007199254740991']) assert.deepEqual(mistakesOf(withField(2, amount)), [], amount)
})

test('points were issued before now, and expire later than they were issued and than now', () => {
  assert.deepEqual(mistakesOf(withField(3, '')), ['issuedAt: is empty.'])
  assert.deepEqual(mistakesOf(withField(3, '2026-11-20T03:00:00.001Z')), ['issuedAt: lies in the future.'])
  assert.deepEqual(mistakesOf(withField(4, '2025-03-01')), ['expiresAt: must be later than issuedAt.'])
  assert.deepEqual(mistakesOf(withField(4, '2026-11-20T03:00:00Z')), ['expiresAt: has passed already.'])
  assert.deepEqual(mistakesOf(withField(4, '2026-11-20T03:00:00.001Z')), [])
})

test('a day of expiry can be spent until its end in the time zone of the programme', () => {
  assert.deepEqual(mistakesOf(withField(4, '2026-11-19')), ['expiresAt: has passed already.'])
  assert.deepEqual(read(withField(4, '2026-11-20')).line?.expiresAt, new Date('2026-11-20T15:00:00.000Z'))
})

test('a line that has only expired is still there to be recognised', () => {
  const { line, mistakes } = read(withField(4, '2026-11-19'))
  assert.equal(mistakes.length, 1)
  assert.equal(line?.amount, 1000)
})

test('a line with too few or too many fields, or broken quotes, is told as one mistake', () => {
  assert.deepEqual(mistakesOf(right.slice(1)), ['It has 5 fields in place of 6.'])
  assert.deepEqual(mistakesOf([...right, 'x']), ['It has 7 fields in place of 6.'])
  const broken = lineReader({ header: headerOf(columns), now, timeZone: 'Asia/Seoul' })({ line: 3, fields: null })
  assert.equal(broken.mistakes.length, 1)
})

test('texts have bounds that count characters, not bytes', () => {
  assert.deepEqual(mistakesOf(withField(5, '가'.repeat(200))), [])
  assert.deepEqual(mistakesOf(withField(5, '가'.repeat(201))), ['reason: has more than 200 characters.'])
  assert.deepEqual(mistakesOf(withField(0, '🍇'.repeat(100))), [])
  assert.deepEqual(mistakesOf(withField(0, '🍇'.repeat(101))), ['memberExternalId: has more than 100 characters.'])
})

test('a text is refused that the API would refuse: invisible, or turning around what is shown beside it', () => {
  const header = headerOf(`${columns},nickname`, true)
  for (const text of ['\u200b', '\u3164', '\u2800', 'a\u202eb', 'a\u2028b', 'a\u0007b']) {
    for (const at of [0, 5, 6]) assert.equal(read([...right, 'Grape'].with(at, text), header).mistakes.length, 1, text)
  }
  assert.deepEqual(read([...right, '🍇\u200d'], header).mistakes, [])
})

test('lines that say the same have the same text, however they are spelled', () => {
  const one = read(['한글'.normalize('NFD'), 'paid', '0100', '2025-03-02', '', ' x ']).line!
  const other = read(['한글', 'paid', '100', '2025-03-01T15:00:00Z', '', 'x']).line!
  assert.equal(canonicalLine(one), canonicalLine({ ...other, line: 99 }))
  assert.notEqual(canonicalLine(one), canonicalLine({ ...other, amount: 101 }))
})
