import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Caller } from './access.ts'
import { unavailable } from './http-problems.ts'
import { orRecalled } from './http-recall.ts'

const caller: Caller = {
  actor: { type: 'operator', id: null },
  scopes: [],
  isAdmin: false,
  credentialId: null,
  address: '',
}
const recall = async () => ({ ...caller, isRecalled: true })

/** Somebody who comes in, and how the database says who it is. */
function comeIn(t: TestContext, { method, headers = {} }: { method: string; headers?: Record<string, string> }) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { promise, resolve, reject } = Promise.withResolvers<Caller>()
  const request = { method, headers, address: '' } as Parameters<typeof orRecalled>[1]['request']
  const isRecalled = orRecalled(promise, { request, recall }).then((it) => it?.isRecalled ?? false)
  return { isRecalled, tell: () => resolve(caller), fail: () => reject(unavailable()) }
}

test('whom the database does not tell of within a second is recalled for what can be answered without it', async (t) => {
  const reads = comeIn(t, { method: 'GET' })
  t.mock.timers.tick(1_000)
  assert.equal(await reads.isRecalled, true)
  t.mock.timers.reset()
  const later = comeIn(t, { method: 'POST', headers: { prefer: 'respond-async' } })
  t.mock.timers.tick(1_000)
  assert.equal(await later.isRecalled, true)
})

test('who wants something done at once waits for the database, and is recalled only when it is away', async (t) => {
  const slow = comeIn(t, { method: 'POST' })
  t.mock.timers.tick(4_000)
  slow.tell()
  assert.equal(await slow.isRecalled, false)
  t.mock.timers.reset()
  const away = comeIn(t, { method: 'POST' })
  away.fail()
  assert.equal(await away.isRecalled, true)
})

test('an answer that came while the process was busy counts, though its timers come first', async (t) => {
  const busy = comeIn(t, { method: 'GET' })
  t.mock.timers.tick(1_000)
  busy.tell()
  assert.equal(await busy.isRecalled, false)
})
