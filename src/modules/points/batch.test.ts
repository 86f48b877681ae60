import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId, toPublicId } from '#platform/ids'
import { type Body, openApiHouse } from '#test/api-house'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const company = await house.company()

async function walletOf(amount: number): Promise<string> {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, amount)
  return walletId
}

async function run(transfers: readonly unknown[], headers: Record<string, string> = {}): Promise<Body[]> {
  const { status, body, text } = await house.post('/v1/transfers/batch', { transfers }, headers)
  assert.equal(status, 200, text)
  return body.results as unknown as Body[]
}

test('every kind is answered in its place as its single call would be', async () => {
  const walletId = await walletOf(1_000)
  const other = await house.member(company.id)
  const [charge, spend] = [await house.charge(walletId, 5), await house.spend(walletId, 6)]
  const [posted, voided] = [await house.hold(walletId, 7), await house.hold(walletId, 8)]
  const results = await run([
    { kind: 'charge', walletId, amount: 10, class: 'bonus', metadata: { b: 1, a: 2 } },
    { kind: 'spend', walletId, amount: 10, merchantId: company.id, reason: 'Tea' },
    { kind: 'refund', transferId: spend.id },
    { kind: 'cancel', transferId: charge.id },
    { kind: 'move', walletId, toWalletId: other.walletId, amount: 1 },
    { kind: 'hold', walletId, amount: 2, expiresInSeconds: 60 },
    { kind: 'post', holdId: posted.id, amount: 3 },
    { kind: 'void', holdId: voided.id },
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    [201, 201, 201, 201, 201, 201, 200, 200],
  )
  const shown = results.map(({ transfer, hold }) => (transfer ? transfer.kind : hold!.status))
  assert.deepEqual(shown, ['charge', 'spend', 'refund', 'cancel', 'move', 'pending', 'posted', 'voided'])
  for (const result of results) assert.deepEqual([result.replayed, typeof result.idempotencyKey], [false, 'string'])
  for (const { transfer, hold } of results) {
    const single = await house.get(transfer ? `/v1/transfers/${transfer.id}` : `/v1/holds/${hold!.id}`)
    assert.deepEqual(transfer ?? hold, single.body)
  }
})

test('each item stands alone: one that is wrong or refused does not disturb the others', async () => {
  const walletId = await walletOf(100)
  const spend = { kind: 'spend', walletId, amount: 60 }
  const results = await run([
    spend,
    spend,
    { ...spend, amount: 0, colour: 'red' },
    { ...spend, kind: 'gift' },
    { ...spend, walletId: 'nonsense' },
    { ...spend, walletId: toPublicId('wlt', newId()) },
    { ...spend, merchantId: walletId },
    { kind: 'spend', amount: 1 },
    null,
    'spend',
    [],
    { ...spend, amount: 40 },
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    [201, 409, 400, 400, 404, 404, 400, 400, 400, 400, 400, 201],
  )
  for (const { status, problem } of results) {
    if (status >= 300) assert.deepEqual([problem.status, typeof problem.title], [status, 'string'])
  }
  assert.deepEqual([results[1]!.problem.available, results[1]!.problem.required], [40, 60])
  const pointers = results.map(({ problem }) => problem?.errors?.map((error: Body) => error.pointer) ?? [])
  assert.deepEqual(pointers[2]!.sort(), ['/amount', '/colour'])
  assert.deepEqual(
    [pointers[3], pointers[6], pointers[7], pointers[8]],
    [['/kind'], ['/merchantId'], ['/walletId'], ['']],
  )
  assert.equal((await house.wallet(walletId)).balance, 0)
})

test('an item sent again with its key is the first answer again, refusals included', async () => {
  const walletId = await walletOf(100)
  const item = (amount: number) => ({ kind: 'spend', walletId, amount, idempotencyKey: newId() })
  const items = [item(60), item(60)]
  const first = await run(items)
  const again = await run(items)
  const stripped = ({ problem, ...rest }: Body) => ({ ...rest, problem: problem && { ...problem, instance: null } })
  assert.deepEqual(
    again.map(stripped),
    first.map((result) => stripped({ ...result, replayed: true as never })),
  )
  assert.deepEqual(
    first.map(({ idempotencyKey }) => idempotencyKey),
    items.map(({ idempotencyKey }) => idempotencyKey),
  )
  assert.equal((await house.wallet(walletId)).balance, 40)
})

test('a key twice in one batch takes effect once, and is 422 where the requests differ', async () => {
  const walletId = await walletOf(100)
  const item = { kind: 'spend', walletId, amount: 10, idempotencyKey: newId() }
  const results = await run([item, { ...item, idempotencyKey: `"${item.idempotencyKey}"` }, { ...item, amount: 20 }])
  assert.deepEqual(
    results.map(({ status, replayed }) => [status, replayed]),
    [
      [201, false],
      [201, true],
      [422, false],
    ],
  )
  assert.deepEqual(results[1]!.transfer, results[0]!.transfer)
  assert.equal((await house.wallet(walletId)).balance, 90)
})

test('an item is the same request as its single call', async () => {
  const walletId = await walletOf(100)
  const key = newId()
  const body = { amount: 10, metadata: { b: 1, a: 2 } }
  const single = await house.post(`/v1/wallets/${walletId}/spends`, body, { 'idempotency-key': key })
  const [result] = await run([{ ...body, kind: 'spend', walletId, idempotencyKey: key }])
  assert.deepEqual([result!.status, result!.replayed, result!.transfer], [201, true, single.body])
  const [hold] = await run([{ kind: 'hold', walletId, amount: 5, idempotencyKey: 'held-first-in-a-batch' }])
  const headers = { 'idempotency-key': 'held-first-in-a-batch' }
  const again = await house.post(`/v1/wallets/${walletId}/holds`, { amount: 5 }, headers)
  assert.deepEqual([again.headers['idempotent-replayed'], again.body], ['true', hold!.hold])
})

test('a whole batch without keys of its items may be sent again with its own', async () => {
  const walletId = await walletOf(100)
  const items = [1, 2, 3].map((amount) => ({ kind: 'spend', walletId, amount }))
  const headers = { 'idempotency-key': newId() }
  const first = await run(items, headers)
  const again = await run(items, headers)
  assert.deepEqual(
    again.map(({ transfer }) => transfer),
    first.map(({ transfer }) => transfer),
  )
  assert.ok(again.every(({ replayed }) => replayed as unknown as boolean))
  assert.equal((await house.wallet(walletId)).balance, 94)
  const [other] = await run([{ ...items[0], idempotencyKey: first[1]!.idempotencyKey }])
  assert.equal(other!.status, 422)
})

test('the key of a batch is bound to its body, also where every item has a key of its own', async () => {
  const walletId = await walletOf(100)
  const items = [1, 2].map((amount) => ({ kind: 'spend', walletId, amount, idempotencyKey: newId() }))
  const headers = { 'idempotency-key': newId() }
  const send = (transfers: readonly object[]) => house.post('/v1/transfers/batch', { transfers }, headers)
  const first = await send(items)
  assert.deepEqual([first.status, first.headers['idempotent-replayed']], [200, undefined])
  const other = await send([...items, { kind: 'spend', walletId, amount: 3 }])
  assert.deepEqual([other.status, other.body.type], [422, '/problems/idempotency/key-reused'])
  const again = await send(items)
  assert.deepEqual([again.status, again.headers['idempotent-replayed']], [200, 'true'])
  assert.equal((await house.wallet(walletId)).balance, 97)
  const single = await house.post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, headers)
  assert.equal(single.status, 422)
})

test('a batch that was cut off is finished by sending it again, and is no replay then', async () => {
  const walletId = await walletOf(100)
  const items = [1, 2].map((amount) => ({ kind: 'spend', walletId, amount, idempotencyKey: newId() }))
  await run([items[0]])
  const headers = { 'idempotency-key': newId() }
  const { headers: answered, body } = await house.post('/v1/transfers/batch', { transfers: items }, headers)
  assert.equal(answered['idempotent-replayed'], undefined)
  assert.deepEqual(
    body.results.map(({ status, replayed }: Body) => [status, replayed]),
    [
      [201, true],
      [201, false],
    ],
  )
})

test('a batch with an item that there was no room for says when to send it again', async (t) => {
  const crowded = await openApiHouse(t, { settings: { laneQueueMax: 1 } })
  const walletId = await crowded.wallet('busy', 100)
  const transfers = Array.from({ length: 50 }, () => ({ kind: 'spend', walletId, amount: 1 }))
  const { status, body, headers } = await crowded.post('/v1/transfers/batch', { transfers })
  assert.equal(status, 200)
  assert.ok(body.results.some((result: Body) => result.status === 503))
  assert.equal(headers['retry-after'], '1')
})

test('400 for a key of an item that is none', async () => {
  const walletId = await walletOf(100)
  for (const idempotencyKey of ['', '""', 'a b', 'x'.repeat(256), 'clé', 5, null]) {
    const [result] = await run([{ kind: 'spend', walletId, amount: 1, idempotencyKey }])
    assert.equal(result!.status, 400)
    assert.ok(result!.problem.errors.some((error: Body) => error.pointer === '/idempotencyKey'))
    assert.equal(result!.idempotencyKey, null)
  }
})

test('a batch takes a thousand items, in the order in which they stand; 400 for one more', async () => {
  const walletId = await walletOf(1_000)
  const items = Array.from({ length: 1_000 }, () => ({ kind: 'spend', walletId, amount: 1 }))
  const results = await run(items)
  assert.ok(results.every(({ transfer }, at) => transfer.balanceAfter === 999 - at))
  const { status, body } = await house.post('/v1/transfers/batch', { transfers: [...items, items[0]] })
  assert.deepEqual([status, body.errors[0]!.pointer], [400, '/transfers'])
})

test('a batch of nothing is answered with nothing; 400 for a body that is no batch', async () => {
  assert.deepEqual(await run([]), [])
  for (const body of [{}, { transfers: {} }, { transfers: [], more: 1 }, []]) {
    assert.equal((await house.post('/v1/transfers/batch', body)).status, 400)
  }
})
