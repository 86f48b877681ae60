import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Body, openApiHouse } from '#test/api-house'

const house = await openApiHouse({ after })
const [one, two] = [await house.person(), await house.person()]
const change = (id: string, role: string, by: { put: typeof house.put } = house) =>
  by.put(`/v1/members/${id}/role`, { role })
await change(one.id, 'ADMIN')
await change(two.id, 'ADMIN', one)
await house.post('/v1/sandbox/clock', { advanceSeconds: 60 })
const later = (await house.post('/v1/sandbox/clock', { advanceSeconds: 1 })).body.now
await change(two.id, 'USER')

const audit = async (query = '', by: { get: typeof house.get } = house) => {
  const { status, body } = await by.get(`/v1/ops/audit${query}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body.items.filter(({ action }: Body) => action === 'changeMemberRole')
}
const named = (acts: Body[]) => acts.map(({ target, after }) => `${target} ${after.role}`)
const all = [`${two.id} USER`, `${two.id} ADMIN`, `${one.id} ADMIN`]

test('the audit log is for administrators and the operator, and newest first', async () => {
  assert.deepEqual(named(await audit()), all)
  assert.deepEqual(named(await audit('', one)), all)
  assert.equal((await two.get('/v1/ops/audit')).status, 403)
  assert.equal((await house.as(await house.apiKey((await house.company()).id)).get('/v1/ops/audit')).status, 403)
  assert.equal((await house.as(null).get('/v1/ops/audit')).status, 401)
})

test('it is asked for by actor, action, target and time, alone or together', async () => {
  const instant = encodeURIComponent(later)
  const asked = [
    [`?actor=${one.id}`, [all[1]]],
    ['?actor=operator', [all[0], all[2]]],
    ['?actor=system', []],
    ['?action=changeMemberRole', all],
    ['?action=createCompany', []],
    [`?target=${two.id}`, all.slice(0, 2)],
    [`?from=${instant}`, [all[0]]],
    [`?to=${instant}`, all.slice(1)],
    [`?to=${instant}&target=${two.id}&actor=${one.id}`, [all[1]]],
    ['?to=2020-01-01', []],
  ] as const
  for (const [query, expected] of asked) assert.deepEqual(named(await audit(query)), expected, query)
})

test('400 for an actor or target that is no id, each with its pointer', async () => {
  const { status, body } = await house.get('/v1/ops/audit?actor=somebody&target=mem_1&from=yesterday')
  const pointers = (errors: Body[]) => errors.map(({ pointer }) => pointer)
  assert.equal(status, 400)
  assert.deepEqual(pointers(body.errors), ['/from'])
  const wrong = await house.get('/v1/ops/audit?actor=somebody&target=mem_1')
  assert.deepEqual([wrong.status, pointers(wrong.body.errors)], [400, ['/actor', '/target']])
})

test('400 for an action that is none, with the names of those that there are', async () => {
  const { status, body } = await house.get('/v1/ops/audit?action=changeMemberRoles')
  assert.deepEqual([status, body.errors[0].pointer], [400, '/action'])
  for (const name of ['changeMemberRole', 'createCompany', 'chargeWallet', 'endMembership'])
    assert.ok(body.errors[0].detail.includes(name), name)
})

test('pages follow one another while more is written, and a cursor fits only its own list', async () => {
  const page = (query: string) => house.get(`/v1/ops/audit?action=changeMemberRole&limit=1${query}`)
  const first = await page('')
  await change(two.id, 'ADMIN')
  const second = await page(`&cursor=${first.body.nextCursor}`)
  const third = await page(`&cursor=${second.body.nextCursor}`)
  assert.deepEqual(named([first, second, third].flatMap(({ body }) => body.items)), all)
  assert.equal(third.body.nextCursor, null)
  const other = await house.get(`/v1/ops/audit?cursor=${first.body.nextCursor}`)
  assert.equal(other.status, 400)
})

test('the service may neither change nor take away what is written down', async () => {
  for (const statement of [
    "update platform.audit set action = 'nothing'",
    'delete from platform.audit',
    'truncate platform.audit',
  ]) {
    await assert.rejects(house.database.sql.run(statement), { code: '42501' }, statement)
  }
})
