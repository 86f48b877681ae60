import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId, toPublicId } from '#platform/ids'
import { type Answer, type Caller, openApiHouse } from '#test/api-house'

const house = await openApiHouse({ after })
const company = await house.company()
const other = await house.company()
const scopes = ['read', 'points', 'points:issue-paid']
const ours = house.as(await house.apiKey(company.id, { scopes }))
const theirs = house.as(await house.apiKey(other.id, { scopes }))

const memberWithPoints = async (points = 1_000) => {
  const { walletId } = await house.member(company.id)
  if (points > 0) assert.equal((await house.charge(walletId, points)).status, 201)
  return walletId
}
const keyWith = async (scope: string) => house.as(await house.apiKey(company.id, { scopes: [scope] }))
const spend = (caller: Caller, walletId: string, more: object = {}) =>
  caller.post(`/v1/wallets/${walletId}/spends`, { amount: 100, ...more })

test("a company's key charges, spends, holds and moves in the wallets of its members and its own, and in nobody else's", async () => {
  const [wallet, friend] = [await memberWithPoints(0), await memberWithPoints(0)]
  const requests = [
    [`/v1/wallets/${wallet}/charges`, { amount: 500, class: 'paid' }],
    [`/v1/wallets/${wallet}/charges`, { amount: 500, class: 'bonus' }],
    [`/v1/wallets/${company.walletId}/charges`, { amount: 500, class: 'bonus' }],
    [`/v1/wallets/${company.walletId}/spends`, { amount: 100 }],
    [`/v1/wallets/${wallet}/spends`, { amount: 100 }],
    [`/v1/wallets/${wallet}/holds`, { amount: 100 }],
    [`/v1/wallets/${wallet}/moves`, { amount: 100, toWalletId: friend }],
  ] as const
  for (const [path, body] of requests) {
    const refused = await theirs.post(path, body)
    assert.deepEqual([refused.status, refused.body.type], [404, '/problems/ledger/wallet-unknown'], path)
    assert.equal((await ours.post(path, body)).status, 201, path)
  }
  for (const path of ['', '/lots', '/transfers']) {
    assert.equal((await theirs.get(`/v1/wallets/${wallet}${path}`)).status, 404)
    assert.equal((await ours.get(`/v1/wallets/${wallet}${path}`)).status, 200)
  }
  assert.equal((await ours.get(`/v1/wallets/${wallet}`)).body.balance, 800)
})

test('a key issues paid points only with the scope for it, bonus points only with the other', async () => {
  const wallet = await memberWithPoints(0)
  const charge = async (scope: string, kind: string) => {
    const { status, body } = await (await keyWith(scope)).post(`/v1/wallets/${wallet}/charges`, {
      amount: 1,
      class: kind,
    })
    return status === 403 ? body.detail : status
  }
  assert.equal(await charge('points', 'bonus'), 201)
  assert.equal(await charge('points:issue-paid', 'paid'), 201)
  assert.match(await charge('points', 'paid'), /points:issue-paid/)
  assert.match(await charge('points:issue-paid', 'bonus'), /\bpoints\b/)
  assert.match(await charge('read', 'bonus'), /points/)
})

test('a charge is taken back by who may make it: paid points take the scope for them, bonus points the other', async () => {
  const other = house.as(await house.apiKey((await house.company()).id, { scopes }))
  const cancel = async (kind: string, by: Caller) => {
    const { body } = await house.charge(await memberWithPoints(0), 1, { class: kind })
    const answer = await by.post(`/v1/transfers/${body.id}/cancellation`)
    const item = { kind: 'cancel', transferId: body.id }
    const { results } = (await by.post('/v1/transfers/batch', { transfers: [item] })).body
    // What the single call did, the item finds done.
    assert.equal(results[0].status, answer.status === 201 ? 409 : answer.status)
    return answer.status === 403 ? answer.body.detail : answer.status
  }
  const [points, issuing] = [await keyWith('points'), await keyWith('points:issue-paid')]
  assert.match(await cancel('paid', points), /points:issue-paid/)
  assert.match(await cancel('bonus', issuing), /\bpoints\b/)
  assert.deepEqual([await cancel('bonus', points), await cancel('paid', issuing)], [201, 201])
  assert.deepEqual([await cancel('bonus', other), await cancel('paid', other)], [404, 404])
  const admin = await house.person()
  assert.equal((await house.put(`/v1/members/${admin.id}/role`, { role: 'ADMIN' })).status, 200)
  assert.match(await cancel('paid', admin), /x-podo-access/)
  assert.deepEqual([await cancel('bonus', admin), await cancel('paid', house)], [201, 201])
})

