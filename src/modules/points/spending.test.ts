import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId, toPublicId } from '#platform/ids'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const company = await house.company()
const amountMax = 9_007_199_254_740_991

test('201 for a charge, with every field there and the lot that it opened', async () => {
  const { walletId } = await house.member(company.id)
  const expiresAt = '2999-01-01T00:00:00.000Z'
  const notes = { reason: 'Welcome', reference: 'order-1', metadata: { campaign: 'spring' } }
  const charge = { amount: 1_000, class: 'bonus', expiresAt, ...notes }
  const { status, body } = await house.post(`/v1/wallets/${walletId}/charges`, charge)
  assert.equal(status, 201)
  assert.match(body.id, /^trf_[0-9a-f]{32}$/)
  assert.match(body.lots[0]!.lotId, /^lot_[0-9a-f]{32}$/)
  assert.match(body.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(body, {
    id: body.id,
    kind: 'charge',
    amount: 1_000,
    walletId,
    toWalletId: null,
    merchantId: null,
    memberId: null,
    actor: { type: 'operator', id: null },
    seq: 1,
    ...notes,
    createdAt: body.createdAt,
    reverses: null,
    refundedAmount: 0,
    forfeitedAmount: 0,
    lots: [{ lotId: body.lots[0]!.lotId, class: 'bonus', amount: 1_000, expiresAt }],
    balanceAfter: 1_000,
  })
})

test('an expiry is taken in any offset and answered in UTC', async () => {
  const { walletId } = await house.member(company.id)
  const { lots } = await house.charge(walletId, 10, { expiresAt: '2999-01-01T08:30:00+09:00' })
  assert.equal(lots[0]!.expiresAt, '2998-12-31T23:30:00.000Z')
})

test('400 for a charge that has expired already, and nothing is left behind', async () => {
  const { walletId } = await house.member(company.id)
  const charge = { amount: 10, class: 'paid', expiresAt: '2020-01-01T00:00:00Z' }
  const { status, body } = await house.post(`/v1/wallets/${walletId}/charges`, charge)
  assert.deepEqual([status, body.type], [400, '/problems/ledger/expires-in-past'])
  assert.equal((await house.wallet(walletId)).balance, 0)
})

test('409 for a charge that would pass the bound of a wallet, which holds 2^53−1 points and no more', async () => {
  const { walletId } = await house.member(company.id)
  assert.equal((await house.charge(walletId, amountMax)).balanceAfter, amountMax)
  const { status, body } = await house.post(`/v1/wallets/${walletId}/charges`, { amount: 1, class: 'paid' })
  assert.deepEqual([status, body.type], [409, '/problems/ledger/balance-limit'])
  assert.equal((await house.wallet(walletId)).balance, amountMax)
})

test('201 for a spend: bonus before paid, at the company of the member, down to the last point', async () => {
  const { walletId } = await house.member(company.id)
  const paid = await house.charge(walletId, 700)
  const bonus = await house.charge(walletId, 300, { class: 'bonus' })
  const spend = await house.spend(walletId, 1_000, { reason: 'Lunch' })
  const { merchantId, memberId, reason, balanceAfter, lots } = spend
  assert.deepEqual([merchantId, memberId, reason, balanceAfter], [company.id, null, 'Lunch', 0])
  assert.deepEqual(lots, [...(bonus.lots as []), ...(paid.lots as [])])
  const { balance, available, byClass } = await house.wallet(walletId)
  assert.deepEqual(
    { balance, available, byClass },
    { balance: 0, available: 0, byClass: { paid: 0, bonus: 0, prize: 0 } },
  )
})

test('409 when the wallet cannot cover the amount, with what there is, and nothing is left behind', async () => {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 10)
  const { status, body } = await house.post(`/v1/wallets/${walletId}/spends`, { amount: 11 })
  assert.deepEqual([status, body.type], [409, '/problems/ledger/insufficient-points'])
  assert.deepEqual([body.available, body.required], [10, 11])
  assert.equal((await house.get(`/v1/wallets/${walletId}/transfers`)).body.items.length, 1)
})

