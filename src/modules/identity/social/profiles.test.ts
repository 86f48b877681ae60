import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromGoogle, fromKakao, fromNaver } from './profiles.ts'

const account = { profile: { nickname: '포도' }, is_email_valid: true, is_email_verified: true, email: 'a@example.com' }

test('Kakao: the id as a text; an address only where both of its flags are true', () => {
  const whole = { id: 123456789, kakao_account: account }
  assert.deepEqual(fromKakao(whole), { subject: '123456789', nickname: '포도', email: 'a@example.com' })
  for (const flags of [{ is_email_valid: false }, { is_email_verified: false }, { is_email_verified: 'true' }]) {
    assert.equal(fromKakao({ ...whole, kakao_account: { ...account, ...flags } })?.email, null)
  }
  const bare = { subject: '1', nickname: null, email: null }
  assert.deepEqual(fromKakao({ id: 1 }), bare)
  assert.deepEqual(fromKakao({ id: 1, kakao_account: null, properties: 'x' }), bare)
  assert.equal(fromKakao({ id: 1, properties: { nickname: '머루' } })?.nickname, '머루')
  for (const id of ['1', 0, -1, 1.5, 2 ** 53, null, undefined, {}]) assert.equal(fromKakao({ id }), null)
})

test('Naver: only where it says 00 and whom; its addresses never count', () => {
  const response = { id: 'n1', nickname: '머루', email: 'a@example.com' }
  assert.deepEqual(fromNaver({ resultcode: '00', response }), { subject: 'n1', nickname: '머루', email: null })
  assert.deepEqual(fromNaver({ resultcode: '00', response: { id: 'n1' } })?.nickname, null)
  for (const body of [
    { response },
    { resultcode: '024', response },
    { resultcode: 0, response },
    { resultcode: '00' },
    { resultcode: '00', response: { id: '' } },
    { resultcode: '00', response: { id: 5 } },
    { resultcode: '00', response: { id: 'x'.repeat(300) } },
  ]) {
    assert.equal(fromNaver(body), null)
  }
})

test('Google: an address only where it is verified, by the boolean', () => {
  const claims = { sub: 'g1', name: 'Grape', email: 'a@example.com' }
  assert.deepEqual(fromGoogle({ ...claims, email_verified: true }), {
    subject: 'g1',
    nickname: 'Grape',
    email: 'a@example.com',
  })
  for (const email_verified of [false, 'true', 1, undefined]) {
    assert.equal(fromGoogle({ ...claims, email_verified })?.email, null)
  }
  assert.equal(fromGoogle({ name: 'Nobody' }), null)
})
