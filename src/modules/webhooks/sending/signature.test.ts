import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSigned, makeSecret, signMessage } from './signature.ts'

test('the published vector of Standard Webhooks holds', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' }
  assert.deepEqual(signMessage(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']), {
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('a signature is good for its id, time, body and secret, and for five minutes either way', () => {
  const [secret, other] = [makeSecret(), makeSecret()]
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  const headers = signMessage({ id: 'evt_1', timestamp: 1_000_000, body: '{}' }, [other, secret])
  const at = (seconds: number, more: object = {}) =>
    isSigned({ headers: { ...headers, ...more }, body: '{}', nowMs: (1_000_000 + seconds) * 1_000 }, secret)
  assert.deepEqual([at(0), at(300), at(-300), at(301), at(-301)], [true, true, true, false, false])
  const unknown = `v2,abc ${headers['webhook-signature']}`
  assert.equal(at(0, { 'webhook-signature': unknown }), true)
  const wrong = [
    { 'webhook-id': 'evt_2' },
    { 'webhook-timestamp': '1000001' },
    { 'webhook-timestamp': undefined },
    { 'webhook-signature': undefined },
    { 'webhook-signature': headers['webhook-signature']!.split(' ')[0] },
    { 'webhook-signature': 'v1,' },
  ]
  for (const more of wrong) assert.equal(at(0, more), false, JSON.stringify(more))
  assert.equal(isSigned({ headers, body: '{ }', nowMs: 1_000_000_000 }, secret), false)
})