test('points are spent at any company that is named', async () => {
  const other = await house.company()
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 10)
  assert.equal((await house.spend(walletId, 10, { merchantId: other.id })).merchantId, other.id)
})

test('404 for a merchant who does not exist, and 400 for an id that is not of a company', async () => {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 10)
  const spendAt = (merchantId: string) => house.post(`/v1/wallets/${walletId}/spends`, { amount: 1, merchantId })
  const unknown = await spendAt(toPublicId('cmp', newId()))
  assert.deepEqual([unknown.status, unknown.body.type], [404, '/problems/ledger/merchant-unknown'])
  for (const id of [walletId, 'cmp_1', '', `${company.id}0`, company.id.toUpperCase()]) {
    const { status, body } = await spendAt(id)
    assert.deepEqual([status, body.errors[0]!.pointer], [400, '/merchantId'])
  }
})

test('400 for a spend of a wallet whose owner has no company, unless it names a merchant', async () => {
  const { id, walletId } = await house.member(company.id)
  await house.ownerSql.run('update identity.member set company_id = null where id = $1::text::uuid', [id.slice(4)])
  await house.charge(walletId, 10)
  const { status, body } = await house.post(`/v1/wallets/${walletId}/spends`, { amount: 1 })
  assert.deepEqual([status, body.type], [400, '/problems/points/merchant-required'])
  assert.equal(body.errors[0]!.pointer, '/merchantId')
  assert.equal((await house.spend(walletId, 1, { merchantId: company.id })).merchantId, company.id)
})

test('a spend of a company’s wallet names the member of that company who spent', async () => {
  const { walletId, id: companyId } = await house.company()
  const member = await house.member(companyId)
  await house.charge(walletId, 10)
  assert.equal((await house.spend(walletId, 1, { memberId: member.id })).memberId, member.id)
  assert.equal((await house.spend(walletId, 1, { memberId: member.id })).memberId, member.id)
  assert.equal((await house.spend(walletId, 1)).memberId, null)
})

test('400 for a member of another company, one who does not exist, or another than whose wallet it is', async () => {
  const other = await house.company()
  const [stranger, member] = [await house.member(other.id), await house.member(company.id)]
  await house.charge(company.walletId, 10)
  await house.charge(member.walletId, 10)
  const wrong = [
    [company.walletId, stranger.id],
    [company.walletId, toPublicId('mem', newId())],
    [company.walletId, company.id],
    [member.walletId, stranger.id],
  ]
  for (const [walletId, memberId] of wrong) {
    for (const action of ['spends', 'holds']) {
      const { status, body } = await house.post(`/v1/wallets/${walletId}/${action}`, { amount: 1, memberId })
      assert.deepEqual([status, body.errors[0]!.pointer], [400, '/memberId'])
    }
  }
  assert.equal((await house.spend(member.walletId, 1, { memberId: member.id })).memberId, member.id)
})

test('points past their expiry cannot be spent from that instant, and no balance counts them', async () => {
  const { walletId } = await house.member(company.id)
  const [now] = await house.ownerSql.rows<{ soon: Date }>(
    `select platform.programme_time() + interval '1 hour' as soon`,
  )
  await house.charge(walletId, 10, { expiresAt: now!.soon.toISOString() })
  await house.charge(walletId, 5)
  assert.equal((await house.wallet(walletId)).expiringSoon[0]!.amount, 10)
  await house.advance(3_601)
  const { balance, available, expiringSoon } = await house.wallet(walletId)
  assert.deepEqual([balance, available, expiringSoon], [5, 5, []])
  const { status, body } = await house.post(`/v1/wallets/${walletId}/spends`, { amount: 6 })
  assert.deepEqual([status, body.available], [409, 5])
  const [newest] = (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
  assert.deepEqual([newest!.kind, newest!.amount, newest!.balanceAfter], ['expire', -10, 5])
  assert.deepEqual(newest!.actor, { type: 'system', id: null })
})
