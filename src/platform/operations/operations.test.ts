import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '../ids.ts'
import { openSealing } from '../sealing.ts'
import { listOperationIds, operationId } from './operations.ts'

const [before, after] = [openSealing('a former secret'), openSealing('the present secret', ['a former secret'])]
const actor = { type: 'company' as const, id: newId() }
const caller = { actor, scopes: [], isAdmin: false, credentialId: null, address: '127.0.0.1' }
const asked = { caller, key: { digest: newId(), requestHash: newId(), text: 'a key' } }
const ids = [operationId(after, asked), operationId(before, asked)]

test('an operation is known by the ids that it was given before and after a change of the secret', () => {
  assert.equal(new Set(ids).size, 2)
  for (const id of ids) assert.deepEqual(listOperationIds(after, { id, actor }), ids)
  assert.deepEqual(listOperationIds(before, { id: ids[1]!, actor }), [ids[1]])
})

test('an id that was given to another, or by another secret, is nobody’s', () => {
  assert.deepEqual(listOperationIds(before, { id: ids[0]!, actor }), [])
  for (const id of ids) assert.deepEqual(listOperationIds(after, { id, actor: { type: 'company', id: newId() } }), [])
})
