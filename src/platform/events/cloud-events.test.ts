import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testEvents } from '#test/test-events'
import { newId } from '../ids.ts'
import { openEnvelopes, UnreadableEvent } from './cloud-events.ts'

const envelopes = openEnvelopes({
  kinds: Object.values(testEvents),
  source: 'podo',
  origin: 'https://points.example.com',
})
const event = {
  id: newId(),
  number: 42,
  type: 'test.said',
  key: newId(),
  at: new Date('2026-11-20T09:00:00.123Z'),
  data: { said: '포도' },
}

describe('an event in its envelope', () => {
  it('is the same event when it is taken out, after a way as JSON', () => {
    assert.deepEqual(envelopes.unwrap(JSON.parse(JSON.stringify(envelopes.wrap(event)))), event)
  })

  it('is refused where nobody declares its type', () => {
    assert.throws(() => envelopes.wrap({ ...event, type: 'test.unheard' }), /Nobody declares/)
  })
})

describe('what is none of our events', () => {
  const wrong: Readonly<Record<string, [unknown, RegExp]>> = {
    'a text': ['hello', /not an object/],
    null: [null, /not an object/],
    'another specification': [{ specversion: '0.3' }, /specversion is "0.3"/],
    'an unknown type': [{ type: 'test.unheard' }, /type is unknown: "test.unheard"/],
    'an unknown version': [{ dataschema: 'https://x.example/events/test.said.v2.json' }, /version is unknown/],
    'no version': [{ dataschema: undefined }, /dataschema is missing/],
    'the id of somebody else': [{ id: 'A234-1234-1234' }, /id is none of ours/],
    'a key of another kind': [{ subject: `wlt_${'0'.repeat(32)}` }, /subject is no mem_/],
    'no time': [{ time: 'yesterday' }, /no instant: "yesterday"/],
    'no number': [{ sequence: '7' }, /sequence/],
    'no data': [{ data: undefined }, /no data/],
    'a text that would flood the log': [{ type: 'x'.repeat(10_000) }, /^.{1,150}$/],
  }

  it('is refused with what is wrong with it', () => {
    for (const [name, [change, message]] of Object.entries(wrong)) {
      const value = typeof change === 'object' && change !== null ? { ...envelopes.wrap(event), ...change } : change
      const isTold = (error: Error) => error instanceof UnreadableEvent && message.test(error.message)
      assert.throws(() => envelopes.unwrap(value), isTold, name)
    }
  })
})
