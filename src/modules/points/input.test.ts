import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Body } from '#test/api-house'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const company = await house.company()
const { walletId } = await house.member(company.id)
const other = await house.member(company.id)
await house.charge(walletId, 1_000)
const charge = await house.charge(other.walletId, 10)
const spend = await house.spend(walletId, 100)
const hold = await house.hold(walletId, 100)

/** Each action where it is right, so that one wrong field is all that is wrong. */
const requests: readonly (readonly [path: string, body: Readonly<Record<string, unknown>>])[] = [
  [`/v1/wallets/${walletId}/charges`, { amount: 1, class: 'paid' }],
  [`/v1/wallets/${walletId}/spends`, { amount: 1 }],
  [`/v1/wallets/${walletId}/holds`, { amount: 1 }],
  [`/v1/wallets/${walletId}/moves`, { amount: 1, toWalletId: other.walletId }],
  [`/v1/transfers/${spend.id}/refunds`, { amount: 1 }],
  [`/v1/transfers/${charge.id}/cancellation`, {}],
  [`/v1/holds/${hold.id}/post`, { amount: 1 }],
  [`/v1/holds/${hold.id}/void`, {}],
]
const withAmount = requests.filter(([, body]) => 'amount' in body)
const withNotes = requests.slice(0, 3)

async function pointersOf(path: string, body: object | string): Promise<string[]> {
  const answer = await house.post(path, body)
  assert.equal(answer.status, 400, `${path} ${JSON.stringify(body)}: ${answer.text}`)
  return answer.body.errors.map((error: Body) => error.pointer)
}

test('400 for every amount that is not a whole number from 1 to 2^53−1', async () => {
  const wrong = [
    '0',
    '-1',
    '1.5',
    '"1"',
    'null',
    'true',
    '[1]',
    '{}',
    '9007199254740992',
    '1e16',
    '1e400',
    '9'.repeat(400),
  ]
  for (const [path, body] of withAmount) {
    for (const amount of wrong) {
      const text = JSON.stringify({ ...body, amount: 'X' }).replace('"X"', amount)
      assert.deepEqual(await pointersOf(path, text), ['/amount'])
    }
  }
})

test('1e3 is 1000, and an amount at the bound is understood', async () => {
  const member = await house.member(company.id)
  const charged = await house.post(`/v1/wallets/${member.walletId}/charges`, '{"amount":1e3,"class":"paid"}')
  assert.deepEqual([charged.status, charged.body.amount], [201, 1_000])
  const spent = await house.post(`/v1/wallets/${member.walletId}/spends`, { amount: 9_007_199_254_740_991 })
  assert.deepEqual([spent.status, spent.body.required], [409, 9_007_199_254_740_991])
})

test('400 for a field that is not known, and for each that is missing, with every mistake at once', async () => {
  for (const [path, body] of requests) assert.deepEqual(await pointersOf(path, { ...body, colour: 'red' }), ['/colour'])
  assert.deepEqual((await pointersOf(`/v1/wallets/${walletId}/charges`, {})).sort(), ['/amount', '/class'])
  assert.deepEqual((await pointersOf(`/v1/wallets/${walletId}/moves`, {})).sort(), ['/amount', '/toWalletId'])
  for (const action of ['spends', 'holds']) {
    assert.deepEqual(await pointersOf(`/v1/wallets/${walletId}/${action}`, {}), ['/amount'])
  }
  const all = { amount: 0, class: 'prize', expiresAt: 'tomorrow', reason: 5, metadata: [] }
  const pointers = await pointersOf(`/v1/wallets/${walletId}/charges`, all)
  assert.deepEqual(pointers.sort(), ['/amount', '/class', '/expiresAt', '/metadata', '/reason'])
})

test('400 for a body that is no JSON object', async () => {
  for (const [path] of requests) {
    for (const body of ['{"amount":', '[]', '5', '"text"', 'null', '{"__proto__":{"amount":1}}']) {
      assert.equal((await house.post(path, body)).status, 400, `${path} ${body}`)
    }
  }
})

test('415 for a body that is not JSON by its own word', async () => {
  for (const [path] of requests) {
    const { status } = await house.post(path, 'amount=1', { 'content-type': 'application/x-www-form-urlencoded' })
    assert.equal(status, 415)
  }
})

