import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId, newId } from '#platform/ids'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const company = await house.company()
const newKey = () => ({ 'idempotency-key': newId() })

async function walletOf(amount: number): Promise<string> {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, amount)
  return walletId
}

test('every action replays its first answer to the byte, marked, and takes effect once', async () => {
  const walletId = await walletOf(1_000)
  const other = await house.member(company.id)
  const charge = await house.charge(walletId, 5)
  const spend = await house.spend(walletId, 6)
  const [posted, voided] = [await house.hold(walletId, 7), await house.hold(walletId, 8)]
  const notes = { reason: 'Because', reference: 'r', metadata: { b: [1, { d: 1, c: 2 }], a: '한글' } }
  const expiresAt = '2999-01-01T00:00:00Z'
  const requests = [
    [`/v1/wallets/${walletId}/charges`, { amount: 1, class: 'bonus', expiresAt, ...notes }, 201],
    [`/v1/wallets/${walletId}/spends`, { amount: 1, merchantId: company.id, ...notes }, 201],
    [`/v1/wallets/${walletId}/holds`, { amount: 1, expiresInSeconds: 9, ...notes }, 201],
    [`/v1/wallets/${walletId}/moves`, { amount: 1, toWalletId: other.walletId, reason: 'A gift' }, 201],
    [`/v1/transfers/${spend.id}/refunds`, { reason: 'Cold' }, 201],
    [`/v1/transfers/${charge.id}/cancellation`, { reason: 'Twice' }, 201],
    [`/v1/holds/${posted.id}/post`, { amount: 3 }, 200],
    [`/v1/holds/${voided.id}/void`, {}, 200],
  ] as const
  for (const [path, body, status] of requests) {
    const key = newKey()
    const first = await house.post(path, body, key)
    const replay = await house.post(path, body, key)
    assert.deepEqual([first.status, replay.status], [status, status], path)
    assert.equal(replay.text, first.text)
    assert.equal(first.headers['idempotent-replayed'], undefined)
    assert.equal(replay.headers['idempotent-replayed'], 'true')
    assert.equal(replay.headers['idempotency-key'], key['idempotency-key'])
  }
})

test('a replay is the first answer even when the transfer was refunded or the hold has ended since', async () => {
  const walletId = await walletOf(100)
  const [spendKey, holdKey] = [newKey(), newKey()]
  const spend = () => house.post(`/v1/wallets/${walletId}/spends`, { amount: 10 }, spendKey)
  const hold = () => house.post(`/v1/wallets/${walletId}/holds`, { amount: 10 }, holdKey)
  const [spent, held] = [await spend(), await hold()]
  await house.post(`/v1/transfers/${spent.body.id}/refunds`)
  await house.post(`/v1/holds/${held.body.id}/post`)
  assert.equal((await spend()).text, spent.text)
  assert.equal((await hold()).text, held.text)
})

test('a replay is the first answer whatever has become since of members, their companies and the settings', async () => {
  const [mover, leaver, gone] = [await house.member(company.id), await house.member(company.id), await walletOf(100)]
  const changer = await house.member(company.id)
  const elsewhere = await house.company()
  const stranger = await house.member(elsewhere.id)
  for (const { walletId } of [company, mover, changer]) await house.charge(walletId, 100)
  const lenient = await house.secondApi({ movesAcrossCompanies: true })
  const requests = [
    [`/v1/wallets/${mover.walletId}/spends`, { amount: 1 }],
    [`/v1/wallets/${mover.walletId}/spends`, { amount: 1_000 }],
    [`/v1/wallets/${mover.walletId}/holds`, { amount: 1 }],
    [`/v1/wallets/${changer.walletId}/spends`, { amount: 1 }],
    [`/v1/wallets/${changer.walletId}/holds`, { amount: 1 }],
    [`/v1/wallets/${company.walletId}/spends`, { amount: 1, memberId: leaver.id }],
    [`/v1/wallets/${company.walletId}/holds`, { amount: 1, memberId: leaver.id }],
    [`/v1/wallets/${mover.walletId}/moves`, { amount: 1, toWalletId: stranger.walletId }],
    [`/v1/wallets/${gone}/charges`, { amount: 1, class: 'paid' }],
    [`/v1/wallets/${gone}/spends`, { amount: 1 }],
    [`/v1/wallets/${gone}/spends`, { amount: 1, merchantId: company.id }],
    [`/v1/wallets/${gone}/moves`, { amount: 1, toWalletId: stranger.walletId }],
  ] as const
  const keys = requests.map(newKey)
  const sendAll = (api: Pick<typeof lenient, 'post'>) =>
    Promise.all(requests.map(([path, body], at) => api.post(path, body, { ...keys[at], 'x-request-id': 'same' })))
  const first = await sendAll(lenient)
  assert.deepEqual(
    first.map(({ status }) => status),
    [201, 409, 201, 201, 201, 201, 201, 201, 201, 201, 201, 201],
  )
  const wallet = (id: string) => fromPublicId('wlt', id)
  const { ownerSql } = house
  const setCompany = 'update identity.member set company_id = $2 where wallet_id = $1'
  await ownerSql.run(setCompany, [wallet(mover.walletId), null])
  await ownerSql.run(setCompany, [wallet(changer.walletId), fromPublicId('cmp', elsewhere.id)])
  await ownerSql.run('delete from companies.membership where member_id = $1', [fromPublicId('mem', leaver.id)])
  await ownerSql.run('delete from identity.member where wallet_id = $1', [wallet(gone)])
  const strict = await house.secondApi({ movesAcrossCompanies: false })
  const replays = await sendAll(strict)
  assert.deepEqual(
    replays.map(({ text }) => text),
    first.map(({ text }) => text),
  )
  assert.ok(replays.every(({ headers }) => headers['idempotent-replayed'] === 'true'))
  // Under new keys the facts of today count.
  const today = await Promise.all(requests.map(([path, body]) => strict.post(path, body)))
  assert.deepEqual(
    today.map(({ status }) => status),
    [400, 400, 400, 201, 201, 400, 400, 409, 404, 404, 404, 404],
  )
})

