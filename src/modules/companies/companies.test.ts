import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAccounts, findRolledBalance } from '#modules/ledger'
import { encodeCursor } from '#platform/cursor'
import { fromPublicId, newId, toPublicId } from '#platform/ids'
import { type ApiHouse, type Body, openApiHouse } from '#test/api-house'

const number = '123-45-67891'
const otherNumber = '220-81-62517'

function create(house: ApiHouse, more: object = {}, headers: Record<string, string> = {}) {
  return house.post('/v1/companies', { name: '포도 상회', registrationNumber: number, ...more }, headers)
}

const pointers = (answer: { body: { errors?: unknown } }) =>
  (answer.body.errors as { pointer: string }[]).map(({ pointer }) => pointer)

const nobody = { authorization: 'Bearer nobody' }

test('201 with every field of the company, and its wallet and merchant account are open', async (t) => {
  const house = await openApiHouse(t)
  const { status, body } = await create(house, { registrationNumber: '1234567891', feeRate: 0.025 })
  assert.equal(status, 201)
  assert.deepEqual(Object.keys(body), [
    'id',
    'name',
    'registrationNumber',
    'feeRate',
    'onOverload',
    'wallet',
    'createdAt',
  ])
  assert.equal(body.registrationNumber, number)
  assert.equal(body.feeRate, 0.025)
  assert.match(String(body.createdAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const companyId = fromPublicId('cmp', body.id!)!
  const [wallet] = await findAccounts(house.database, [fromPublicId('wlt', body.wallet!.id!)!])
  assert.deepEqual([wallet?.kind, wallet?.ownerType, wallet?.ownerId], ['wallet', 'company', companyId])
  assert.deepEqual(await findRolledBalance(house.database, companyId), { bonus: 0n, prize: 0n, paid: 0n })
  assert.deepEqual((await house.get(`/v1/companies/${body.id}`)).body, body)
})

test('400 names every field of a company that is wrong', async (t) => {
  const house = await openApiHouse(t)
  const answer = await house.post('/v1/companies', { registrationNumber: '123-45-67890', feeRate: 1.5, id: 'cmp_1' })
  assert.equal(answer.status, 400)
  assert.deepEqual(pointers(answer).toSorted(), ['/feeRate', '/id', '/name', '/registrationNumber'])
})

test('a fee rate has four decimals at most', async (t) => {
  const house = await openApiHouse(t)
  const wrong = await create(house, { feeRate: 0.1 + 0.2 })
  assert.deepEqual([wrong.status, pointers(wrong)], [400, ['/feeRate']])
  assert.equal((await create(house, { feeRate: 0.0003 })).body.feeRate, 0.0003)
})

test('names of companies may be Korean in either form, emoji or right to left, and are kept composed', async (t) => {
  const house = await openApiHouse(t)
  const composed = await create(house, { name: '포도'.normalize('NFD') })
  assert.equal(composed.body.name, '포도')
  const other = await create(house, { name: ' 🍇 مرحبا ', registrationNumber: otherNumber })
  assert.equal(other.body.name, '🍇 مرحبا')
})

test('400 for a name that is blank or invisible, of 10,000 characters or with control characters', async (t) => {
  const house = await openApiHouse(t)
  for (const name of [
    '',
    '   ',
    '가'.repeat(10_000),
    'a\u0007b',
    'a\nb',
    '\u200b',
    '\u3164',
    'a\u202eb',
    5,
    null,
    ['a'],
  ]) {
    const answer = await create(house, { name })
    assert.equal(answer.status, 400, String(name))
    assert.deepEqual(pointers(answer), ['/name'])
  }
})

test('409 when the registration number is taken, with hyphens or without, and nothing is left behind', async (t) => {
  const house = await openApiHouse(t)
  await create(house)
  const taken = await create(house, { registrationNumber: '1234567891', name: 'Another' })
  assert.equal(taken.status, 409)
  assert.equal(taken.body.type, '/problems/companies/registration-number-taken')
  assert.equal((await house.get('/v1/companies')).body.items!.length, 1)
  const [accounts] = await house.ownerSql.rows<{ n: number }>(
    "select count(*) as n from ledger.account where owner_type = 'company'",
  )
  assert.equal(accounts!.n, 2)
})

test('the same key makes one company, replays it to the byte, and 422 for another body', async (t) => {
  const house = await openApiHouse(t)
  const key = { 'idempotency-key': 'company-1' }
  const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => create(house, {}, key)))
  const texts = [first!, ...others].map(({ text }) => text)
  assert.equal(new Set(texts).size, 1, texts.join('\n'))
  assert.ok([first!, ...others].every(({ status }) => status === 201))
  const replayed = await create(house, {}, { 'idempotency-key': '"company-1"' })
  assert.equal(replayed.text, first!.text)
  assert.equal(replayed.headers['idempotent-replayed'], 'true')
  const reused = await create(house, { name: 'Another' }, key)
  assert.equal(reused.status, 422)
  assert.equal(reused.body.type, '/problems/idempotency/key-reused')
})

