import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { type Body, type Caller, openApiHouse, type Person, registrationNumberOf } from '#test/api-house'
import { until } from '#test/harness'

const house = await openApiHouse({ after })
const path = (companyId: string, memberId: string) => `/v1/companies/${companyId}/members/${memberId}`
const give = (by: Caller, at: { companyId: string; memberId: string; role: string }) =>
  by.put(`${path(at.companyId, at.memberId)}/role`, { role: at.role })

/** Somebody who signed up and is this in the company. */
const serving = async (companyId: string, role: string): Promise<Person> => {
  const person = await house.person()
  assert.equal((await give(house, { companyId, memberId: person.id, role })).status, 200)
  return person
}
const openCompany = async () => {
  const company = await house.company()
  return { company, owner: await serving(company.id, 'OWNER'), staff: await serving(company.id, 'STAFF') }
}

test('an owner takes in whoever signs in, by any role, and takes them out again; what they may do ends with it', async () => {
  const { company, owner } = await openCompany()
  const second = await house.secondApi()
  const person = await house.person()
  const look = async () =>
    (await Promise.all([person, second.as(person.accessToken)].map((it) => it.get(`/v1/companies/${company.id}`)))).map(
      ({ status }) => status,
    )
  assert.deepEqual(await look(), [404, 404])
  const { status, body } = await give(owner, { companyId: company.id, memberId: person.id, role: 'STAFF' })
  assert.deepEqual(
    [status, body.id, body.role, body.companyId, body.email],
    [200, person.id, 'STAFF', company.id, null],
  )
  const alone = (await house.get(`/v1/members/${person.id}`)).body
  assert.deepEqual([alone.role, alone.companyId], ['USER', null])
  assert.deepEqual(await look(), [200, 200])
  const { body: own } = await person.get('/v1/me/companies')
  assert.deepEqual(
    own.items.map(({ id, role }: Body) => [id, role]),
    [[company.id, 'STAFF']],
  )
  assert.equal((await owner.delete(path(company.id, person.id))).status, 204)
  assert.deepEqual(await look(), [404, 404])
  assert.equal((await owner.delete(path(company.id, person.id))).status, 404)
  assert.deepEqual((await person.get('/v1/me/companies')).body, { items: [], nextCursor: null })
})

test('a company never learns the address of a person whom it took in; the operator and administrators do', async () => {
  const { company, owner, staff } = await openCompany()
  const key = house.as(await house.apiKey(company.id))
  const member = await house.member(company.id, { email: 'customer@example.com' })
  const shown = async (by: Caller) => {
    const { items } = (await by.get(`/v1/companies/${company.id}/members`)).body
    return new Map<string, string | null>(items.map(({ id, email }: Body) => [id, email]))
  }
  for (const by of [owner, staff, key]) {
    const addresses = await shown(by)
    assert.deepEqual([addresses.get(staff.id), addresses.get(member.id)], [null, 'customer@example.com'])
  }
  assert.equal((await shown(house)).get(staff.id), staff.email)
  for (const by of [owner, key, house]) {
    const { items } = (await by.get(`/v1/companies/${company.id}/members`)).body
    assert.deepEqual(new Set(items.map(({ companyId }: Body) => companyId)), new Set([company.id]), 'where the role is')
  }
})

test('404 for taking in a member whom another company made, and for nobody', async () => {
  const { company, owner } = await openCompany()
  const foreign = await house.member((await house.company()).id)
  const { status, body } = await give(owner, { companyId: company.id, memberId: foreign.id, role: 'STAFF' })
  assert.deepEqual([status, body.type], [404, '/problems/identity/member-unknown'])
  assert.equal((await house.delete(path(company.id, foreign.id))).status, 404)
})

test('only owners manage: 403 for staff and members of the company and for administrators, 404 for everybody else', async () => {
  const { company, staff } = await openCompany()
  const [member, other] = [await serving(company.id, 'MEMBER'), await serving(company.id, 'MEMBER')]
  const [admin, stranger] = [await house.person(), await house.person()]
  const elsewhere = (await openCompany()).owner
  await house.put(`/v1/members/${admin.id}/role`, { role: 'ADMIN' })
  const { body: key } = await house.post(`/v1/companies/${company.id}/api-keys`, { name: 'A key' })
  const keys = `/v1/companies/${company.id}/api-keys`
  const asked = (by: Caller) => [
    give(by, { companyId: company.id, memberId: stranger.id, role: 'OWNER' }),
    by.delete(path(company.id, other.id)),
    by.post(`/v1/companies/${company.id}/members`, { nickname: 'Grape' }),
    by.post(keys, { name: 'Mine' }),
    by.get(keys),
    by.post(`${keys}/${key.id}/rotation`, {}),
    by.delete(`${keys}/${key.id}`),
  ]
  const statuses = async (by: Caller) => [...new Set((await Promise.all(asked(by))).map(({ status }) => status))]
  assert.deepEqual(await statuses(staff), [403])
  assert.deepEqual(await statuses(member), [403])
  assert.deepEqual(await statuses(elsewhere), [404])
  assert.deepEqual(await statuses(stranger), [404])
  assert.deepEqual(await statuses(house.as(null)), [401])
  assert.deepEqual(await statuses(house.as(await house.apiKey(company.id))), [403])
  assert.deepEqual(await statuses(admin), [403])
})

