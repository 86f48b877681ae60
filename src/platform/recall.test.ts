import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRecall, outlastRecalls, recallMs } from './recall.ts'

function recallAt(options: { max: number }) {
  const clock = { ms: 1_000 }
  return { clock, recall: openRecall<string, string>({ ...options, now: () => clock.ms }) }
}

test('an answer is recalled from when it was asked for, and no longer than it is true', () => {
  const { clock, recall } = recallAt({ max: 10 })
  recall.keep('long', { value: 'a', askedAt: 990, leftMs: 1e9 })
  recall.keep('short', { value: 'b', askedAt: 990, leftMs: 20 })
  assert.deepEqual([recall.find('long'), recall.find('short'), recall.find('other')], ['a', 'b', undefined])
  clock.ms = 1_010
  assert.deepEqual([recall.find('long'), recall.find('short')], ['a', undefined])
  clock.ms = 990 + recallMs
  assert.equal(recall.find('long'), undefined)
})

test('of more answers than there is room for, the oldest is forgotten', () => {
  const { recall } = recallAt({ max: 2 })
  for (const key of ['a', 'b', 'a', 'c']) recall.keep(key, { value: key, askedAt: 1_000, leftMs: 1e9 })
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => recall.find(key)),
    ['a', undefined, 'c'],
  )
})

test('whoever outlasts what is recalled finds nothing recalled from before, though the turn began long ago', async () => {
  const recall = openRecall<string, string>({ max: 1 })
  const askedAt = recall.now()
  recall.keep('a', { value: 'a', askedAt, leftMs: 1e9 })
  while (recall.now() < askedAt + recallMs / 2);
  await outlastRecalls()
  assert.ok(recall.now() >= askedAt + 1.5 * recallMs)
})
