import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromStored, toStored } from './answers.ts'
import type { Command } from './commands.ts'

/** A line of `answers.v1.jsonl`: what such a command was answered, and what its key has kept since. */
interface Kept {
  readonly name: string
  /** Without its key, and instants as text: an answer is made of neither. */
  readonly command: Command
  readonly status: number
  readonly answer: unknown[]
  readonly outcome: { readonly status: 'done' | 'refused' }
}

// Rows like these are in the databases of others. No line is ever changed: another form is another version, with a
// reader and a file of its own beside these.
const kept = readFileSync(join(import.meta.dirname, 'answers.v1.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line): Kept => JSON.parse(line))

const key = { digest: '00000000-0000-4000-8000-000000000001', requestHash: '00000000-0000-4000-8000-000000000002' }

for (const { name, command, status, answer, outcome } of kept) {
  test(`the answer to ${name}, kept by version 1, is given again for ever`, () => {
    const stored = { ...key, status, answer: JSON.stringify(answer) }
    const replay = fromStored(stored, { ...command, key })
    const said = JSON.parse(JSON.stringify(replay))
    // What the ledger itself refuses is told in the words of today.
    if (outcome.status === 'refused') assert.partialDeepStrictEqual(said, { ...outcome, replayed: true })
    else assert.deepEqual(said, { ...outcome, replayed: true })
    assert.deepEqual(toStored(key, replay, { ...command, key }), stored)
  })
}

test('an answer to every kind of transfer is among those of version 1', () => {
  const kinds = kept.map(({ answer }) => answer[2])
  const expected = ['charge', 'grant', 'reward', 'spend', 'refund', 'cancel', 'move', 'hold', 'post', 'void', 'adjust']
  for (const kind of [...expected, 'payout']) assert.ok(kinds.includes(kind), `there is none to a ${kind}`)
})
