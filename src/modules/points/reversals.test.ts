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

test('201 for a refund without an amount: all that is left goes back to the very lots, the last spent first', async () => {
  const { walletId } = await house.member(company.id)
  const paid = await house.charge(walletId, 70)
  const bonus = await house.charge(walletId, 30, { class: 'bonus' })
  const spend = await house.spend(walletId, 100)
  const { status, body } = await house.post(`/v1/transfers/${spend.id}/refunds`)
  assert.equal(status, 201)
  assert.deepEqual(
    [body.kind, body.amount, body.walletId, body.merchantId, body.reverses, body.balanceAfter],
    ['refund', 100, walletId, company.id, spend.id, 100],
  )
  assert.deepEqual(body.lots, [...(paid.lots as []), ...(bonus.lots as [])])
  assert.equal((await house.get(`/v1/transfers/${spend.id}`)).body.refundedAmount, 100)
  assert.equal(spend.refundedAmount, 0)
})

test('refunds go part by part, and 409 beyond what is left', async () => {
  const walletId = await walletOf(100)
  const spend = await house.spend(walletId, 100)
  const refund = (amount: number) => house.post(`/v1/transfers/${spend.id}/refunds`, { amount, reason: 'Sent back' })
  assert.deepEqual([(await refund(60)).status, (await refund(40)).body.balanceAfter], [201, 100])
  for (const amount of [1, 100]) {
    const { status, body } = await refund(amount)
    assert.deepEqual([status, body.type, body.refundable], [409, '/problems/ledger/refund-too-large', 0])
  }
  const nothing = await house.post(`/v1/transfers/${spend.id}/refunds`, {})
  assert.deepEqual([nothing.status, nothing.body.type], [409, '/problems/ledger/refund-too-large'])
  assert.equal((await house.wallet(walletId)).balance, 100)
})

test('409 for a refund of what is no spend', async () => {
  const walletId = await walletOf(100)
  const charge = await house.charge(walletId, 5)
  const spend = await house.spend(walletId, 5)
  const refund = await house.post(`/v1/transfers/${spend.id}/refunds`)
  for (const id of [charge.id, refund.body.id]) {
    const { status, body } = await house.post(`/v1/transfers/${id}/refunds`)
    assert.deepEqual([status, body.type], [409, '/problems/ledger/not-refundable'])
  }
})

test('a refund of points that have expired meanwhile opens a new lot that names the old one', async () => {
  const { walletId } = await house.member(company.id)
  const [{ soon }] = (await house.ownerSql.rows<{ soon: Date }>(
    `select platform.programme_time() + interval '1 hour' as soon`,
  )) as [{ soon: Date }]
  const charge = await house.charge(walletId, 10, { expiresAt: soon.toISOString() })
  const spend = await house.spend(walletId, 10)
  await house.advance(3_601)
  const { body } = await house.post(`/v1/transfers/${spend.id}/refunds`)
  const [lot] = (await house.get(`/v1/wallets/${walletId}/lots?open=true`)).body.items
  assert.equal(body.lots[0]!.lotId, lot!.id)
  assert.deepEqual(lot!.source, { transferId: body.id, lotId: charge.lots[0]!.lotId })
  assert.equal(Date.parse(lot!.expiresAt) - Date.parse(body.createdAt), 30 * 86_400_000)
})

