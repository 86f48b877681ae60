import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { applyTransfers, openAccounts } from '#modules/ledger'
import type { Event } from '#platform/events/events'
import { fromPublicId, newId, toPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { until } from '#test/harness'
import { commandOf } from '#test/ledger-operations'
import { openPointsHouse } from '#test/points-house'
import { findHearers, pointsEvents } from './events.ts'

const heard: Event[] = []
const kinds = Object.values(pointsEvents)
const house = await openPointsHouse(
  { after },
  {
    withBackground: true,
    moreSubscribers: [
      {
        name: 'listener',
        types: kinds.map(({ type }) => type),
        async handle(_work, events) {
          heard.push(...events)
        },
      },
    ],
  },
)
const settings = { spendOrder: 'bonus-first', refundGraceDays: 30 } as const

// A subscriber that is new hears what happens from now on.
await until('the listener listens', async () => {
  const rows = await house.ownerSql.rows(`select from platform.subscription where name = 'listener'`)
  return rows.length > 0
})

test('each line of a wallet’s statement is told as an event, in its order, whatever moves the points', async () => {
  const company = await house.company()
  const [one, two] = [await house.member(company.id), await house.member(company.id)]
  const done = async (path: string, body: object, status = 201) => {
    const answer = await house.post(path, body)
    assert.equal(answer.status, status, answer.text)
    return answer.body
  }
  await house.charge(one.walletId, 1_000)
  const spent = await house.spend(one.walletId, 300)
  await done(`/v1/transfers/${spent.id}/refunds`, { amount: 100 })
  await done(`/v1/wallets/${one.walletId}/moves`, { toWalletId: two.walletId, amount: 50 })
  const held = await house.hold(one.walletId, 200)
  await done(`/v1/holds/${held.id}/post`, { amount: 120 }, 200)
  await done(`/v1/holds/${(await house.hold(one.walletId, 10)).id}/void`, {}, 200)
  const wrong = await house.charge(one.walletId, 5)
  await done(`/v1/transfers/${wrong.id}/cancellation`, {})

  const bonus = { amount: 70, class: 'bonus', expiresAt: new Date(Date.now() + 3_600_000).toISOString() }
  await done(`/v1/wallets/${one.walletId}/charges`, bonus)

  // What no route does yet: the ledger can.
  const walletId = fromPublicId('wlt', one.walletId)!
  const potId = newId()
  const lotId = await findPaidLot(one.walletId)
  await house.withWork(system, async (work) => {
    await openAccounts(work, [{ id: potId, kind: 'pot', ownerType: 'test', ownerId: newId() }])
    const commands = [
      { kind: 'grant', walletId, class: 'bonus', amount: 7, expiresAt: null, paymentId: null },
      { kind: 'adjust', accountId: walletId, class: 'paid', amount: -1 },
      { kind: 'move', walletId, toWalletId: potId, amount: 30 },
      { kind: 'reward', potId, walletId, amount: 20, expiresAt: null },
      { kind: 'payout', from: { lotId: fromPublicId('lot', lotId)! }, amount: 10 },
    ] as const
    const outcomes = await applyTransfers(work, {
      commands: commands.map((each) => commandOf(each)),
      settings,
      wait: true,
    })
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      commands.map(() => 'done'),
    )
  })
  await house.post('/v1/sandbox/clock', { advanceSeconds: 32 * 86_400 })
  assert.equal((await house.get(`/v1/wallets/${one.walletId}/transfers`)).status, 200)

  const wallets = await Promise.all(
    [one, two].map(async ({ walletId: id }) => {
      const { items } = (await house.get(`/v1/wallets/${id}/transfers?limit=100`)).body
      return { id, items }
    }),
  )
  const ofWallet = (id: string) => heard.filter(({ key }) => toPublicId('wlt', key) === id)
  await until('all was heard', () => wallets.every(({ id, items }) => ofWallet(id).length >= items.length))
  for (const { id, items } of wallets) {
    assert.deepEqual(
      ofWallet(id).map(({ data }) => data),
      items.toReversed(),
    )
  }
  assert.equal(new Set(heard.map(({ id }) => id)).size, heard.length)
  assert.deepEqual(
    [...new Set(heard.map(({ type }) => type))].toSorted(),
    kinds.map(({ type }) => type).toSorted(),
    'every type was told, and checked against its schema',
  )
})

test('an event is told to the company of its wallet as it stands, and to its merchant from the other side', async () => {
  const [home, shop] = [await house.company(), await house.company()]
  const [ours, alone] = [await house.member(home.id), await house.person()]
  const tell = async (walletId: string, more: object) => {
    const line = { merchantId: null, seq: 3, balanceAfter: 70, lots: [{ amount: 30 }], amount: -30, ...more }
    const [hearers] = await findHearers(house.database, [{ key: fromPublicId('wlt', walletId)!, data: line }])
    return hearers?.map(({ companyId, data }) => [toPublicId('cmp', companyId), data])
  }
  const whole = { seq: 3, balanceAfter: 70, lots: [{ amount: 30 }], amount: -30 }
  const veiled = { seq: null, balanceAfter: null, lots: [], amount: -30 }
  const [atHome, atShop] = [{ merchantId: home.id }, { merchantId: shop.id }]
  assert.deepEqual(await tell(ours.walletId, atShop), [
    [home.id, { ...whole, ...atShop }],
    [shop.id, { ...veiled, ...atShop }],
  ])
  assert.deepEqual(await tell(ours.walletId, atHome), [[home.id, { ...whole, ...atHome }]])
  assert.deepEqual(await tell(home.walletId, {}), [[home.id, { ...whole, merchantId: null }]])
  assert.deepEqual(await tell(alone.walletId, atShop), [[shop.id, { ...veiled, ...atShop }]])
  assert.deepEqual(await tell(alone.walletId, {}), [])
  assert.deepEqual(await findHearers(house.database, [{ key: newId(), data: {} }]), [null])
})

async function findPaidLot(walletId: string): Promise<string> {
  const { items } = (await house.get(`/v1/wallets/${walletId}/lots?open=true`)).body
  return items.find((lot: { class: string; remaining: number }) => lot.class === 'paid' && lot.remaining > 50).id
}