test('the key of the merchant refunds what was spent there, also by members of another company; that of the payer never does', async () => {
  const wallet = await memberWithPoints()
  const { body: spent } = await spend(ours, wallet, { merchantId: other.id })
  const refunds = `/v1/transfers/${spent.id}/refunds`
  const byPayer = await ours.post(refunds)
  assert.deepEqual([byPayer.status, byPayer.body.type], [403, '/problems/http/forbidden'])
  const stranger = house.as(await house.apiKey((await house.company()).id))
  assert.equal((await stranger.post(refunds)).status, 404)
  assert.equal((await theirs.post(refunds)).status, 201)
})

test('the merchant posts a hold, whoever made it voids it too, and a stranger knows nothing of it', async () => {
  const wallet = await memberWithPoints()
  const hold = async () =>
    (await ours.post(`/v1/wallets/${wallet}/holds`, { amount: 100, merchantId: other.id })).body.id
  const [first, second, third] = [await hold(), await hold(), await hold()]
  const stranger = house.as(await house.apiKey((await house.company()).id, { scopes }))
  for (const what of ['post', 'void']) assert.equal((await stranger.post(`/v1/holds/${first}/${what}`)).status, 404)
  assert.equal((await stranger.get(`/v1/holds/${first}`)).status, 404)
  assert.equal((await ours.post(`/v1/holds/${first}/post`)).status, 403)
  assert.equal((await theirs.post(`/v1/holds/${first}/post`)).status, 200)
  assert.equal((await theirs.post(`/v1/holds/${second}/void`)).status, 200)
  assert.equal((await ours.post(`/v1/holds/${third}/void`)).status, 200)
})

test('a transfer is visible to both its sides; the merchant sees neither the lots nor the balance', async () => {
  const wallet = await memberWithPoints()
  const { body: spent } = await spend(ours, wallet, { merchantId: other.id })
  const [own, merchant] = [await ours.get(`/v1/transfers/${spent.id}`), await theirs.get(`/v1/transfers/${spent.id}`)]
  assert.deepEqual([own.body.balanceAfter, own.body.lots.length], [900, 1])
  const { amount, balanceAfter, lots, seq } = merchant.body
  assert.deepEqual([amount, balanceAfter, lots, seq], [100, null, [], null])
  const refunded = await theirs.post(`/v1/transfers/${spent.id}/refunds`)
  assert.deepEqual([refunded.body.amount, refunded.body.balanceAfter, refunded.body.lots], [100, null, []])
})

test('idempotency keys are the company’s: with a second API key they are the same, those of another company are others', async () => {
  const [wallet, foreign] = [await memberWithPoints(), (await house.member(other.id)).walletId]
  await house.charge(foreign, 1_000)
  const headers = { 'idempotency-key': 'same-for-all' }
  const send = (caller: Caller, walletId: string) =>
    caller.post(`/v1/wallets/${walletId}/spends`, { amount: 100 }, headers)
  const first = await send(ours, wallet)
  const second = await send(house.as(await house.apiKey(company.id)), wallet)
  assert.deepEqual([second.text, second.headers['idempotent-replayed']], [first.text, 'true'])
  assert.equal((await send(theirs, foreign)).headers['idempotent-replayed'], undefined)
})

/** What is told of something, whatever it is: all but the request, and the ids that were asked for. */
const toldOf = async (answer: Promise<Answer>) => {
  const { status, body } = await answer
  return [status, { ...body, instance: null }]
}