test('a refusal is replayed with the request that asks now as its instance, whatever has changed since', async () => {
  const walletId = await walletOf(10)
  const key = newKey()
  const spend = (id: string) =>
    house.post(`/v1/wallets/${walletId}/spends`, { amount: 11 }, { ...key, 'x-request-id': id })
  const first = await spend('the-first')
  await house.charge(walletId, 1_000)
  const replay = await spend('the-second')
  assert.deepEqual(replay.body, { ...first.body, instance: 'the-second' })
  assert.deepEqual([first.status, replay.status, first.body.instance], [409, 409, 'the-first'])
  assert.deepEqual([first.headers['idempotent-replayed'], replay.headers['idempotent-replayed']], [undefined, 'true'])
  assert.equal((await house.wallet(walletId)).balance, 1_010)
})

test('422 for the same key with another request: another amount, wallet or action', async () => {
  const [walletId, otherId] = [await walletOf(100), await walletOf(100)]
  const key = newKey()
  await house.post(`/v1/wallets/${walletId}/spends`, { amount: 10 }, key)
  for (const [path, amount] of [
    [`/v1/wallets/${walletId}/spends`, 11],
    [`/v1/wallets/${otherId}/spends`, 10],
    [`/v1/wallets/${walletId}/holds`, 10],
  ] as const) {
    const { status, body } = await house.post(path, { amount }, key)
    assert.deepEqual([status, body.type], [422, '/problems/idempotency/key-reused'])
  }
  assert.equal((await house.wallet(walletId)).available, 90)
  assert.equal((await house.wallet(otherId)).available, 100)
})

test('the order of fields, white space, the form of a number and quotes around the key do not count', async () => {
  const walletId = await walletOf(10_000)
  const key = newId()
  const path = `/v1/wallets/${walletId}/spends`
  const sent = [
    [`{"amount":1000,"reason":"Tea","metadata":{"a":{"x":1,"y":2},"b":2}}`, key],
    [`{ "metadata" : {"b":2,\n"a":{"y":2,"x":1}}, "reason":"Tea", "amount":1000 }`, key],
    [`{"amount":1e3,"reason":"Tea","metadata":{"a":{"x":1.0,"y":2},"b":2}}`, key],
    [`{"amount":1000,"reason":"\\u0054ea","metadata":{"a":{"x":1,"y":2},"b":2}}`, `"${key}"`],
  ] as const
  const answers: string[] = []
  for (const [body, given] of sent) answers.push((await house.post(path, body, { 'idempotency-key': given })).text)
  assert.deepEqual(answers, Array(4).fill(answers[0]))
  assert.equal((await house.wallet(walletId)).balance, 9_000)
})

test('the server makes a key where there is none, and two such requests are two', async () => {
  const walletId = await walletOf(10)
  const answers = [1, 2].map(() => house.post(`/v1/wallets/${walletId}/spends`, { amount: 1 }))
  const keys = (await Promise.all(answers)).map(({ headers }) => headers['idempotency-key'])
  assert.match(String(keys[0]), /^[\x21-\x7e]{1,255}$/)
  assert.notEqual(keys[0], keys[1])
  assert.equal((await house.wallet(walletId)).balance, 8)
  const replay = await house.post(
    `/v1/wallets/${walletId}/spends`,
    { amount: 1 },
    { 'idempotency-key': String(keys[0]) },
  )
  assert.equal(replay.headers['idempotent-replayed'], 'true')
})

test('400 for a key that is empty, too long or not of visible ASCII', async () => {
  const walletId = await walletOf(10)
  for (const key of ['', '""', 'a b', 'x'.repeat(256), 'clé']) {
    const { status } = await house.post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, { 'idempotency-key': key })
    assert.equal(status, 400, key)
  }
  const longest = { 'idempotency-key': 'x'.repeat(255) }
  assert.equal((await house.post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, longest)).status, 201)
})

test('what failed before a decision is not kept: the same key may be sent again once it is mended', async () => {
  const walletId = await walletOf(10)
  const path = `/v1/wallets/${walletId}/spends`
  const unknown = `cmp_${newId().replaceAll('-', '')}`
  for (const wrong of [{ amount: 0 }, { amount: 1, merchantId: unknown }, { amount: 1, memberId: unknown }]) {
    const key = newKey()
    assert.ok([400, 404].includes((await house.post(path, wrong, key)).status))
    const mended = await house.post(path, { amount: 1 }, key)
    assert.deepEqual([mended.status, mended.headers['idempotent-replayed']], [201, undefined])
  }
})

test('duplicates that arrive at once get one answer, and one effect', async () => {
  const walletId = await walletOf(100)
  const key = newKey()
  const spend = () => house.post(`/v1/wallets/${walletId}/spends`, { amount: 10 }, key)
  const answers = await Promise.all(Array.from({ length: 20 }, spend))
  assert.deepEqual(new Set(answers.map(({ text }) => text)).size, 1)
  assert.equal(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined).length, 1)
  assert.equal((await house.wallet(walletId)).balance, 90)
})
