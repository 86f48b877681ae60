import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSealing } from './sealing.ts'

test('what is sealed is read with the same secret for the same purpose, and with no other', () => {
  const [one, other] = [
    openSealing('a secret of thirty-two characters'),
    openSealing('another of thirty-two characters.'),
  ]
  const sealed = one.seal('keys', '포도')
  assert.equal(one.open('keys', sealed), '포도')
  assert.equal(one.open('links', sealed), null)
  assert.equal(other.open('keys', sealed), null)
  assert.equal(one.open('keys', `${sealed.slice(0, -2)}AA`), null)
})

test('a mac is the same for the same secret, purpose and text only', () => {
  const [one, other] = [
    openSealing('a secret of thirty-two characters'),
    openSealing('another of thirty-two characters.'),
  ]
  const macs = [one.mac('a', 'x'), one.mac('a', 'y'), one.mac('b', 'x'), other.mac('a', 'x')]
  assert.equal(new Set(macs.map(String)).size, 4)
  assert.deepEqual(one.mac('a', 'x'), macs[0])
})

test('what a former secret made is read, and holds; what is made is made by the present one', () => {
  const [before, without] = [openSealing('a former secret'), openSealing('the present secret')]
  const after = openSealing('the present secret', ['an older secret', 'a former secret'])
  assert.equal(after.open('keys', before.seal('keys', '포도')), '포도')
  assert.equal(without.open('keys', before.seal('keys', '포도')), null)
  assert.equal(without.open('keys', after.seal('keys', '포도')), '포도')
  const renewed = after.renew('keys', before.seal('keys', '포도'))!
  assert.deepEqual([without.open('keys', renewed), after.renew('keys', renewed)], ['포도', renewed])
  assert.equal(without.renew('keys', before.seal('keys', '포도')), null)
  assert.deepEqual(after.mac('a', 'x'), without.mac('a', 'x'))
  assert.deepEqual([after.macs('a', 'x')[0], after.macs('a', 'x')[2]], [without.mac('a', 'x'), before.mac('a', 'x')])
  assert.deepEqual(before.macs('a', 'x'), [before.mac('a', 'x')])
})
