import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFreshCache } from './fresh-cache.ts'

function open(pagesMax = 100) {
  let [ms, made] = [0, 0]
  const cache = openFreshCache<number>({ maxAgeSeconds: 5, pagesMax, now: () => ms })
  const make = async () => {
    made += 1
    return made
  }
  const pass = (more: number) => {
    ms += more
  }
  return { cache, ask: (key = 'a') => cache.get(key, make), pass }
}

test('what is younger than five seconds is answered with its age, and what is not is made anew', async () => {
  const { ask, pass } = open()
  assert.deepEqual(await ask(), { value: 1, ageSeconds: 0 })
  pass(4_999)
  assert.deepEqual(await ask(), { value: 1, ageSeconds: 4 })
  pass(1)
  assert.deepEqual(await ask(), { value: 2, ageSeconds: 0 })
})

test('of twenty who ask at once one makes it for all', async () => {
  const { ask } = open()
  const all = await Promise.all(Array.from({ length: 20 }, () => ask()))
  assert.deepEqual(new Set(all.map(({ value }) => value)), new Set([1]))
})

test('a failure is answered to those who waited for it, and kept for nobody', async () => {
  const { cache, ask } = open()
  const failing = () => cache.get('a', () => Promise.reject(new Error('away')))
  const answers = await Promise.allSettled([failing(), failing()])
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal((await ask()).value, 1)
})

test('what was being made when everything was forgotten is answered to those who waited, and to nobody later', async () => {
  const { cache, ask } = open()
  const { promise, resolve } = Promise.withResolvers<number>()
  const early = cache.get('a', () => promise)
  cache.clear()
  assert.equal((await ask()).value, 1)
  resolve(99)
  assert.equal((await early).value, 99)
  assert.equal((await ask()).value, 1)
})

test('no more pages are kept than the bound, and the oldest go first', async () => {
  const { ask } = open(2)
  for (const key of ['a', 'b', 'c']) await ask(key)
  assert.deepEqual([(await ask('b')).value, (await ask('c')).value, (await ask('a')).value], [2, 3, 4])
})