test('a replayed refusal carries the present request as its instance', async (t) => {
  const house = await openApiHouse(t)
  await create(house)
  const again = (id: string) => create(house, {}, { 'idempotency-key': 'second', 'x-request-id': id })
  assert.equal((await again('one')).body.instance, 'one')
  const replayed = await again('two')
  assert.deepEqual([replayed.status, replayed.body.instance], [409, 'two'])
  assert.equal(replayed.headers['idempotent-replayed'], 'true')
})

test('a replay is the first answer even when the company has changed or is gone', async (t) => {
  const house = await openApiHouse(t)
  const { body: company } = await create(house, {}, { 'idempotency-key': 'company' })
  const member = (key: string) =>
    house.post(`/v1/companies/${company.id}/members`, { nickname: 'Grape' }, { 'idempotency-key': key })
  const first = await member('member')
  await house.put(`/v1/companies/${company.id}/members/${first.body.id}/role`, { role: 'OWNER' })
  assert.equal((await member('member')).text, first.text)
  await house.ownerSql.run('delete from companies.membership', [])
  await house.ownerSql.run('delete from companies.company', [])
  assert.equal((await member('member')).text, first.text)
  assert.equal((await member('another')).status, 404)
  assert.deepEqual((await create(house, {}, { 'idempotency-key': 'company' })).body, company)
})

test('companies are listed newest first, page by page, stable under inserts', async (t) => {
  const house = await openApiHouse(t)
  const made = [await house.company(), await house.company(), await house.company()].map(({ id }) => id)
  const first = await house.get('/v1/companies?limit=2')
  assert.deepEqual(
    first.body.items!.map(({ id }: Body) => id),
    [made[2], made[1]],
  )
  await house.company()
  const second = await house.get(`/v1/companies?limit=2&cursor=${first.body.nextCursor}`)
  assert.deepEqual(
    second.body.items!.map(({ id }: Body) => id),
    [made[0]],
  )
  assert.equal(second.body.nextCursor, null)
})

test('400 for a limit out of range and for a cursor of another list or made up', async (t) => {
  const house = await openApiHouse(t)
  const { id } = await house.company()
  await house.company()
  const { nextCursor } = (await house.get('/v1/companies?limit=1')).body
  for (const query of ['limit=0', 'limit=101', 'limit=1.5', 'limit=ten', 'limit=1&limit=2']) {
    assert.deepEqual(pointers(await house.get(`/v1/companies?${query}`)), ['/limit'], query)
  }
  for (const url of [`/v1/companies/${id}/members?cursor=${nextCursor}`, '/v1/companies?cursor=made-up']) {
    const answer = await house.get(url)
    assert.equal(answer.status, 400)
    assert.deepEqual(pointers(answer), ['/cursor'])
  }
})

test('404 for companies and members that don’t exist, and for ids of another type or nonsense', async (t) => {
  const house = await openApiHouse(t)
  const { id } = await house.company()
  const member = await house.member(id)
  const ids = [toPublicId('cmp', newId()), member.id, 'nonsense', `${id}0`, id.toUpperCase(), "';--", '%00']
  for (const wrong of ids) {
    const role = { role: 'STAFF' }
    const answers = await Promise.all([
      house.get(`/v1/companies/${wrong}`),
      house.get(`/v1/companies/${wrong}/members`),
      house.post(`/v1/companies/${wrong}/members`, { nickname: 'x' }),
      house.put(`/v1/companies/${wrong}/members/${member.id}/role`, role),
      ...(wrong === member.id
        ? []
        : [house.get(`/v1/members/${wrong}`), house.put(`/v1/companies/${id}/members/${wrong}/role`, role)]),
    ])
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404]), wrong)
  }
})

test('201 with every field of the member, null where there is no value, and the wallet is open', async (t) => {
  const house = await openApiHouse(t)
  const company = await house.company()
  const { status, body } = await house.post(`/v1/companies/${company.id}/members`, { nickname: ' 송이 ' })
  assert.equal(status, 201)
  assert.deepEqual(body, {
    id: body.id,
    companyId: company.id,
    externalId: null,
    nickname: '송이',
    email: null,
    birthOn: null,
    bio: null,
    role: 'MEMBER',
    wallet: body.wallet,
    createdAt: body.createdAt,
  })
  const [wallet] = await findAccounts(house.database, [fromPublicId('wlt', body.wallet!.id!)!])
  assert.deepEqual([wallet?.kind, wallet?.ownerType], ['wallet', 'member'])
  assert.deepEqual((await house.get(`/v1/members/${body.id}`)).body, body)
})

