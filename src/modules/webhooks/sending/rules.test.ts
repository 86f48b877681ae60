import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attemptsMax, isHeard, judge, listChoices, readRetryAfter } from './rules.ts'

const answered = (statusCode: number, retryAfterMs: number | null = null) =>
  ({ statusCode, retryAfterMs, error: null }) as const
const silent = { statusCode: null, error: 'No answer came within 15 s', why: 'unanswered' } as const
const first = { attempts: 1, random: 0.5 }

test('only 2xx is a delivery, and a redirect is none', () => {
  for (const status of [200, 201, 202, 204, 299])
    assert.deepEqual(judge(answered(status), first), { kind: 'delivered' })
  for (const status of [100, 301, 302, 307, 308, 400, 401, 404, 409, 500, 503])
    assert.equal(judge(answered(status), first).kind, 'retry', String(status))
  assert.deepEqual(judge(answered(410), first), { kind: 'gone' })
})

test('ten attempts take three days and a bit, each a tenth sooner or later than it was meant', () => {
  const delaysOf = (random: number) =>
    Array.from({ length: attemptsMax }, (_, at) => judge(silent, { attempts: at + 1, random })).map((verdict) =>
      verdict.kind === 'retry' ? verdict.delayMs / 1_000 : verdict.kind,
    )
  const meant = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
  assert.deepEqual(delaysOf(0.5), [...meant, 'exhausted'])
  assert.deepEqual(delaysOf(0).slice(0, 2), [4.5, 270])
  assert.deepEqual(delaysOf(1).slice(0, 2), [5.5, 330])
})

test('429, 502 and 504 hold back all that goes to the receiver, for as long as it asks within an hour', () => {
  for (const status of [429, 502, 504]) {
    assert.deepEqual(judge(answered(status), first), { kind: 'retry', delayMs: 5_000, pauseMs: 30_000 })
    assert.deepEqual(judge(answered(status, 90_000), first), { kind: 'retry', delayMs: 90_000, pauseMs: 90_000 })
    assert.deepEqual(judge(answered(status, 9e9), first), { kind: 'retry', delayMs: 86_400_000, pauseMs: 3_600_000 })
  }
  assert.deepEqual(judge(answered(503, 90_000), first), { kind: 'retry', delayMs: 90_000, pauseMs: null })
})

test('Retry-After is seconds or a date, and nothing else', () => {
  const now = Date.parse('2026-11-20T09:00:00Z')
  const read = (text?: string) => readRetryAfter(text, now)
  assert.deepEqual([read('120'), read('Fri, 20 Nov 2026 09:01:00 GMT')], [120_000, 60_000])
  for (const text of [undefined, '', '0', '-5', '1.5e', 'soon', 'Fri, 20 Nov 2026 08:59:00 GMT'])
    assert.equal(read(text), null, text ?? 'none')
})

test('types are asked for one by one, by room, or all', () => {
  assert.deepEqual(listChoices(['points.spent', 'identity.left']), [
    '*',
    'identity.*',
    'points.*',
    'identity.left',
    'points.spent',
  ])
  const asked = [['points.spent'], ['points.*'], ['*'], ['point.*'], ['points.spen'], ['identity.*', 'points.charged']]
  assert.deepEqual(
    asked.map((types) => isHeard('points.spent', types)),
    [true, true, true, false, false, false],
  )
})