test('an owner manages keys and members, staff reads, and a member of the company does neither', async () => {
  const { company, owner, staff } = await openCompany()
  const member = await serving(company.id, 'MEMBER')
  const keys = `/v1/companies/${company.id}/api-keys`
  const made = await owner.post(keys, { name: 'Till', scopes: ['read', 'catalog', 'settlement'] })
  assert.equal(made.status, 201)
  assert.equal((await owner.post(`${keys}/${made.body.id}/rotation`, {})).status, 201)
  assert.equal((await owner.delete(`${keys}/${made.body.id}`)).status, 204)
  assert.equal((await owner.post(`/v1/companies/${company.id}/members`, { nickname: 'Grape' })).status, 201)
  for (const read of ['', '/members']) {
    const statuses = [owner, staff, member].map(
      async (by) => (await by.get(`/v1/companies/${company.id}${read}`)).status,
    )
    assert.deepEqual(await Promise.all(statuses), [200, 200, 403])
  }
})

test('the last owner who signs in is demoted by nobody, also when two demote each other at once, but goes who wants to', async () => {
  const { company, owner } = await openCompany()
  const companyId = company.id
  const { id: noLogin } = await house.member(companyId)
  await give(house, { companyId, memberId: noLogin, role: 'OWNER' })
  const { status, body } = await give(owner, { companyId, memberId: owner.id, role: 'STAFF' })
  assert.deepEqual([status, body.type], [409, '/problems/companies/last-owner'])
  let one = owner
  for (let round = 0; round < 10; round += 1) {
    const other = await serving(companyId, 'OWNER')
    const end = (by: Person, memberId: string) =>
      round % 2 ? by.delete(path(companyId, memberId)) : give(by, { companyId, memberId, role: 'STAFF' })
    const statuses = (await Promise.all([end(one, other.id), end(other, one.id)])).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status < 300).length, 1, `round ${round}: ${statuses}`)
    if (statuses[0]! >= 300) one = other
  }
  assert.equal((await one.delete(path(companyId, one.id))).status, 204)
  assert.equal((await one.get(`/v1/companies/${companyId}`)).status, 404)
})

test('anybody ends the own membership, whatever the role, and nobody else’s', async () => {
  const { company, staff } = await openCompany()
  const member = await serving(company.id, 'MEMBER')
  for (const [one, other] of [[staff, member] as const, [member, staff] as const]) {
    assert.equal((await one.delete(path(company.id, other.id))).status, 403)
    const statuses = [await one.delete(path(company.id, one.id)), await one.delete(path(company.id, one.id))]
    assert.deepEqual(
      statuses.map(({ status, body }) => [status, body.type]),
      [
        [204, undefined],
        [404, '/problems/companies/company-unknown'],
      ],
    )
    assert.equal((await give(house, { companyId: company.id, memberId: one.id, role: 'STAFF' })).status, 200)
  }
  const [act] = (await house.get(`/v1/ops/audit?target=${member.id}&action=endMembership`)).body.items
  assert.deepEqual([act.actor.id, act.before.role], [member.id, 'MEMBER'])
})

test('whoever leaves the programme is in no company, also where one took them in at that moment', async () => {
  const { company, owner } = await openCompany()
  const [person, founder] = [await house.person(), await house.person()]
  const lets = await house.secondApi({ companiesByMembers: true })
  const [isLocked, isOver] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holding = house.withWork(system, async ({ sql }) => {
    const ids = [person, founder].map(({ id }) => fromPublicId('mem', id))
    await sql.rows('select id from identity.member where id = any($1::uuid[]) for update', [ids])
    isLocked.resolve()
    await isOver.promise
  })
  await isLocked.promise
  const leaves = [person, founder].map((it) => it.delete('/v1/me', { currentPassword: it.password }))
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await until('both wait to leave', async () => (await house.ownerSql.rows(waiting)).length === 2)
  assert.equal((await give(owner, { companyId: company.id, memberId: person.id, role: 'STAFF' })).status, 200)
  const body = { name: '떠나는 상회', registrationNumber: registrationNumberOf(700_002) }
  assert.equal((await lets.as(founder.accessToken).post('/v1/companies', body)).status, 201)
  isOver.resolve()
  await holding
  assert.deepEqual(
    (await Promise.all(leaves)).map(({ status }) => status),
    [204, 204],
  )
  const left = await house.ownerSql.rows('select from companies.membership where member_id = any($1::uuid[])', [
    [person, founder].map(({ id }) => fromPublicId('mem', id)),
  ])
  assert.equal(left.length, 0)
  assert.equal((await give(owner, { companyId: company.id, memberId: person.id, role: 'STAFF' })).status, 404)
})

