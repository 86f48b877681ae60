import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openPointsHouse } from '#test/points-house'

/** A line of `kept-answers.v1.jsonl`: a request, the row that it left behind, and what it was answered. */
interface Kept {
  readonly name: string
  readonly request: { readonly path: string; readonly key: string; readonly body: object }
  readonly stored: {
    readonly digest: string
    readonly requestHash: string
    readonly status: number
    readonly answer: unknown
  }
  readonly answered: { readonly status: number; readonly body: object }
}

// Rows like these are in the databases of others, and so are the answers with callers. No line is ever changed.
const kept = readFileSync(join(import.meta.dirname, 'kept-answers.v1.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line): Kept => JSON.parse(line))

const house = await openPointsHouse({ after })

for (const { name, request, stored, answered } of kept) {
  test(`the answer to ${name} survives an upgrade to the byte`, async () => {
    const { digest, requestHash, status, answer } = stored
    await house.ownerSql.run(
      'insert into platform.idempotency_key (digest, request_hash, status, answer) values ($1, $2, $3, $4)',
      [digest, requestHash, status, JSON.stringify(answer)],
    )
    // Nobody of whom it speaks is here any more.
    const replay = await house.post(request.path, request.body, { 'idempotency-key': request.key })
    assert.deepEqual([replay.status, replay.headers['idempotent-replayed']], [answered.status, 'true'], replay.text)
    // A refusal names the request of today, and what the ledger itself refuses is told in the words of today.
    if (answered.status === 409) assert.partialDeepStrictEqual(replay.body, answered.body)
    else assert.equal(replay.text, JSON.stringify(answered.body))
  })
}
