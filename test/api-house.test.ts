import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApiHouse } from '#test/api-house'

test('a wallet can be spent to exactly zero', async (t) => {
  const house = await openApiHouse(t)
  const wallet = await house.wallet('payer', 1_000)
  const answer = await house.spend(wallet, 1_000)
  assert.equal(answer.status, 201)
  assert.equal((await house.get(`/v1/wallets/${wallet}`)).body.balance, 0)
})

test('what one process spends, another on the same database cannot spend again', async (t) => {
  const house = await openApiHouse(t)
  const wallet = await house.wallet('payer', 1_000)
  assert.equal((await house.spend(wallet, 1_000)).status, 201)
  const second = await house.secondApi()
  const refused = await second.spend(wallet, 1)
  assert.equal(refused.status, 409)
  assert.equal(refused.body.type, '/problems/ledger/insufficient-points')
})
