import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openAccounts } from '#modules/ledger'
import { encodeCursor } from '#platform/cursor'
import { fromPublicId, newId, toPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { type Body, operatorKey } from '#test/api-house'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const company = await house.company()

async function pagesOf(path: string, limit: number): Promise<Body[]> {
  const items: Body[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { status, body } = await house.get(`${path}?limit=${limit}${cursor && `&cursor=${cursor}`}`)
    assert.equal(status, 200)
    assert.ok(body.items.length > 0 && body.items.length <= limit)
    items.push(...body.items)
    cursor = body.nextCursor as string | null
  }
  return items
}

test('200 for a wallet: what is in it by class, and whose it is', async () => {
  const member = await house.member(company.id)
  await house.charge(member.walletId, 100)
  await house.charge(member.walletId, 30, { class: 'bonus' })
  await house.hold(member.walletId, 50)
  const { status, body } = await house.get(`/v1/wallets/${member.walletId}`)
  assert.equal(status, 200)
  assert.deepEqual(body, {
    id: member.walletId,
    owner: { type: 'member', id: member.id },
    balance: 130,
    available: 80,
    held: 50,
    byClass: { paid: 100, bonus: 30, prize: 0 },
    expiringSoon: [],
    unbooked: false,
  })
  assert.deepEqual((await house.wallet(company.walletId)).owner, { type: 'company', id: company.id })
})

test('a wallet shows what expires within thirty days, the soonest first', async () => {
  const { walletId } = await house.member(company.id)
  const days = async (count: number) => {
    const text = `select platform.programme_time() + $1 * interval '1 day' as at`
    return (await house.ownerSql.rows<{ at: Date }>(text, [count]))[0]!.at.toISOString()
  }
  const [soon, later, far] = [await days(3), await days(29), await days(31)]
  await house.charge(walletId, 2, { expiresAt: later })
  await house.charge(walletId, 1, { expiresAt: soon, class: 'bonus' })
  await house.charge(walletId, 3, { expiresAt: far })
  assert.deepEqual((await house.wallet(walletId)).expiringSoon, [
    { amount: 1, class: 'bonus', expiresAt: soon },
    { amount: 2, class: 'paid', expiresAt: later },
  ])
})

test('404 for wallets that do not exist, malformed ids, pots and the accounts of merchants included', async () => {
  const merchant = `wlt_${company.id.slice(4)}`
  const potId = newId()
  const pot = { id: potId, kind: 'pot', ownerType: 'challenge', ownerId: newId() } as const
  await house.withWork(system, (work) => openAccounts(work, [pot]))
  const pots = toPublicId('wlt', potId)
  for (const id of [toPublicId('wlt', newId()), company.id, merchant, pots, 'nonsense', '💧', 'x'.repeat(400)]) {
    for (const list of ['', '/lots', '/transfers']) {
      const { status, body } = await house.get(`/v1/wallets/${encodeURIComponent(id)}${list}`)
      assert.deepEqual([status, body.type], [404, '/problems/ledger/wallet-unknown'])
    }
    for (const action of ['charges', 'spends', 'holds']) {
      const charge = { amount: 1, ...(action === 'charges' ? { class: 'paid' } : {}) }
      const { status } = await house.post(`/v1/wallets/${encodeURIComponent(id)}/${action}`, charge)
      assert.equal(status, 404)
    }
  }
})

test('lots come newest first and page by page, and only those with something left where that is asked', async () => {
  const { walletId } = await house.member(company.id)
  const charges: Body[] = []
  for (let amount = 1; amount <= 5; amount += 1) charges.unshift(await house.charge(walletId, amount))
  await house.spend(walletId, 3)
  const ids = charges.map((charge) => charge.lots[0]!.lotId)
  const lots = await pagesOf(`/v1/wallets/${walletId}/lots`, 2)
  assert.deepEqual(
    lots.map((lot: Body) => lot.id),
    ids,
  )
  assert.deepEqual(
    lots.map((lot) => lot.remaining),
    [5, 4, 3, 0, 0],
  )
  const open = await house.get(`/v1/wallets/${walletId}/lots?open=true`)
  assert.deepEqual(
    open.body.items.map((lot: Body) => lot.id),
    ids.slice(0, 3),
  )
  assert.equal((await house.get(`/v1/wallets/${walletId}/lots?open=false`)).body.items.length, 5)
})

test('the statement is an unbroken chain, newest first, also over what one batch did', async () => {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 1_000)
  const spends = Array.from({ length: 20 }, () => ({ kind: 'spend', walletId, amount: 7 }))
  await house.post('/v1/transfers/batch', { transfers: spends })
  const hold = await house.hold(walletId, 100)
  await house.post(`/v1/holds/${hold.id}/post`, { amount: 30 })
  const lines = await pagesOf(`/v1/wallets/${walletId}/transfers`, 7)
  assert.equal(lines.length, 23)
  lines.forEach((line, at) => {
    const before = lines[at + 1]
    assert.equal(line.balanceAfter, (before?.balanceAfter ?? 0) + line.amount)
    assert.equal(line.seq, lines.length - at)
  })
  assert.equal(lines[0]!.balanceAfter, (await house.wallet(walletId)).balance)
  assert.equal(
    lines.reduce((sum, line) => sum + line.heldChange, 0),
    0,
  )
})

