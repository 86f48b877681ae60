import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiHouse, openApiHouse } from '#test/api-house'

/** What `look` sees through another process of the service while the database takes no writes. */
async function whileReadOnly(
  house: ApiHouse,
  look: (api: Awaited<ReturnType<ApiHouse['secondApi']>>) => Promise<void>,
) {
  const [{ name } = { name: '' }] = await house.ownerSql.rows<{ name: string }>('select current_database() as name')
  await house.ownerSql.run(`alter database ${name} set default_transaction_read_only = on`)
  await look(await house.secondApi())
  await house.ownerSql.run(`alter database ${name} reset default_transaction_read_only`)
}

test('503 and never 500 for whatever writes while the database is read-only; what is there is shown', async (t) => {
  const house = await openApiHouse(t)
  const walletId = await house.wallet('A member', 100)
  const held = await house.post(`/v1/wallets/${walletId}/holds`, { amount: 10 })
  await whileReadOnly(house, async (api) => {
    const writes = [
      await api.spend(walletId, 1),
      await api.charge(walletId, 1),
      await api.post(`/v1/holds/${held.body.id}/post`, {}),
      await api.post('/v1/companies', { name: 'Late', registrationNumber: '123-45-67891' }),
    ]
    for (const { status, headers, text } of writes) assert.deepEqual([status, headers['retry-after']], [503, '1'], text)
    const wallet = await api.get(`/v1/wallets/${walletId}`)
    assert.deepEqual([wallet.body.balance, wallet.body.unbooked], [100, false])
    const ready = await api.get('/health/ready')
    assert.deepEqual([ready.status, ready.body.durability], [200, 'none'])
    assert.match(ready.body.warnings.writes, /^The database takes no writes/)
  })
  assert.equal((await house.spend(walletId, 1)).status, 201)
})

test('while the database is read-only a wallet is shown without what has expired, and marked unbooked', async (t) => {
  const house = await openApiHouse(t)
  const walletId = await house.wallet('A member', 100)
  const [{ now } = { now: new Date() }] = await house.ownerSql.rows<{ now: Date }>(
    'select platform.programme_time() as now',
  )
  const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1_000).toISOString()
  await house.charge(walletId, 30, { class: 'bonus', expiresAt: inSeconds(1_000) })
  await house.charge(walletId, 40, { class: 'bonus', expiresAt: inSeconds(2_000) })
  // The first hold outlives the lot that it is on; the second runs out, on both.
  await house.post(`/v1/wallets/${walletId}/holds`, { amount: 20, expiresInSeconds: 10_000 })
  await house.post(`/v1/wallets/${walletId}/holds`, { amount: 25, expiresInSeconds: 500 })
  await house.advance(1_500)
  const shown = { balance: 160, available: 140, held: 20, byClass: { paid: 100, bonus: 60, prize: 0 } }
  await whileReadOnly(house, async (api) => {
    const { body } = await api.get(`/v1/wallets/${walletId}`)
    const { id, owner, expiringSoon, ...state } = body
    assert.deepEqual(state, { ...shown, unbooked: true })
    assert.deepEqual(
      expiringSoon.map((it: { amount: number }) => it.amount),
      [40],
    )
    assert.equal((await api.get(`/v1/wallets/${walletId}/lots`)).status, 200)
    assert.equal((await api.get(`/v1/wallets/${walletId}/transfers`)).body.items[0].kind, 'hold')
  })
  // Booked, it is the same.
  const { id, owner, expiringSoon, ...state } = (await house.get(`/v1/wallets/${walletId}`)).body
  assert.deepEqual(state, { ...shown, unbooked: false })
})
