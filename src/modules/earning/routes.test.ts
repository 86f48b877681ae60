import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Body } from '#test/api-house'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const rules = '/v1/earning-rules'
const done = async (path: string, body: object, status = 201): Promise<Body> => {
  const answer = await house.post(path, body)
  assert.equal(answer.status, status, answer.text)
  return answer.body
}
const wrongAt = (answer: { body: Body }) => answer.body.errors?.map(({ pointer }: Body) => pointer)
/** A company with a rule of its own, and a member. */
async function shop(terms: object) {
  const company = await house.company()
  const rule = await done(rules, { companyId: company.id, ...terms })
  const member = await house.member(company.id)
  const path = `/v1/companies/${company.id}/earnings`
  return { company, rule, member, path }
}
/** Rules of the programme that count for nothing else here. */
const later = { from: '2999-01-01T00:00:00Z' }
let receipts = 0
const purchase = (memberId: string, amount: number) => ({ memberId, amount, reference: `receipt-${++receipts}` })

test('a change makes a new version of a rule, the old ones stay readable, and a change of nothing makes none', async () => {
  const made = await done(rules, { rateBasisPoints: 100, minimum: 1_000, from: '2999-01-01T00:00:00+09:00' })
  assert.deepEqual(made, {
    ...made,
    ...{ companyId: null, version: 1, rateBasisPoints: 100, minimum: 1_000, capPerDay: null, expiresInDays: null },
    ...{ from: '2998-12-31T15:00:00.000Z', until: null, since: made.createdAt },
  })
  const path = `${rules}/${made.id}`
  const changed = await house.patch(path, { rateBasisPoints: 250, minimum: null, capPerDay: 500 })
  assert.equal(changed.status, 200, changed.text)
  assert.equal(changed.headers.etag, '"2"')
  assert.equal((await house.patch(path, { capPerDay: 500, from: made.from })).body.version, 2)
  const present = await house.get(path)
  assert.equal(present.headers.etag, '"2"')
  assert.deepEqual(present.body, changed.body)
  assert.deepEqual((await house.get(`${path}/versions`)).body.items, [changed.body, made])
  const first = await house.get(`${path}/versions?limit=1`)
  const rest = await house.get(`${path}/versions?cursor=${first.body.nextCursor}`)
  assert.deepEqual(rest.body, { items: [made], nextCursor: null })
  const acts = (await house.get(`/v1/ops/audit?target=${made.id}`)).body.items
  assert.deepEqual(
    acts.map(({ action, before, after }: Body) => [action, before?.rateBasisPoints, after.rateBasisPoints]),
    [
      ['changeEarningRule', 100, 250],
      ['createEarningRule', undefined, 100],
    ],
  )
})

test('412 for a change of a version of a rule that is not the newest, and nothing is changed', async () => {
  const { id } = await done(rules, { rateBasisPoints: 100, ...later })
  const change = (tag: string, rateBasisPoints: number) =>
    house.patch(`${rules}/${id}`, { rateBasisPoints }, { 'if-match': tag })
  assert.equal((await change('"1"', 200)).status, 200)
  assert.equal((await change('"1"', 300)).status, 412)
  assert.equal((await house.get(`${rules}/${id}`)).body.rateBasisPoints, 200)
  const raced = await Promise.all([change('"2"', 300), change('"2"', 400)])
  assert.deepEqual(raced.map(({ status }) => status).toSorted(), [200, 412])
})

test('400 for terms that cannot be, each with its pointer', async () => {
  const company = await house.company()
  const wrong = [
    [{ rateBasisPoints: 0 }, '/rateBasisPoints'],
    [{ rateBasisPoints: 10_001 }, '/rateBasisPoints'],
    [{ rateBasisPoints: 1.5 }, '/rateBasisPoints'],
    [{ minimum: 0 }, '/minimum'],
    [{ capPerDay: -1 }, '/capPerDay'],
    [{ expiresInDays: 36_501 }, '/expiresInDays'],
    [{ from: 'tomorrow' }, '/from'],
    [{ from: '2999-01-02T00:00:00Z', until: '2999-01-02T00:00:00Z' }, '/until'],
    [{ companyId: 'mem_1' }, '/companyId'],
  ] as const
  for (const [terms, pointer] of wrong) {
    const answer = await house.post(rules, { companyId: company.id, rateBasisPoints: 100, ...terms })
    assert.deepEqual([answer.status, wrongAt(answer)], [400, [pointer]], answer.text)
  }
  const { rule } = await shop({ rateBasisPoints: 100, from: '2999-01-02T00:00:00Z' })
  assert.equal((await house.patch(`${rules}/${rule.id}`, { until: '2999-01-01T00:00:00Z' })).status, 400)
})

