import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId } from '#platform/ids'
import { type Body, openApiHouse } from '#test/api-house'

const house = await openApiHouse({ after })
const admin = await house.person()
await house.put(`/v1/members/${admin.id}/role`, { role: 'ADMIN' })

const bonus = { amount: 500, class: 'bonus', reason: '우수 회원' }
const charges = (walletId: string) => `/v1/wallets/${walletId}/charges`
const actsOn = async (id: string): Promise<Body[]> =>
  (await house.get(`/v1/ops/audit?target=${id}&limit=100`)).body.items.filter(
    ({ action }: Body) => action !== 'createCompany',
  )
const balanceOf = async (walletId: string) => (await house.get(`/v1/wallets/${walletId}`)).body.balance

test('what an administrator gives is in the audit log: who, whom, how much, why and from where', async () => {
  const person = await house.person()
  const { status, body } = await admin.post(charges(person.walletId), bonus, { 'x-request-id': 'bonus-1' })
  assert.equal(status, 201)
  const [act, ...more] = await actsOn(person.id)
  assert.deepEqual(more, [])
  assert.deepEqual(
    [act!.action, act!.actor, act!.address, act!.requestId, act!.before],
    ['chargeWallet', { type: 'member', id: admin.id }, '127.0.0.1', 'bonus-1', null],
  )
  assert.deepEqual(act!.after, {
    walletId: person.walletId,
    class: 'bonus',
    reason: bonus.reason,
    transferId: body.id,
    amount: 500,
  })
  assert.match(act!.credential, /^ses_/)
})

test('twenty of the same request at once give once, and once it is written down', async () => {
  const person = await house.person()
  const headers = { 'idempotency-key': newId() }
  const give = () => admin.post(charges(person.walletId), bonus, headers)
  const answers = await Promise.all(Array.from({ length: 20 }, give))
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  assert.equal((await give()).headers['idempotent-replayed'], 'true')
  assert.deepEqual([await balanceOf(person.walletId), (await actsOn(person.id)).length], [500, 1])
})

test('what an administrator refunds or cancels is in the audit log; what is refused is not', async () => {
  const company = await house.company()
  const { id, walletId } = await house.member(company.id)
  await house.charge(walletId, 1_000)
  const { body: spent } = await house.spend(walletId, 300)
  const refunds = `/v1/transfers/${spent.id}/refunds`
  assert.equal((await admin.post(refunds, { amount: 301 })).status, 409)
  assert.equal((await admin.post(charges(walletId), { ...bonus, class: 'paid' })).status, 403)
  assert.equal((await admin.post(charges(walletId), { ...bonus, reason: undefined })).status, 400)
  assert.deepEqual(await actsOn(id), [])
  assert.equal((await admin.post(refunds, { amount: 100, reason: '식은 커피' })).status, 201)
  const { body: given } = await admin.post(charges(company.walletId), bonus)
  assert.equal((await admin.post(`/v1/transfers/${given.id}/cancellation`)).status, 201)
  const [refund] = await actsOn(id)
  assert.deepEqual([refund!.action, refund!.after.amount, refund!.after.reason], ['refundTransfer', 100, '식은 커피'])
  assert.deepEqual(
    (await actsOn(company.id)).map(({ action }) => action),
    ['cancelCharge', 'chargeWallet'],
  )
})

test('every gift of a batch is written down, and none of those that were refused', async () => {
  const people = await Promise.all([house.person(), house.person(), house.person()])
  const transfers = people.map(({ walletId }) => ({ kind: 'charge', walletId, ...bonus }))
  const { body } = await admin.post('/v1/transfers/batch', {
    transfers: [...transfers, { ...transfers[0], class: 'paid' }],
  })
  assert.deepEqual(
    body.results.map(({ status }: Body) => status),
    [201, 201, 201, 403],
  )
  for (const { id } of people) assert.equal((await actsOn(id)).length, 1)
})

test('no gift without its line: where the log cannot be written, no points are given', async () => {
  const person = await house.person()
  await house.ownerSql.run('revoke insert on platform.audit from podo_service', [])
  try {
    assert.equal((await admin.post(charges(person.walletId), bonus)).status, 500)
    assert.equal((await house.charge(person.walletId, 1)).status, 201)
  } finally {
    await house.ownerSql.run('grant insert on platform.audit to podo_service', [])
  }
  assert.deepEqual([await balanceOf(person.walletId), await actsOn(person.id)], [1, []])
})

test('what the operator and keys of companies do with points is told by the journal alone', async () => {
  const company = await house.company()
  const { id, walletId } = await house.member(company.id)
  const key = house.as(await house.apiKey(company.id))
  for (const caller of [house, key]) assert.equal((await caller.post(charges(walletId), bonus)).status, 201)
  assert.deepEqual(await actsOn(id), [])
})