test('401 for a caller without a key or with a wrong one, and 405 for another method', async () => {
  const reads = [`/v1/wallets/${walletId}`, `/v1/wallets/${walletId}/lots`, `/v1/wallets/${walletId}/transfers`]
  for (const authorization of ['', 'Bearer wrong', 'Basic eDp4']) {
    for (const [path, body] of [...requests, ['/v1/transfers/batch', { transfers: [] }] as const]) {
      assert.equal((await house.post(path, body, { authorization })).status, 401)
    }
    for (const path of [...reads, `/v1/transfers/${spend.id}`, `/v1/holds/${hold.id}`]) {
      assert.equal((await house.get(path, { authorization })).status, 401)
    }
  }
  for (const [path] of requests.slice(0, 3)) {
    const { status, headers } = await house.get(path)
    assert.deepEqual([status, headers.allow], [405, 'POST'])
  }
})

test('400 for an expiry that is not in the calendar', async () => {
  for (const expiresAt of [
    '2027-02-29T00:00:00Z',
    '2027-01-01',
    '2027-01-01T25:00:00Z',
    '2027-01-01T00:00:00',
    '',
    5,
  ]) {
    const body = { amount: 1, class: 'paid', expiresAt }
    assert.deepEqual(await pointersOf(`/v1/wallets/${walletId}/charges`, body), ['/expiresAt'])
  }
})

test('texts have at most 200 characters, whatever their bytes, and come back composed and trimmed', async () => {
  for (const [path, body] of withNotes) {
    for (const field of ['reason', 'reference']) {
      for (const wrong of ['x'.repeat(201), '💧'.repeat(201), 'two\nlines', 'a\u0000b', '\ud800']) {
        assert.deepEqual(await pointersOf(path, { ...body, [field]: wrong }), [`/${field}`])
      }
    }
  }
  for (const [given, shown] of [
    ['💧'.repeat(200), '💧'.repeat(200)],
    [' \u1112\u1161\u11ab\u1100\u1173\u11af ', '한글'],
    ['مرحبا', 'مرحبا'],
  ]) {
    assert.equal((await house.spend(walletId, 1, { reason: given })).reason, shown)
  }
})

test('metadata is an object of at most 4096 bytes and 5 levels, and comes back as it is', async () => {
  const deep = { a: { b: { c: { d: [1, 2.5, null, 'x'] } } } }
  const widest = { text: 'x'.repeat(4_096 - '{"text":""}'.length) }
  for (const [path, body] of withNotes) {
    for (const wrong of [{ text: `${widest.text}x` }, { text: '한'.repeat(1_362) }, { a: deep }, 'text', [], 5, null]) {
      assert.deepEqual(await pointersOf(path, { ...body, metadata: wrong }), ['/metadata'])
    }
  }
  for (const metadata of [deep, widest, {}, { '10': 1, '9': 2, constructor: 'x', '': 0, ㄱ: -0.1 }]) {
    const made = await house.spend(walletId, 1, { metadata })
    assert.deepEqual(made.metadata, metadata)
    assert.deepEqual((await house.get(`/v1/transfers/${made.id}`)).body, made)
  }
})

test('all ids of a body that are malformed are named at once', async () => {
  const body = { amount: 1, merchantId: walletId, memberId: 'mem_1', metadata: { text: 'x'.repeat(5_000) } }
  assert.deepEqual(await pointersOf(`/v1/wallets/${walletId}/spends`, body), ['/merchantId', '/memberId', '/metadata'])
})

test('nothing that was refused here has left anything behind', async () => {
  const { held } = await house.wallet(walletId)
  assert.equal(held, 100)
  assert.equal((await house.get(`/v1/holds/${hold.id}`)).body.status, 'pending')
  assert.equal((await house.get(`/v1/transfers/${spend.id}`)).body.refundedAmount, 0)
  assert.equal((await house.wallet(other.walletId)).balance, 10)
})

test('400 from the ledger names the field, in a single call and in a batch', async () => {
  const { walletId } = await house.member(company.id)
  const charge = { amount: 1, class: 'bonus', expiresAt: '2001-01-01T00:00:00Z' }
  const move = { amount: 1, toWalletId: walletId }
  const singles = [
    await house.post(`/v1/wallets/${walletId}/charges`, charge),
    await house.post(`/v1/wallets/${walletId}/moves`, move),
  ]
  const items = [
    { kind: 'charge', walletId, ...charge },
    { kind: 'move', walletId, ...move },
  ]
  const { results } = (await house.post('/v1/transfers/batch', { transfers: items })).body
  const problems = [...singles.map(({ body }) => body), ...results.map((result: Body) => result.problem)]
  assert.deepEqual(
    problems.map(({ status, errors }: Body) => [status, errors?.map((error: Body) => error.pointer)]),
    [
      [400, ['/expiresAt']],
      [400, ['/toWalletId']],
      [400, ['/expiresAt']],
      [400, ['/toWalletId']],
    ],
  )
})