test('without grace, a refund says how much of it expired at once, and so what the wallet has after it', async () => {
  const { walletId } = await house.member(company.id)
  const [{ soon }] = (await house.ownerSql.rows<{ soon: Date }>(
    `select platform.programme_time() + interval '1 hour' as soon`,
  )) as [{ soon: Date }]
  await house.charge(walletId, 10, { expiresAt: soon.toISOString() })
  await house.charge(walletId, 5)
  const spend = await house.spend(walletId, 15)
  await house.advance(3_601)
  const graceless = await house.secondApi({ refundGraceDays: 0 })
  const key = { 'idempotency-key': newId() }
  const refund = (amount: number) => graceless.post(`/v1/transfers/${spend.id}/refunds`, { amount }, key)
  const { status, text, body } = await refund(12)
  assert.deepEqual([status, body.amount, body.balanceAfter, body.forfeitedAmount], [201, 12, 12, 7])
  assert.equal((await house.wallet(walletId)).balance, 5)
  assert.equal((await house.get(`/v1/transfers/${body.id}`)).text, text)
  assert.equal((await refund(12)).text, text)
  const [expiry, line] = (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
  assert.deepEqual([expiry!.kind, expiry!.amount, expiry!.balanceAfter], ['expire', -7, 5])
  assert.deepEqual([line!.id, line!.balanceAfter], [body.id, 12])
  const reissued = await house.post(`/v1/transfers/${spend.id}/refunds`)
  assert.deepEqual([reissued.body.amount, reissued.body.balanceAfter, reissued.body.forfeitedAmount], [3, 8, 0])
  assert.equal((await house.get(`/v1/transfers/${expiry!.id}`)).body.forfeitedAmount, 0)
})

test('points that came back by grace have no other: spent again and refunded after it, they are forfeit', async () => {
  const [one, friend] = [await house.member(company.id), await house.member(company.id)]
  const [{ soon }] = (await house.ownerSql.rows<{ soon: Date }>(
    `select platform.programme_time() + interval '1 hour' as soon`,
  )) as [{ soon: Date }]
  await house.charge(one.walletId, 10, { class: 'bonus', expiresAt: soon.toISOString() })
  const spend = await house.spend(one.walletId, 10)
  await house.advance(3_601)
  await house.post(`/v1/transfers/${spend.id}/refunds`)
  const own = await house.spend(one.walletId, 4)
  const moved = await house.post(`/v1/wallets/${one.walletId}/moves`, { toWalletId: friend.walletId, amount: 6 })
  assert.equal(moved.status, 201)
  const given = await house.spend(friend.walletId, 6)
  const within = await house.post(`/v1/transfers/${own.id}/refunds`, { amount: 1 })
  assert.deepEqual([within.body.forfeitedAmount, within.body.lots[0]!.lotId], [0, own.lots[0]!.lotId])
  await house.advance(30 * 86_400)
  for (const [id, left] of [
    [own.id, 3],
    [given.id, 6],
  ]) {
    const { status, body } = await house.post(`/v1/transfers/${id}/refunds`)
    assert.deepEqual([status, body.amount, body.forfeitedAmount], [201, left, left])
  }
  for (const { walletId } of [one, friend]) assert.equal((await house.wallet(walletId)).balance, 0)
})

test('409 for a refund into a wallet that has no room for it', async () => {
  const walletId = await walletOf(10)
  const spend = await house.spend(walletId, 10)
  await house.charge(walletId, 9_007_199_254_740_991)
  const { status, body } = await house.post(`/v1/transfers/${spend.id}/refunds`)
  assert.deepEqual([status, body.type], [409, '/problems/ledger/balance-limit'])
})

test('201 for a cancellation: the charge is taken back while its lot is whole', async () => {
  const { walletId } = await house.member(company.id)
  const charge = await house.charge(walletId, 10)
  const { status, body } = await house.post(`/v1/transfers/${charge.id}/cancellation`, { reason: 'By mistake' })
  assert.equal(status, 201)
  assert.deepEqual(
    [body.kind, body.amount, body.walletId, body.reason, body.reverses, body.balanceAfter],
    ['cancel', 10, walletId, 'By mistake', charge.id, 0],
  )
  assert.deepEqual(body.lots, charge.lots)
  const again = await house.post(`/v1/transfers/${charge.id}/cancellation`)
  assert.deepEqual([again.status, again.body.type], [409, '/problems/ledger/already-cancelled'])
})

test('409 for cancelling a charge of which something is spent or held; whole again, it may be cancelled', async () => {
  const { walletId } = await house.member(company.id)
  const charge = await house.charge(walletId, 10)
  const cancel = () => house.post(`/v1/transfers/${charge.id}/cancellation`)
  const spend = await house.spend(walletId, 1)
  assert.deepEqual([(await cancel()).status, (await cancel()).body.type], [409, '/problems/ledger/lot-touched'])
  await house.post(`/v1/transfers/${spend.id}/refunds`)
  const hold = await house.hold(walletId, 1)
  const held = await cancel()
  assert.deepEqual([held.status, held.body.amount, held.body.free], [409, 10, 9])
  await house.post(`/v1/holds/${hold.id}/void`)
  assert.equal((await cancel()).status, 201)
})

test('409 for cancelling what is no charge', async () => {
  const spend = await house.spend(await walletOf(10), 10)
  const { status, body } = await house.post(`/v1/transfers/${spend.id}/cancellation`)
  assert.deepEqual([status, body.type], [409, '/problems/ledger/not-cancellable'])
})

test('404 for transfers that do not exist, malformed ids included', async () => {
  for (const id of [toPublicId('trf', newId()), company.walletId, 'nonsense', '%E0%A4', '..']) {
    const answers = [await house.get(`/v1/transfers/${id}`)]
    for (const action of ['refunds', 'cancellation']) answers.push(await house.post(`/v1/transfers/${id}/${action}`))
    for (const { status } of answers) assert.equal(status, 404)
  }
  const { body } = await house.get('/v1/transfers/nonsense')
  assert.equal(body.type, '/problems/ledger/transfer-unknown')
})
