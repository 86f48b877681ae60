import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOfOneScript, nicknameFormat } from '../accounts/names.ts'
import { proposeNicknames } from './nicknames.ts'

test('every nickname that is proposed can be had, whatever the provider calls a person', () => {
  const given = [
    null,
    '',
    ' ',
    '가',
    '포도',
    'a'.repeat(254),
    '👨‍👩‍👧‍👦'.repeat(12),
    '\u202eevil\u0000',
    '\u200b\u200b\u200b',
    '...',
    '⠀⠀⠀',
    '가\n나',
    'é'.normalize('NFD').repeat(30),
    'gr\u0430pe',
  ]
  for (const name of given) {
    const proposed = proposeNicknames(name, 8)
    assert.ok(proposed.length >= 7)
    for (const nickname of proposed) {
      assert.ok(nicknameFormat.validate(nickname), JSON.stringify([name, nickname]))
      assert.ok(isOfOneScript(nickname), JSON.stringify([name, nickname]))
      assert.ok([...nickname].length <= 50 && nickname === nickname.normalize('NFC').trim())
      assert.doesNotMatch(nickname, /[\p{Cc}\u200b\u202e\u2066-\u2069]/u)
    }
  }
})

test('a nickname that fits comes first as it is; what is cut or made up bears a number', () => {
  assert.equal(proposeNicknames('포도 좋아', 8)[0], '포도 좋아')
  assert.equal(proposeNicknames('가'.repeat(30), 8)[0], '가'.repeat(20))
  assert.match(proposeNicknames('가', 8)[0]!, /^회원 \d+$/)
  assert.match(proposeNicknames('포도 좋아', 8)[1]!, /^포도 좋아 \d+$/)
})