test('400 names every field of a member that is wrong', async (t) => {
  const house = await openApiHouse(t)
  const { id } = await house.company()
  const body = { nickname: '가'.repeat(51), email: 'no address', externalId: '', role: 'OWNER', walletId: 'wlt_1' }
  const answer = await house.post(`/v1/companies/${id}/members`, body)
  assert.equal(answer.status, 400)
  assert.deepEqual(pointers(answer).toSorted(), ['/email', '/externalId', '/nickname', '/role', '/walletId'])
})

test('409 when the company has a member of that external id already; another company may use it', async (t) => {
  const house = await openApiHouse(t)
  const [one, two] = [await house.company(), await house.company()]
  const member = { nickname: 'x', externalId: 'customer-1' }
  assert.equal((await house.post(`/v1/companies/${one.id}/members`, member)).status, 201)
  const taken = await house.post(`/v1/companies/${one.id}/members`, member)
  assert.equal(taken.status, 409)
  assert.equal(taken.body.type, '/problems/identity/external-id-taken')
  assert.equal((await house.post(`/v1/companies/${two.id}/members`, member)).status, 201)
})

test('a company lists its own members, newest first', async (t) => {
  const house = await openApiHouse(t)
  const [one, two] = [await house.company(), await house.company()]
  const members = [await house.member(one.id), await house.member(one.id)]
  await house.member(two.id)
  const first = await house.get(`/v1/companies/${one.id}/members?limit=1`)
  assert.deepEqual(
    first.body.items!.map(({ id }: Body) => id),
    [members[1]!.id],
  )
  const second = await house.get(`/v1/companies/${one.id}/members?limit=1&cursor=${first.body.nextCursor}`)
  assert.deepEqual([second.body.items![0]!.id, second.body.nextCursor], [members[0]!.id, null])
})

test('200 with the role that was given, and it stays', async (t) => {
  const house = await openApiHouse(t)
  const { id } = await house.company()
  const member = await house.member(id)
  const changed = await house.put(`/v1/companies/${id}/members/${member.id}/role`, { role: 'OWNER' })
  assert.deepEqual([changed.status, changed.body.role], [200, 'OWNER'])
  assert.equal((await house.get(`/v1/members/${member.id}`)).body.role, 'OWNER')
})

test('400 for a role that is none, 404 for the member of another company', async (t) => {
  const house = await openApiHouse(t)
  const [one, two] = [await house.company(), await house.company()]
  const member = await house.member(one.id)
  const wrong = await house.put(`/v1/companies/${one.id}/members/${member.id}/role`, { role: 'owner' })
  assert.deepEqual([wrong.status, pointers(wrong)], [400, ['/role']])
  const foreign = await house.put(`/v1/companies/${two.id}/members/${member.id}/role`, { role: 'OWNER' })
  assert.equal(foreign.status, 404)
})

test('400 for a cursor that somebody made, whatever is in it', async (t) => {
  const house = await openApiHouse(t)
  const { id } = await house.company()
  for (const place of ['null', '[]', '{}', '{', '["x"]', '[1]', fromPublicId('cmp', id)!]) {
    for (const [path, list] of [
      ['/v1/companies', 'companies'],
      [`/v1/companies/${id}/members`, `members of ${fromPublicId('cmp', id)}`],
    ] as const) {
      const answer = await house.get(`${path}?cursor=${encodeCursor(list, place)}`)
      assert.deepEqual([answer.status, pointers(answer)], [400, ['/cursor']], place)
    }
  }
})

test('401 on every route without a valid key, and nothing is made', async (t) => {
  const house = await openApiHouse(t)
  const { id } = await house.company()
  const member = await house.member(id)
  const answers = await Promise.all([
    create(house, {}, nobody),
    house.get('/v1/companies', nobody),
    house.get(`/v1/companies/${id}`, nobody),
    house.post(`/v1/companies/${id}/members`, { nickname: 'x' }, nobody),
    house.get(`/v1/companies/${id}/members`, nobody),
    house.get(`/v1/members/${member.id}`, nobody),
    house.put(`/v1/companies/${id}/members/${member.id}/role`, { role: 'OWNER' }, nobody),
  ])
  assert.deepEqual(
    answers.map(({ status }) => status),
    Array(7).fill(401),
  )
  assert.equal((await house.get('/v1/companies')).body.items!.length, 1)
})