test('what is somebody else’s is answered as what is not there, whatever is asked of it', async () => {
  const { id: memberId, walletId } = await house.member(company.id)
  await house.charge(walletId, 1_000)
  const { body: spent } = await spend(ours, walletId)
  const { body: hold } = await ours.post(`/v1/wallets/${walletId}/holds`, { amount: 1 })
  const { id: merchantId } = await house.company()
  const person = await house.person()
  const nothing = { wlt: toPublicId('wlt', newId()), trf: toPublicId('trf', newId()), hld: toPublicId('hld', newId()) }
  const paying = [{}, { memberId }, { merchantId }, { merchantId: toPublicId('cmp', newId()) }, { amount: 1_001 }]
  const own = (await house.member(other.id)).walletId
  const paths: readonly (readonly [keyof typeof nothing, string, string, readonly object[]])[] = [
    ['wlt', walletId, '/v1/wallets/:id/spends', [...paying, { paymentCode: '7K3M-Q9XD-V2PH-R5TN' }]],
    ['wlt', walletId, '/v1/wallets/:id/holds', [...paying, { paymentCode: '7K3M-Q9XD-V2PH-R5TN' }]],
    ['wlt', walletId, '/v1/wallets/:id/moves', [walletId, own, nothing.wlt].map((toWalletId) => ({ toWalletId }))],
    ['wlt', walletId, '/v1/wallets/:id/charges', ['paid', 'bonus'].map((kind) => ({ class: kind, reason: 'A gift' }))],
    ['wlt', walletId, '/v1/wallets/:id/charges', [{ class: 'bonus', expiresAt: '2020-01-01T00:00:00Z', reason: 'No' }]],
    ['trf', spent.id, '/v1/transfers/:id/refunds', [{}, { amount: 1_001 }]],
    ['hld', hold.id, '/v1/holds/:id/post', [{}, { amount: 1_001 }]],
  ]
  for (const [kind, id, path, bodies] of paths) {
    for (const by of [theirs, person]) {
      for (const more of bodies) {
        const ask = (it: string) => toldOf(by.post(path.replace(':id', it), { amount: 1, ...more }))
        assert.deepEqual(await ask(id), await ask(nothing[kind]), `${path} ${JSON.stringify(more)}`)
      }
    }
  }
  const plain = [
    ['trf', spent.id, '/v1/transfers/:id/cancellation'],
    ['hld', hold.id, '/v1/holds/:id/void'],
  ] as const
  const reads = [
    ['wlt', walletId, '/v1/wallets/:id'],
    ['wlt', walletId, '/v1/wallets/:id/lots?cursor=nonsense'],
    ['wlt', walletId, '/v1/wallets/:id/lots?open=true'],
    ['wlt', walletId, '/v1/wallets/:id/transfers?kind=hold'],
    ['trf', spent.id, '/v1/transfers/:id'],
    ['hld', hold.id, '/v1/holds/:id'],
  ] as const
  for (const by of [theirs, person]) {
    for (const [kind, id, path] of plain) {
      const ask = (it: string) => toldOf(by.post(path.replace(':id', it)))
      assert.deepEqual(await ask(id), await ask(nothing[kind]), path)
    }
    for (const [kind, id, path] of reads) {
      const ask = (it: string) => toldOf(by.get(path.replace(':id', it)))
      assert.deepEqual(await ask(id), await ask(nothing[kind]), path)
    }
  }
})

test('points that may not be moved to a wallet are refused as if it were not there, but to who sees it', async () => {
  const person = await house.person()
  await house.charge(person.walletId, 1_000)
  const [wallet, foreign] = [await memberWithPoints(), await house.member(other.id)]
  const nowhere = toPublicId('wlt', newId())
  const askers = [
    [ours, wallet],
    [ours, company.walletId],
    [person, person.walletId],
  ] as const
  for (const [by, from] of askers) {
    for (const amount of [1, 1_001]) {
      const move = (toWalletId: string) => toldOf(by.post(`/v1/wallets/${from}/moves`, { toWalletId, amount }))
      const unknown = await move(nowhere)
      assert.deepEqual([unknown[0], await move(foreign.walletId), await move(other.walletId)], [404, unknown, unknown])
      const items = [nowhere, other.walletId].map((toWalletId) => ({
        kind: 'move',
        walletId: from,
        toWalletId,
        amount,
      }))
      const { results } = (await by.post('/v1/transfers/batch', { transfers: items })).body
      const [first, second] = results.map(({ problem }: Answer['body']) => ({ ...problem, instance: null }))
      assert.deepEqual(first, second)
    }
  }
  assert.equal((await house.put(`/v1/companies/${other.id}/members/${person.id}/role`, { role: 'STAFF' })).status, 200)
  const move = { toWalletId: other.walletId, amount: 1 }
  const { status, body } = await person.post(`/v1/wallets/${person.walletId}/moves`, move)
  assert.deepEqual([status, body.type], [409, '/problems/points/move-across-companies'])
})

test('each item of a batch is admitted for itself', async () => {
  const [wallet, foreign] = [await memberWithPoints(), (await house.member(other.id)).walletId]
  const batch = { transfers: [wallet, foreign].map((walletId) => ({ kind: 'spend', walletId, amount: 10 })) }
  const { body } = await ours.post('/v1/transfers/batch', batch)
  assert.deepEqual(
    body.results.map(({ status }: { status: number }) => status),
    [201, 404],
  )
})
