import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registrationNumberFormat, toDigits, toHyphenated } from './registration-number.ts'

test('a number with a valid check digit is read with hyphens and without', () => {
  assert.equal(toDigits('123-45-67891'), '1234567891')
  assert.equal(toDigits('1234567891'), '1234567891')
  assert.equal(toHyphenated('1234567891'), '123-45-67891')
})

test('of the ten last digits exactly one fits, whatever the others are', () => {
  for (const nine of ['123456789', '220811234', '101869999', '999999999']) {
    const fitting = Array.from({ length: 10 }, (_, last) => `${nine}${last}`).filter(registrationNumberFormat.validate)
    assert.equal(fitting.length, 1, nine)
  }
})

test('other lengths, misplaced hyphens, letters, wide digits and zeros alone are refused', () => {
  const texts = [
    '',
    '123456789',
    '12345678911',
    '12-345-67891',
    '123-4567891 ',
    '12345６7891',
    '123456789a',
    '0000000000',
  ]
  for (const text of texts) assert.equal(toDigits(text), null, text)
})
