import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decryptSecret, encryptSecret, isEncrypted, parseSecretKey } from './secrets.ts'

const key = randomBytes(32)

test('a secret comes back from its encrypted text, and twice the same has two texts', () => {
  for (const value of ['', 'k', '포도송이 열쇠', 'x'.repeat(5_000)]) {
    const encrypted = encryptSecret(value, key)
    assert.ok(isEncrypted(encrypted))
    assert.equal(decryptSecret(encrypted, key), value)
    assert.notEqual(encryptSecret(value, key), encrypted)
  }
})

test('another key, a changed byte or a cut text decrypts to nothing, never to something else', () => {
  const encrypted = encryptSecret('operator', key)
  assert.equal(decryptSecret(encrypted, randomBytes(32)), null)
  const bytes = Buffer.from(encrypted.slice(4), 'base64')
  for (let place = 0; place < bytes.length; place++) {
    const changed = Buffer.from(bytes)
    changed[place]! ^= 1
    assert.equal(decryptSecret(`enc:${changed.toString('base64')}`, key), null)
    assert.equal(decryptSecret(`enc:${bytes.subarray(0, place).toString('base64')}`, key), null)
  }
  assert.equal(decryptSecret('operator', key), null)
})

test('a key is 32 bytes in hex or base64 and nothing else', () => {
  assert.deepEqual(parseSecretKey(key.toString('hex')), key)
  assert.deepEqual(parseSecretKey(`${key.toString('base64')}\n`), key)
  assert.deepEqual(parseSecretKey(key.toString('base64url')), key)
  for (const text of ['', 'short', key.toString('hex').slice(1), `${key.toString('base64')}AAAA`, '비밀'.repeat(16)]) {
    assert.equal(parseSecretKey(text), null)
  }
})
