import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Event, outbox } from '#platform/events/events'
import { openLocalDelivery } from '#platform/events/local'
import { numberEvents } from '#platform/events/numbering'
import { toPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { until } from '#test/harness'
import { openPointsHouse } from '#test/points-house'
import { journal } from './events.ts'

const house = await openPointsHouse({ after })
const sources = [outbox, journal]
const types = ['charged', 'granted', 'spent', 'refunded', 'cancelled', 'moved', 'received', 'held', 'posted', 'voided']

/** Everything that is told of wallets while `act` goes on, delivered. */
async function hear(act: () => Promise<unknown>): Promise<Event[]> {
  const heard: Event[] = []
  const delivery = openLocalDelivery({
    reads: house.database,
    withWork: house.withWork,
    sources,
    subscriber: {
      name: 'listener',
      types: types.map((type) => `points.${type}`),
      async handle(_work, events) {
        heard.push(...events)
      },
    },
    patience: { attemptsMax: 1, delayMs: () => 0 },
    onFailure: ({ error }) => assert.fail(String(error)),
  })
  await delivery.next()
  await act()
  await until('all is numbered', async () => {
    await house.withWork(system, (work) => numberEvents(work, { sources }))
    const [row] = await house.ownerSql.rows<{ left: number }>(
      'select count(*) as left from ledger.transfer t, platform.event_mark m where t.position >= m.position',
    )
    return row!.left === 0
  })
  while (await delivery.next());
  return heard
}

test('each line of a wallet’s statement is told as an event, in its order, whatever moves the points', async () => {
  const company = await house.company()
  const [one, two] = [await house.member(company.id), await house.member(company.id)]
  const heard = await hear(async () => {
    await house.charge(one.walletId, 1_000)
    const spent = await house.spend(one.walletId, 300)
    assert.equal((await house.post(`/v1/transfers/${spent.id}/refunds`, { amount: 100 })).status, 201)
    assert.equal(
      (await house.post(`/v1/wallets/${one.walletId}/moves`, { toWalletId: two.walletId, amount: 50 })).status,
      201,
    )
    const held = await house.hold(one.walletId, 200)
    assert.equal((await house.post(`/v1/holds/${held.id}/post`, { amount: 120 })).status, 200)
    const other = await house.hold(one.walletId, 10)
    assert.equal((await house.post(`/v1/holds/${other.id}/void`, {})).status, 200)
  })
  for (const { walletId } of [one, two]) {
    const { items } = (await house.get(`/v1/wallets/${walletId}/transfers`)).body
    const own = heard.filter(({ key }) => toPublicId('wlt', key) === walletId)
    assert.deepEqual(
      own.map(({ data }) => data),
      items.toReversed(),
    )
  }
  assert.deepEqual(
    heard.filter(({ key }) => toPublicId('wlt', key) === two.walletId).map(({ type }) => type),
    ['points.received'],
  )
  assert.equal(new Set(heard.map(({ id }) => id)).size, heard.length)
})