test('a company makes, sees and changes its own rules only, and everybody sees the programme’s', async () => {
  const { company, rule } = await shop({ rateBasisPoints: 100 })
  const { rule: elses, company: other } = await shop({ rateBasisPoints: 100 })
  const programmes = await done(rules, { rateBasisPoints: 1, ...later })
  const key = house.as(await house.apiKey(company.id, { scopes: ['read', 'points'] }))
  const owner = await house.person()
  await house.put(`/v1/companies/${company.id}/members/${owner.id}/role`, { role: 'OWNER' })
  for (const own of [key, owner]) {
    const change = { rateBasisPoints: 7 }
    assert.equal((await own.post(rules, { companyId: company.id, ...change })).status, 201)
    assert.deepEqual(wrongAt(await own.post(rules, change)), ['/companyId'])
    assert.equal((await own.post(rules, { companyId: other.id, ...change })).status, 404)
    assert.equal((await own.patch(`${rules}/${rule.id}`, change)).status, 200)
    assert.equal((await own.patch(`${rules}/${elses.id}`, change)).status, 404)
    assert.equal((await own.patch(`${rules}/${programmes.id}`, change)).status, 403)
    assert.equal((await own.get(`${rules}/${programmes.id}`)).status, 200)
    const listed = (await own.get(`${rules}?limit=100&companyId=${company.id}`)).body.items
    assert.ok(listed.some(({ id }: Body) => id === rule.id))
    assert.deepEqual((await own.get(`${rules}?companyId=${other.id}`)).body.items, [])
  }
  const seen = async (by: typeof key) =>
    (await by.get(`${rules}?limit=100`)).body.items.map((it: Body) => it.companyId ?? 'programme')
  assert.deepEqual([...new Set(await seen(key))].toSorted(), [company.id, 'programme'].toSorted())
  assert.deepEqual([...new Set(await seen(await house.person()))], ['programme'])
  assert.ok(new Set(await seen(house)).size >= 3)
})

test('a purchase that was paid elsewhere earns at once, and its grant names it', async () => {
  const { company, rule, member, path } = await shop({ rateBasisPoints: 250, minimum: 1_000 })
  const body = purchase(member.id, 1_999)
  const earning = await done(path, body)
  assert.deepEqual(earning, {
    ...earning,
    ...{ companyId: company.id, walletId: member.walletId, memberId: member.id, spendId: null, amount: 1_999 },
    ...{ reference: body.reference, refunded: 0, earned: 49, takenBack: 0, rule: { id: rule.id, version: 1 } },
  })
  const [grant] = (await house.get(`/v1/wallets/${member.walletId}/transfers`)).body.items
  assert.partialDeepStrictEqual(grant, { id: earning.transferId, kind: 'grant', amount: 49, reference: body.reference })
  assert.deepEqual((await house.get(path)).body.items, [earning])
  const small = await done(path, purchase(member.id, 999))
  assert.deepEqual([small.earned, small.transferId], [0, null])
})

test('409 for a reference that has earned before, with which, by whatever key, also when both come at once', async () => {
  const { member, path } = await shop({ rateBasisPoints: 1_000 })
  const body = purchase(member.id, 1_000)
  const answers = await Promise.all(Array.from({ length: 8 }, () => house.post(path, body)))
  const [made, ...others] = answers.toSorted((one, other) => one.status - other.status)
  assert.equal(made!.status, 201)
  for (const { status, body } of others) {
    assert.deepEqual([status, body.type], [409, '/problems/earning/reference-used'])
    assert.equal(body.earningId, made!.body.id)
  }
  const again = await house.post(path, body, { 'idempotency-key': String(made!.headers['idempotency-key']) })
  assert.deepEqual([again.text, again.headers['idempotent-replayed']], [made!.text, 'true'])
  assert.equal((await house.wallet(member.walletId)).balance, 100)
})

