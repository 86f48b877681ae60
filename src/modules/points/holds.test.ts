import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId, toPublicId } from '#platform/ids'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const company = await house.company()

async function walletOf(amount: number): Promise<string> {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, amount)
  return walletId
}

test('201 for a hold: its points stay in the balance and cannot be spent', async () => {
  const walletId = await walletOf(100)
  const { status, body } = await house.post(`/v1/wallets/${walletId}/holds`, { amount: 60, reason: 'A table for two' })
  assert.equal(status, 201)
  const [lot] = (await house.get(`/v1/wallets/${walletId}/lots`)).body.items
  const [line] = (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
  assert.deepEqual(body, {
    id: body.id,
    walletId,
    merchantId: company.id,
    status: 'pending',
    amount: 60,
    postedAmount: 0,
    createdAt: line!.createdAt,
    expiresAt: body.expiresAt,
    memberId: null,
    reason: 'A table for two',
    reference: null,
    metadata: null,
    postTransferId: null,
    lots: [{ lotId: lot!.id, class: 'paid', amount: 60, expiresAt: null }],
  })
  assert.match(body.id, /^hld_[0-9a-f]{32}$/)
  const { balance, available, held } = await house.wallet(walletId)
  assert.deepEqual([balance, available, held], [100, 40, 60])
  assert.deepEqual([lot!.amount, lot!.remaining, lot!.held], [100, 100, 60])
  const refused = await house.post(`/v1/wallets/${walletId}/spends`, { amount: 41 })
  assert.deepEqual([refused.status, refused.body.available], [409, 40])
  assert.deepEqual((await house.get(`/v1/holds/${body.id}`)).body, body)
})

test('a hold lasts ten minutes where it does not say how long', async () => {
  const walletId = await walletOf(10)
  const hold = await house.hold(walletId, 1)
  assert.equal(Date.parse(hold.expiresAt) - Date.parse(hold.createdAt), 600_000)
})

test('409 for a hold of more than can be spent', async () => {
  const walletId = await walletOf(10)
  const { status, body } = await house.post(`/v1/wallets/${walletId}/holds`, { amount: 11 })
  assert.deepEqual([status, body.type], [409, '/problems/ledger/insufficient-points'])
})

test('400 for a hold that lasts no second, longer than thirty days, or no whole number of seconds', async () => {
  const walletId = await walletOf(10)
  for (const expiresInSeconds of [0, -1, 2_592_001, 1.5, '600']) {
    const { status, body } = await house.post(`/v1/wallets/${walletId}/holds`, { amount: 1, expiresInSeconds })
    assert.deepEqual([status, body.errors[0]!.pointer], [400, '/expiresInSeconds'])
  }
})

test('200 for a post without an amount: the whole hold is spent, by a transfer that it names', async () => {
  const walletId = await walletOf(100)
  const hold = await house.hold(walletId, 60)
  const { status, body } = await house.post(`/v1/holds/${hold.id}/post`)
  assert.equal(status, 200)
  const { postTransferId } = body
  assert.deepEqual(body, { ...hold, status: 'posted', postedAmount: 60, postTransferId })
  assert.deepEqual((await house.get(`/v1/holds/${hold.id}`)).body, body)
  const { balance, available, held } = await house.wallet(walletId)
  assert.deepEqual([balance, available, held], [40, 40, 0])
  const [line] = (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
  assert.deepEqual([line!.kind, line!.amount, line!.heldChange, line!.balanceAfter], ['post', -60, -60, 40])
  assert.deepEqual([line!.merchantId, line!.id], [company.id, postTransferId])
})

test('what a partial post leaves is released', async () => {
  const walletId = await walletOf(100)
  const hold = await house.hold(walletId, 60)
  const { status, body } = await house.post(`/v1/holds/${hold.id}/post`, { amount: 25 })
  assert.deepEqual([status, body.amount, body.postedAmount], [200, 60, 25])
  const { balance, available, held } = await house.wallet(walletId)
  assert.deepEqual([balance, available, held], [75, 75, 0])
})

test('409 for posting more than is held, and the hold stays', async () => {
  const hold = await house.hold(await walletOf(100), 60)
  const { status, body } = await house.post(`/v1/holds/${hold.id}/post`, { amount: 61 })
  assert.deepEqual([status, body.type], [409, '/problems/ledger/post-too-large'])
  assert.equal((await house.get(`/v1/holds/${hold.id}`)).body.status, 'pending')
})

test('200 for a void: everything is released, and a row of the statement says so', async () => {
  const walletId = await walletOf(100)
  const hold = await house.hold(walletId, 60)
  const { status, body } = await house.post(`/v1/holds/${hold.id}/void`, {})
  assert.deepEqual([status, body], [200, { ...hold, status: 'voided' }])
  assert.equal((await house.wallet(walletId)).available, 100)
  const [line] = (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
  assert.deepEqual([line!.kind, line!.amount, line!.heldChange, line!.balanceAfter], ['void', 0, -60, 100])
})

test('409 for whatever is done to a hold that has ended', async () => {
  for (const end of ['post', 'void']) {
    const hold = await house.hold(await walletOf(100), 60)
    await house.post(`/v1/holds/${hold.id}/${end}`)
    for (const again of ['post', 'void']) {
      const { status, body } = await house.post(`/v1/holds/${hold.id}/${again}`)
      assert.deepEqual([status, body.type], [409, '/problems/ledger/hold-not-pending'])
      assert.equal(body.holdStatus, end === 'post' ? 'posted' : 'voided')
    }
  }
})

test('a hold past its expiry counts as released, and cannot be posted', async () => {
  const walletId = await walletOf(100)
  const hold = await house.hold(walletId, 60, { expiresInSeconds: 60 })
  await house.advance(61)
  assert.equal((await house.get(`/v1/holds/${hold.id}`)).body.status, 'expired')
  assert.equal((await house.wallet(walletId)).available, 100)
  const { status, body } = await house.post(`/v1/holds/${hold.id}/post`)
  assert.deepEqual([status, body.holdStatus], [409, 'expired'])
})

test('the post of a hold is refunded to the very lots, as a spend is', async () => {
  const walletId = await walletOf(100)
  const hold = await house.hold(walletId, 60)
  await house.post(`/v1/holds/${hold.id}/post`)
  const [post] = (await house.get(`/v1/wallets/${walletId}/transfers?kind=post`)).body.items
  const { status, body } = await house.post(`/v1/transfers/${post!.id}/refunds`, { amount: 10 })
  assert.deepEqual([status, body.reverses, body.lots[0]!.lotId], [201, post!.id, hold.lots[0]!.lotId])
  assert.equal(body.merchantId, company.id)
})

test('404 for holds that do not exist, malformed ids included', async () => {
  for (const id of [toPublicId('hld', newId()), company.walletId, 'nonsense', '%00', '5']) {
    for (const answer of [
      await house.get(`/v1/holds/${id}`),
      await house.post(`/v1/holds/${id}/post`),
      await house.post(`/v1/holds/${id}/void`),
    ]) {
      assert.deepEqual([answer.status, answer.body.type], [404, '/problems/ledger/hold-unknown'])
    }
  }
})
