import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFreshCache } from './fresh-cache.ts'

function open(pagesMax = 100) {
  let [ms, made] = [0, 0]
  const cache = openFreshCache<number>({ maxAgeSeconds: 5, pagesMax, renewedMax: 2, now: () => ms })
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

test('what was asked for again is made anew before it is too old, and who asks meanwhile is answered what there is', async () => {
  const { cache, pass } = open()
  const second = Promise.withResolvers<number>()
  const makes = [() => Promise.resolve(1), () => second.promise]
  const ask = () => cache.get('a', () => makes.shift()!())
  await ask()
  await ask()
  pass(2_999)
  await cache.renew()
  assert.equal(makes.length, 1, 'not before three fifths of its time')
  pass(1)
  const renewing = cache.renew()
  pass(1_000)
  assert.deepEqual(await ask(), { value: 1, ageSeconds: 4 })
  second.resolve(2)
  await renewing
  assert.deepEqual(await ask(), { value: 2, ageSeconds: 1 }, 'its age counts from when it began to be made')
})

test('what nobody asks for again is not made anew', async () => {
  const { cache, ask, pass } = open()
  await ask()
  for (let turn = 0; turn < 3; turn += 1) {
    pass(3_000)
    await cache.renew()
  }
  assert.deepEqual(await ask(), { value: 2, ageSeconds: 0 })
})

test('no more are made anew at once than the bound, and what most ask for goes first', async () => {
  const { cache, ask, pass } = open()
  for (const keys of ['abc', 'abc', 'bc']) for (const key of keys) await ask(key)
  pass(3_000)
  await cache.renew()
  const ages = await Promise.all(['a', 'b', 'c'].map(async (key) => (await ask(key)).ageSeconds))
  assert.deepEqual(ages, [3, 0, 0])
})

test('what was forgotten while it was made anew stays forgotten, and a failure leaves what there is', async () => {
  const { cache, ask, pass } = open()
  const makes = [() => Promise.resolve(10), () => Promise.reject(new Error('away')), () => Promise.resolve(20)]
  const other = () => cache.get('other', () => makes.shift()!())
  for (const it of [other, other]) await it()
  pass(3_000)
  await assert.rejects(cache.renew(), /away/)
  assert.deepEqual(await other(), { value: 10, ageSeconds: 3 })
  const renewing = cache.renew()
  cache.clear()
  await renewing
  assert.equal(makes.length, 0)
  assert.equal((await cache.get('other', () => Promise.resolve(30))).value, 30)
  assert.equal((await ask()).value, 1)
})
