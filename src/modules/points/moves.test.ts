import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId, toPublicId } from '#platform/ids'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const company = await house.company()

test('201 for a move: class, expiry and day of issue stay, and the new lot names the one it came from', async () => {
  const [giver, receiver] = [await house.member(company.id), await house.member(company.id)]
  const expiresAt = '2999-01-01T00:00:00.000Z'
  const charge = await house.charge(giver.walletId, 100, { class: 'bonus', expiresAt })
  const move = { toWalletId: receiver.walletId, amount: 40, reason: 'A gift' }
  const { status, body } = await house.post(`/v1/wallets/${giver.walletId}/moves`, move)
  assert.equal(status, 201)
  assert.deepEqual(
    [body.kind, body.amount, body.walletId, body.toWalletId, body.merchantId, body.reason, body.balanceAfter],
    ['move', 40, giver.walletId, receiver.walletId, null, 'A gift', 60],
  )
  assert.equal((await house.get(`/v1/transfers/${body.id}`)).text, JSON.stringify(body))
  assert.deepEqual(body.lots, [{ ...charge.lots[0], amount: 40 }])
  const [given] = (await house.get(`/v1/wallets/${giver.walletId}/lots`)).body.items
  const [received] = (await house.get(`/v1/wallets/${receiver.walletId}/lots`)).body.items
  assert.deepEqual(received, {
    id: received!.id,
    class: 'bonus',
    amount: 40,
    remaining: 40,
    held: 0,
    issuedAt: given!.issuedAt,
    expiresAt,
    source: { transferId: body.id, lotId: given!.id },
  })
  const [line] = (await house.get(`/v1/wallets/${receiver.walletId}/transfers`)).body.items
  assert.deepEqual([line!.id, line!.amount, line!.balanceAfter], [body.id, 40, 40])
  assert.equal(line!.lots[0]!.lotId, received!.id)
})

test('the statements of both sides tell who gave and who received', async () => {
  const [giver, receiver] = [await house.member(company.id), await house.member(company.id)]
  await house.charge(giver.walletId, 10)
  await house.post(`/v1/wallets/${giver.walletId}/moves`, { toWalletId: receiver.walletId, amount: 4 })
  for (const [{ walletId }, amount] of [[giver, -4] as const, [receiver, 4] as const]) {
    const [line] = (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
    assert.deepEqual([line!.amount, line!.walletId, line!.toWalletId], [amount, giver.walletId, receiver.walletId])
  }
  const [charge] = (await house.get(`/v1/wallets/${giver.walletId}/transfers?kind=charge`)).body.items
  assert.deepEqual([charge!.walletId, charge!.toWalletId], [giver.walletId, null])
})

test('400 for a move to oneself', async () => {
  const { walletId } = await house.member(company.id)
  const { status, body } = await house.post(`/v1/wallets/${walletId}/moves`, { toWalletId: walletId, amount: 1 })
  assert.deepEqual([status, body.type], [400, '/problems/ledger/same-wallet'])
})

test('409 for a move of more than there is, and one that the receiver has no room for', async () => {
  const [giver, receiver] = [await house.member(company.id), await house.member(company.id)]
  await house.charge(giver.walletId, 10)
  const move = (amount: number) =>
    house.post(`/v1/wallets/${giver.walletId}/moves`, { toWalletId: receiver.walletId, amount })
  const short = await move(11)
  assert.deepEqual([short.status, short.body.type], [409, '/problems/ledger/insufficient-points'])
  await house.charge(receiver.walletId, 9_007_199_254_740_991)
  const full = await move(1)
  assert.deepEqual([full.status, full.body.type], [409, '/problems/ledger/balance-limit'])
  assert.equal((await house.wallet(giver.walletId)).balance, 10)
})

test('404 for a move to or from a wallet that does not exist, 400 for an id that is not of a wallet', async () => {
  const { walletId } = await house.member(company.id)
  const nobody = toPublicId('wlt', newId())
  const to = await house.post(`/v1/wallets/${walletId}/moves`, { toWalletId: nobody, amount: 1 })
  assert.deepEqual([to.status, to.body.type], [404, '/problems/ledger/wallet-unknown'])
  const from = await house.post(`/v1/wallets/${nobody}/moves`, { toWalletId: walletId, amount: 1 })
  assert.equal(from.status, 404)
  const merchant = toPublicId('wlt', newId()).slice(0, 4) + company.id.slice(4)
  assert.equal((await house.post(`/v1/wallets/${walletId}/moves`, { toWalletId: merchant, amount: 1 })).status, 404)
  const wrong = await house.post(`/v1/wallets/${walletId}/moves`, { toWalletId: company.id, amount: 1 })
  assert.deepEqual([wrong.status, wrong.body.errors[0]!.pointer], [400, '/toWalletId'])
})

test('409 for a move to another company, for good under its key, unless the programme allows it', async () => {
  const other = await house.company()
  const [giver, receiver] = [await house.member(company.id), await house.member(other.id)]
  await house.charge(giver.walletId, 10)
  for (const toWalletId of [receiver.walletId, other.walletId]) {
    const { status, body } = await house.post(`/v1/wallets/${giver.walletId}/moves`, { toWalletId, amount: 1 })
    assert.deepEqual([status, body.type], [409, '/problems/points/move-across-companies'])
  }
  assert.equal((await house.wallet(giver.walletId)).balance, 10)
  const inside = { toWalletId: company.walletId, amount: 1 }
  assert.equal((await house.post(`/v1/wallets/${giver.walletId}/moves`, inside)).status, 201)
  const key = { 'idempotency-key': newId() }
  const across = { toWalletId: receiver.walletId, amount: 1 }
  const path = `/v1/wallets/${giver.walletId}/moves`
  const first = await house.post(path, across, key)
  const permissive = await house.secondApi({ movesAcrossCompanies: true })
  assert.equal((await permissive.post(path, across)).status, 201)
  for (const api of [house, permissive]) {
    const replay = await api.post(path, across, key)
    assert.deepEqual([replay.status, replay.headers['idempotent-replayed']], [409, 'true'])
    assert.deepEqual(replay.body, { ...first.body, instance: replay.body.instance })
  }
})
