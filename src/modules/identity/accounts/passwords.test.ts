import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '#platform/problem'
import { openPasswords } from './passwords.ts'

test('the right password is right, another one or another form of letters than typed is as it should be', async () => {
  const passwords = openPasswords()
  const hash = await passwords.hash('보라색 포도 ｆｉｖｅ')
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  const isRight = (password: string) => passwords.isRight(password, hash)
  assert.equal(await isRight('보라색 포도 five'), true)
  assert.equal(await isRight('보라색 포도 five'.normalize('NFD')), true)
  assert.equal(await isRight('보라색 포도 Five'), false)
  assert.notEqual(await passwords.hash('보라색 포도 ｆｉｖｅ'), hash)
})

test('without a hash no password is right, not even the one that is hashed in its place', async () => {
  const passwords = openPasswords()
  for (const password of ['', 'anything']) assert.equal(await passwords.isRight(password, null), false)
})

test('a hash with other parameters than today is known to be outdated', async () => {
  const passwords = openPasswords()
  const hash = await passwords.hash('a good password')
  assert.equal(passwords.isOutdated(hash), false)
  assert.equal(passwords.isOutdated(hash.replace('m=19456,t=2', 'm=12288,t=3')), true)
  assert.throws(() => passwords.isOutdated('$2b$10$something'), /none/)
})

test('no more are hashed at once than there are turns, in the order in which they came, and too many are refused', async () => {
  const passwords = openPasswords({ threads: 1, waitingMax: 4 })
  const order: number[] = []
  const asked = Array.from({ length: 4 }, (_, at) => passwords.hash('x').then(() => order.push(at)))
  await Promise.all(asked)
  assert.deepEqual(order, [0, 1, 2, 3])
  const flood = Array.from({ length: 8 }, () =>
    passwords.hash('x').then(
      () => 'hashed',
      (error) => error.kind.status,
    ),
  )
  // One has a turn, four wait, and the rest is told at once.
  const first = await Promise.race(flood)
  assert.equal(first, 503)
  const outcomes = await Promise.all(flood)
  assert.equal(outcomes.filter((outcome) => outcome === 503).length, 3)
})

test('when whoever waits for a turn has waited for five seconds, more are refused, however few they are', async () => {
  let now = 0
  const passwords = openPasswords({ threads: 1, now: () => now })
  const asked = [passwords.hash('x'), passwords.hash('x')]
  now = 5_001
  await assert.rejects(passwords.hash('x'), (error: Problem) => error.kind.status === 503)
  await Promise.all(asked)
  await passwords.hash('x')
})
