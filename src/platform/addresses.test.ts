import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAddress, isNetwork, openNetworks, toPlainAddress, toPlainNetwork } from './addresses.ts'

test('an address is one, however it is written; what is no address stays what it is', () => {
  const forms = {
    '203.0.113.9': ['203.0.113.9:80', '::ffff:203.0.113.9', '::FFFF:cb00:7109', '[0:0:0:0:0:ffff:203.0.113.9]:443'],
    '2001:db8::9': ['[2001:db8::9]', '[2001:db8::9]:80', '2001:db8::9%eth0', '[2001:db8::9%eth0]:80'],
    '::ffff:1': ['[::ffff:1]'],
    '::ffff:0:203.0.113.9': ['::ffff:0:203.0.113.9'],
    '1::ffff:1:2': ['1::ffff:1:2'],
  }
  for (const [plain, given] of Object.entries(forms))
    for (const text of [plain, ...given]) assert.equal(toPlainAddress(text), plain, text)
  for (const text of ['', 'unknown', '203.0.113.9:80:80', '_hidden', '::ffff:300.0.0.1', ':80'])
    assert.equal(toPlainAddress(text), text)
})

test('a network of IPv4 is one, also where it is written as IPv6', () => {
  assert.deepEqual(
    ['::ffff:10.0.0.0/104', '::ffff:10.0.0.1', '::ffff:0:0/96', '10.0.0.0/8', '::/0', '::ffff:0:0/80'].map(
      toPlainNetwork,
    ),
    ['10.0.0.0/8', '10.0.0.1/32', '0.0.0.0/0', '10.0.0.0/8', '::/0', '::ffff:0:0/80'],
  )
  for (const text of ['10.0.0.0/8', '10.0.0.1', '::/0', '::1/128']) assert.ok(isNetwork(text), text)
  for (const text of ['', '10.0.0.0/33', '::1/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/+8', 'fe80::1%eth0'])
    assert.equal(isNetwork(text), false, text)
})

test('an address is in a network of its own family only', () => {
  const isIn = openNetworks(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'])
  assert.deepEqual(['10.9.9.9', '192.0.2.1', '2001:db8:1::1'].filter(isIn).length, 3)
  assert.deepEqual(['11.0.0.0', '192.0.2.2', '2001:db9::', '::10.0.0.1', '::'].filter(isIn), [])
})

test('who is gone has no address, and takes nobody’s word', () => {
  const gone = { socket: undefined, forwarded: '203.0.113.9' }
  assert.equal(findAddress(gone, openNetworks(['10.0.0.0/8'])), '0.0.0.0')
})
