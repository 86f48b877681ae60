import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHouse } from '#test/harness'
import {
  advanceClock,
  findProgrammeTime,
  isDate,
  offsetSecondsMax,
  startOfDay,
  tellTime,
  toInstant,
  toPeriod,
} from './clock.ts'

test('an instant is read with any offset, and cut to milliseconds', () => {
  assert.equal(toInstant('2026-11-20T09:00:00Z')?.toISOString(), '2026-11-20T09:00:00.000Z')
  assert.equal(toInstant('2026-11-20T18:00:00.1239+09:00')?.toISOString(), '2026-11-20T09:00:00.123Z')
  assert.equal(toInstant('2024-02-29t00:00:00z')?.toISOString(), '2024-02-29T00:00:00.000Z')
})

test('instants and dates that are not in the calendar are none', () => {
  const instants = ['2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T00:00:60Z']
  const others = ['2026-01-01T00:00:00', '2026-01-01', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59-09:00', '', 'now']
  for (const text of [...instants, ...others]) assert.equal(toInstant(text), null, text)
  for (const text of ['2026-02-30', '2025-02-29', '2026-00-10', '26-01-01', '0000-12-31']) {
    assert.equal(isDate(text), false, text)
  }
  for (const text of ['2024-02-29', '0001-01-01', '9999-12-31']) assert.equal(isDate(text), true, text)
  for (const text of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z']) assert.ok(toInstant(text), text)
})

test('a day begins where the zone says, also on the day that loses its midnight', () => {
  assert.equal(startOfDay('2026-11-20', 'Asia/Seoul').toISOString(), '2026-11-19T15:00:00.000Z')
  assert.equal(startOfDay('2026-03-29', 'Asia/Beirut').toISOString(), '2026-03-28T22:00:00.000Z')
})

test('people read an instant in the time of a zone, whose name stands beside it, in their language', () => {
  const at = new Date('2026-11-20T15:04:59Z')
  const inSeoul = (language: 'ko' | 'en') => tellTime(at, { timeZone: 'Asia/Seoul', language })
  assert.equal(inSeoul('ko'), '2026년 11월 21일 00:04(한국 표준시)')
  assert.equal(inSeoul('en'), '21 November 2026 at 00:04 (Korean Standard Time)')
  const inUtc = tellTime(at, { timeZone: 'UTC', language: 'en' })
  assert.equal(inUtc, '20 November 2026 at 15:04 (Coordinated Universal Time)')
})

test('dates of a period are inclusive days of the zone, instants are from inclusive and to exclusive', () => {
  const days = toPeriod({ from: '2026-11-20', to: '2026-11-20' }, 'Asia/Seoul')
  assert.equal(days.from?.toISOString(), '2026-11-19T15:00:00.000Z')
  assert.equal(days.to?.toISOString(), '2026-11-20T15:00:00.000Z')
  const instants = toPeriod({ to: '2026-11-20T00:00:00Z' }, 'Asia/Seoul')
  assert.deepEqual(instants, { from: null, to: new Date('2026-11-20T00:00:00Z') })
})

test('the first and the last day of the calendar are bounds like others, in any zone', () => {
  for (const zone of ['Asia/Seoul', 'America/New_York']) {
    const { from, to } = toPeriod({ from: '0001-01-01', to: '9999-12-31' }, zone)
    assert.match(from!.toISOString(), /^0001-01-01T/)
    assert.match(to!.toISOString(), /^9999-12-31T/)
  }
})

test('the clock goes forward for good, and not past its bound', async (t) => {
  const { database } = await openHouse(t)
  const before = await findProgrammeTime(database)
  const moved = await advanceClock(database, 86_400)
  assert.ok(moved && moved.now.getTime() - before.getTime() >= 86_400_000)
  assert.equal(await advanceClock(database, offsetSecondsMax), null)
  const after = await findProgrammeTime(database)
  assert.ok(after.getTime() - moved.now.getTime() < 60_000)
})