test('409 where no rule is in force, and 400 for somebody who is no member of the company', async () => {
  const { member, path } = await shop({ rateBasisPoints: 100, until: '2000-01-01T00:00:00Z' })
  const answer = await house.post(path, purchase(member.id, 1_000))
  assert.deepEqual([answer.status, answer.body.type], [409, '/problems/earning/no-rule'])
  const stranger = await house.person()
  for (const id of [stranger.id, `mem_${'0'.repeat(32)}`, 'mem_1'])
    assert.deepEqual(wrongAt(await house.post(path, purchase(id, 1_000))), ['/memberId'])
})

test('no more than the cap of a day is earned, however many purchases come at once from two processes', async () => {
  const { member, path } = await shop({ rateBasisPoints: 1_000, capPerDay: 550 })
  const second = await house.secondApi()
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, at) => (at % 2 ? second : house).post(path, purchase(member.id, 1_000))),
  )
  const earned = answers.map(({ body }) => body.earned).toSorted((one, other) => one - other)
  assert.deepEqual(earned, [0, 0, 0, 0, 50, 100, 100, 100, 100, 100])
  assert.equal((await house.wallet(member.walletId)).balance, 550)
})

test('what a purchase earned is taken back as it is paid back, in parts or whole, as far as it is left', async () => {
  const { member, path } = await shop({ rateBasisPoints: 1_000 })
  const { id } = await done(path, purchase(member.id, 1_009))
  const part = await done(`${path}/${id}/refunds`, { amount: 509 })
  assert.partialDeepStrictEqual(part, { id, refunded: 509, earned: 100, takenBack: 50 })
  await house.spend(member.walletId, 30)
  const whole = await done(`${path}/${id}/refunds`, {})
  assert.partialDeepStrictEqual(whole, { refunded: 1_009, earned: 100, takenBack: 70 })
  assert.equal((await house.wallet(member.walletId)).balance, 0)
})

test('409 for paying back more than was paid, also when several come at once', async () => {
  const { member, path } = await shop({ rateBasisPoints: 1_000 })
  const { id } = await done(path, purchase(member.id, 1_000))
  const racing = await Promise.all([400, 400, 400].map((amount) => house.post(`${path}/${id}/refunds`, { amount })))
  const refused = racing.filter(({ status }) => status === 409)
  assert.equal(refused.length, 1)
  assert.equal(refused[0]!.body.type, '/problems/earning/refund-too-large')
  assert.equal(refused[0]!.body.refundable, 200)
  assert.equal((await house.wallet(member.walletId)).balance, 20)
})

test('another company’s earnings are unknown, and so is a company that there is not', async () => {
  const { member, path } = await shop({ rateBasisPoints: 1_000 })
  const { path: elsewhere } = await shop({ rateBasisPoints: 1_000 })
  const { id } = await done(path, purchase(member.id, 1_000))
  assert.equal((await house.post(`${elsewhere}/${id}/refunds`, {})).status, 404)
  assert.equal((await house.get(`/v1/companies/cmp_${'0'.repeat(32)}/earnings`)).status, 404)
})

test('whatever has fallen due in the wallet, more than a batch books, is booked before points come in', async () => {
  const { member, path } = await shop({ rateBasisPoints: 1_000 })
  const { body } = await house.post('/v1/sandbox/clock', { advanceSeconds: 1 })
  const expiresAt = new Date(Date.parse(body.now) + 3_600_000).toISOString()
  const charge = { kind: 'charge', walletId: member.walletId, amount: 1, class: 'bonus', expiresAt }
  assert.equal((await house.post('/v1/transfers/batch', { transfers: Array(1_000).fill(charge) })).status, 200)
  await house.advance(3_600)
  assert.equal((await done(path, purchase(member.id, 1_000))).earned, 100)
  assert.equal((await house.wallet(member.walletId)).balance, 100)
})