test('a line of the statement has every field, and amounts of its lots are positive', async () => {
  const member = await house.member(company.id)
  const charge = await house.charge(member.walletId, 10)
  const notes = { reason: 'Tea', reference: 'till-4', metadata: { cups: 2 } }
  const spend = await house.spend(member.walletId, 4, { ...notes, memberId: member.id })
  const [line] = (await house.get(`/v1/wallets/${member.walletId}/transfers`)).body.items
  assert.deepEqual(line, {
    id: spend.id,
    kind: 'spend',
    amount: -4,
    heldChange: 0,
    balanceAfter: 6,
    walletId: member.walletId,
    toWalletId: null,
    merchantId: company.id,
    holdId: null,
    memberId: member.id,
    actor: { type: 'operator', id: null },
    seq: 2,
    ...notes,
    createdAt: spend.createdAt,
    reverses: null,
    lots: [{ lotId: charge.lots[0]!.lotId, class: 'paid', amount: 4, expiresAt: null }],
  })
})

test('the statement is cut by kind, by instants (to exclusive) and by days of the programme (both inclusive)', async () => {
  const { walletId } = await house.member(company.id)
  const charge = await house.charge(walletId, 10)
  await house.advance(1)
  const spend = await house.spend(walletId, 4)
  const at = async (query: object) => {
    const text = new URLSearchParams(query as Record<string, string>).toString()
    const { body } = await house.get(`/v1/wallets/${walletId}/transfers?${text}`)
    return body.items.map((line: Body) => line.id)
  }
  assert.deepEqual(await at({ kind: 'charge' }), [charge.id])
  assert.deepEqual(await at({ kind: 'refund' }), [])
  assert.deepEqual(await at({ from: spend.createdAt }), [spend.id])
  assert.deepEqual(await at({ from: charge.createdAt, to: spend.createdAt }), [charge.id])
  const dayInSeoul = (instant: string, days: number) =>
    Temporal.Instant.from(instant).toZonedDateTimeISO('Asia/Seoul').toPlainDate().add({ days }).toString()
  const today = dayInSeoul(charge.createdAt, 0)
  assert.deepEqual(await at({ from: today, to: dayInSeoul(spend.createdAt, 0) }), [spend.id, charge.id])
  assert.deepEqual(await at({ to: dayInSeoul(charge.createdAt, -1) }), [])
  assert.deepEqual(await at({ from: dayInSeoul(spend.createdAt, 1) }), [])
})