test('a member whom the company made stays, and is demoted at most', async () => {
  const { company, owner } = await openCompany()
  const member = await house.member(company.id)
  assert.equal((await give(owner, { companyId: company.id, memberId: member.id, role: 'STAFF' })).status, 200)
  const { status, body } = await owner.delete(path(company.id, member.id))
  assert.deepEqual([status, body.type], [409, '/problems/companies/member-stays'])
  assert.equal((await give(owner, { companyId: company.id, memberId: member.id, role: 'MEMBER' })).status, 200)
})

test('one sees where one serves and as what, newest company first, page by page', async () => {
  const person = await house.person()
  const companies = [await house.company(), await house.company(), await house.company()]
  for (const { id: companyId } of companies) await give(house, { companyId, memberId: person.id, role: 'STAFF' })
  const first = (await person.get('/v1/me/companies?limit=2')).body
  const second = (await person.get(`/v1/me/companies?limit=2&cursor=${first.nextCursor}`)).body
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }: Body) => id),
    companies.map(({ id }) => id).toReversed(),
  )
  assert.deepEqual(Object.keys(first.items[0]), ['id', 'name', 'role', 'since'])
  assert.equal((await house.get('/v1/me/companies')).status, 403)
})

test('somebody who signed in makes a company where the programme lets them, owns it, and leaves the fee to the operator', async () => {
  const lets = await house.secondApi({ companiesByMembers: true })
  const person = await house.person()
  const there = lets.as(person.accessToken)
  const body = { name: '포도 상회', registrationNumber: registrationNumberOf(700_001) }
  const headers = { 'idempotency-key': 'my-company' }
  assert.equal((await person.post('/v1/companies', body)).status, 403)
  const wrong = await there.post('/v1/companies', { ...body, feeRate: 0 })
  assert.deepEqual([wrong.status, wrong.body.errors[0].pointer], [400, '/feeRate'])
  const made = await Promise.all(Array.from({ length: 5 }, () => there.post('/v1/companies', body, headers)))
  assert.deepEqual([...new Set(made.map(({ text, status }) => `${status} ${text}`))], [`201 ${made[0]!.text}`])
  const { id, feeRate } = made[0]!.body
  assert.equal(feeRate, 0)
  const { items } = (await person.get('/v1/me/companies')).body
  assert.deepEqual([items.length, items[0].id, items[0].role], [1, id, 'OWNER'])
  assert.equal((await person.post(`/v1/companies/${id}/api-keys`, { name: 'First' })).status, 201)
  assert.equal((await there.post('/v1/companies', body)).status, 409)
})

test('companies, roles in them and keys are in the audit log, without a secret; what changes nothing is not', async () => {
  const { company, owner } = await openCompany()
  const person = await house.person()
  const companyId = company.id
  const actsOn = async (target: string): Promise<Body[]> =>
    (await house.get(`/v1/ops/audit?target=${target}`)).body.items
  const [made] = await actsOn(companyId)
  assert.deepEqual([made!.action, made!.actor.type, made!.after.ownerId], ['createCompany', 'operator', null])

  for (const role of ['STAFF', 'STAFF', 'MEMBER']) await give(owner, { companyId, memberId: person.id, role })
  await owner.delete(path(companyId, person.id))
  const changes = (await actsOn(person.id)).map(({ action, actor, before, after }) => [
    action,
    actor.id === owner.id && before.companyId === companyId && after.companyId === companyId,
    before.role,
    after.role,
  ])
  assert.deepEqual(changes, [
    ['endMembership', true, 'MEMBER', null],
    ['changeRole', true, 'STAFF', 'MEMBER'],
    ['changeRole', true, null, 'STAFF'],
  ])

  const keys = `/v1/companies/${companyId}/api-keys`
  const { body: key } = await owner.post(keys, { name: 'Till' })
  const { body: successor } = await owner.post(`${keys}/${key.id}/rotation`, { overlapSeconds: 0 })
  for (let i = 0; i < 2; i += 1) await owner.delete(`${keys}/${successor.id}`)
  const acts = [...(await actsOn(successor.id)), ...(await actsOn(key.id))]
  assert.deepEqual(
    acts.map(({ action }) => action),
    ['revokeApiKey', 'rotateApiKey', 'createApiKey'],
  )
  assert.equal(acts[1]!.after.successorId, successor.id)
  const text = JSON.stringify(acts)
  for (const secret of [key.secret, successor.secret, key.prefix, successor.prefix]) assert.ok(!text.includes(secret))
})
