import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acceptsJson,
  parseIdempotencyKey,
  readBearer,
  readIdempotencyKey,
  readLanguage,
  readRequestId,
  readTraceId,
} from './http-headers.ts'

test('a key is the same quoted and bare', () => {
  assert.equal(parseIdempotencyKey('order-1'), 'order-1')
  assert.equal(parseIdempotencyKey('"order-1"'), 'order-1')
  assert.equal(parseIdempotencyKey(String.raw`"a\"b\\c"`), String.raw`a"b\c`)
  assert.equal(parseIdempotencyKey('k'.repeat(255)), 'k'.repeat(255))
})

test('a key that is empty, too long, half quoted or not visible ASCII is none', () => {
  for (const text of [
    '',
    '""',
    '"a',
    '"a"b',
    'a b',
    '"a b"',
    'é',
    '열쇠',
    'a\tb',
    'k'.repeat(256),
    `"${'k'.repeat(256)}"`,
  ]) {
    assert.equal(parseIdempotencyKey(text), null, text)
  }
})

test('a key that was not sent is made, a new one each time', () => {
  const made = readIdempotencyKey({})
  assert.ok(made && parseIdempotencyKey(made) === made)
  assert.notEqual(readIdempotencyKey({}), made)
})

test('the language follows the weights, and is the programme’s where none of ours is wanted', () => {
  assert.equal(readLanguage(undefined, 'ko'), 'ko')
  assert.equal(readLanguage('en', 'ko'), 'en')
  assert.equal(readLanguage('en-GB,en;q=0.9', 'ko'), 'en')
  assert.equal(readLanguage('fr, en;q=0.5, ko-KR;q=0.7', 'en'), 'ko')
  assert.equal(readLanguage('fr', 'ko'), 'ko')
  assert.equal(readLanguage('en;q=0, ko;q=nonsense', 'ko'), 'ko')
})

test('a sane request id is kept, any other is replaced', () => {
  assert.equal(readRequestId({ 'x-request-id': 'abc-1' }), 'abc-1')
  assert.match(readRequestId({ 'x-request-id': 'a\nb' }), /^[0-9a-f-]{36}$/)
  assert.match(readRequestId({ 'x-request-id': 'x'.repeat(129) }), /^[0-9a-f-]{36}$/)
})

test('a trace id is read from a valid traceparent only', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  assert.equal(readTraceId({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` }), traceId)
  for (const traceparent of [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${traceId}-00f067aa0ba902b7-01`, 'x']) {
    assert.equal(readTraceId({ traceparent }), undefined)
  }
})

test('a bearer key is read whatever the case of its scheme', () => {
  assert.equal(readBearer('Bearer abc'), 'abc')
  assert.equal(readBearer('bearer  abc'), 'abc')
  for (const header of [undefined, '', 'Bearer', 'Bearer a b', 'Basic abc']) assert.equal(readBearer(header), null)
})

test('JSON is acceptable unless a caller rules it out', () => {
  for (const accept of [undefined, '*/*', 'application/json', 'text/html, */*;q=0.1', 'application/*']) {
    assert.equal(acceptsJson(accept), true, String(accept))
  }
  for (const accept of ['text/csv', 'text/html', 'image/*']) assert.equal(acceptsJson(accept), false, accept)
})
