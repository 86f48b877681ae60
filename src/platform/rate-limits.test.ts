import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRateCounter, toNetwork } from './rate-limits.ts'

const ten = { name: 'ten', amount: 10, seconds: 100 }

function openAt() {
  let at = 1_000_000.123
  const counter = openRateCounter(() => at)
  const take = (key: string, amount = 1) => counter.take(ten, { key, amount })
  return {
    counter,
    take,
    pass: (seconds: number) => {
      at += seconds * 1_000
    },
    takeMany: (key: string, times: number) => Array.from({ length: times }, () => take(key).isTaken),
  }
}

test('exactly the allowance can be taken at once, and what was taken comes back evenly', () => {
  const { take, takeMany, pass } = openAt()
  assert.deepEqual(takeMany('a', 12), [...Array(10).fill(true), false, false])
  assert.deepEqual(take('a'), { isTaken: false, left: 0, waitSeconds: 10 })
  pass(9.9)
  assert.equal(take('a').isTaken, false)
  pass(0.2)
  assert.deepEqual(takeMany('a', 2), [true, false])
  pass(1_000)
  assert.deepEqual(take('a'), { isTaken: true, left: 9, waitSeconds: 10 })
})

test('what is refused takes nothing, so that asking on and on shuts nobody out for longer', () => {
  const { take, takeMany, pass } = openAt()
  takeMany('a', 10)
  for (let at = 0; at < 9; at += 1) {
    pass(1)
    assert.equal(take('a').isTaken, false)
  }
  pass(1)
  assert.equal(take('a').isTaken, true)
})

test('keys are counted apart, and one that is forgotten begins anew', () => {
  const { counter, take, takeMany } = openAt()
  takeMany('a', 10)
  assert.equal(take('b').left, 9)
  counter.forget(ten, 'a')
  assert.equal(take('a').left, 9)
})

test('what is added without asking makes a debt of one more allowance at most, and can be given back', () => {
  const { counter, take, pass } = openAt()
  counter.add(ten, { key: 'a', amount: 1_000 })
  assert.deepEqual(take('a'), { isTaken: false, left: 0, waitSeconds: 110 })
  pass(110)
  assert.equal(take('a').isTaken, true)
  take('b', 4)
  counter.add(ten, { key: 'b', amount: -2 })
  assert.equal(take('b', 0).left, 8)
})

test('a flood of keys takes no more than so much memory, and time empties it', () => {
  const { counter, take, takeMany, pass } = openAt()
  for (let at = 0; at < 300_000; at += 1) take(`key ${at}`)
  assert.ok(counter.size() <= 100_000, String(counter.size()))
  takeMany('late', 10)
  for (let at = 0; at < 40_000; at += 1) take(`more ${at}`)
  assert.equal(take('late').isTaken, false, 'a key of the younger half is remembered')
  for (let turn = 0; turn < 2; turn += 1) {
    pass(201)
    take('one')
  }
  assert.ok(counter.size() <= 2, String(counter.size()))
})

test('an IPv4 address stands for itself however it is written, an IPv6 one for its /64', () => {
  assert.equal(toNetwork('192.0.2.1'), '192.0.2.1')
  assert.equal(toNetwork('::ffff:192.0.2.1'), '192.0.2.1')
  for (const address of ['2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:0DB8::1:0:0:0:5']) {
    assert.equal(toNetwork(address), '2001:db8:0:1::/64', address)
  }
  assert.notEqual(toNetwork('2001:db8:0:2::1'), '2001:db8:0:1::/64')
  assert.equal(toNetwork('::1'), '0:0:0:0::/64')
  assert.equal(toNetwork('fe80::1%eth0'), 'fe80:0:0:0::/64')
})