test('400 for a query that is not of the list, each with its pointer', async () => {
  const walletId = fromPublicId('wlt', company.walletId)
  const wrong = [
    ['lots', 'limit=0', '/limit'],
    ['lots', 'limit=101', '/limit'],
    ['lots', 'limit=ten', '/limit'],
    ['lots', 'open=maybe', '/open'],
    ['lots', 'page=2', '/page'],
    ['lots', 'cursor=made-up', '/cursor'],
    ['transfers', 'kind=theft', '/kind'],
    ['transfers', 'from=2026-02-30', '/from'],
    ['transfers', 'to=yesterday', '/to'],
    ['transfers', 'cursor=', '/cursor'],
    ['lots', `cursor=${encodeCursor(`lots of ${walletId}`, '[')}`, '/cursor'],
    ['transfers', `cursor=${encodeCursor(`statement of ${walletId}, [null,null,null]`, '1e9')}`, '/cursor'],
  ] as const
  for (const [list, query, pointer] of wrong) {
    const { status, body } = await house.get(`/v1/wallets/${company.walletId}/${list}?${query}`)
    assert.deepEqual([status, body.errors?.[0]?.pointer], [400, pointer], query)
  }
})

test('400 for a cursor of another list, or of the same list of another wallet', async () => {
  const [one, other] = [await house.member(company.id), await house.member(company.id)]
  for (const { walletId } of [one, other]) for (const amount of [1, 2]) await house.charge(walletId, amount)
  const { nextCursor } = (await house.get(`/v1/wallets/${one.walletId}/lots?limit=1`)).body
  for (const path of [`${one.walletId}/transfers`, `${other.walletId}/lots`]) {
    const { status, body } = await house.get(`/v1/wallets/${path}?cursor=${nextCursor}`)
    assert.deepEqual([status, body.errors[0]!.pointer], [400, '/cursor'])
  }
  assert.equal((await house.get(`/v1/wallets/${one.walletId}/lots?cursor=${nextCursor}`)).body.items.length, 1)
})

test('400 for a cursor of the same list with other filters', async () => {
  const { walletId } = await house.member(company.id)
  for (const amount of [1, 2]) await house.charge(walletId, amount)
  const list = `/v1/wallets/${walletId}/transfers?limit=1`
  const { nextCursor } = (await house.get(`${list}&kind=charge`)).body
  for (const query of ['', '&kind=spend', '&kind=charge&from=2026-01-01']) {
    const { status, body } = await house.get(`${list}${query}&cursor=${nextCursor}`)
    assert.deepEqual([status, body.errors?.[0]?.pointer], [400, '/cursor'], query)
  }
  assert.equal((await house.get(`${list}&kind=charge&cursor=${nextCursor}`)).body.items.length, 1)
})

test('the first and the last day of the calendar bound a statement', async () => {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 1, { expiresAt: '9999-12-31T23:59:59Z' })
  for (const [from, to] of [
    ['0001-01-01', '9999-12-31'],
    ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
  ]) {
    const { status, body } = await house.get(`/v1/wallets/${walletId}/transfers?from=${from}&to=${to}`)
    assert.deepEqual([status, body.items?.length], [200, 1])
  }
  const { items } = (await house.get(`/v1/wallets/${walletId}/lots`)).body
  assert.equal(items[0].expiresAt, '9999-12-31T23:59:59.000Z')
})

test('200 for a transfer: as it was first answered, with what has been refunded since', async () => {
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 10)
  const spend = await house.spend(walletId, 10, { metadata: { b: 1, a: [true, null] } })
  assert.deepEqual((await house.get(`/v1/transfers/${spend.id}`)).body, spend)
  await house.post(`/v1/transfers/${spend.id}/refunds`, { amount: 3 })
  assert.deepEqual((await house.get(`/v1/transfers/${spend.id}`)).body, { ...spend, refundedAmount: 3 })
})

test('405 with the one method of a batch for every other', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
    const headers = { authorization: `Bearer ${operatorKey}` }
    const answer = await house.server.inject({ method, url: '/v1/transfers/batch', headers })
    assert.deepEqual([answer.statusCode, answer.headers.allow], [405, 'POST'], method)
  }
})
