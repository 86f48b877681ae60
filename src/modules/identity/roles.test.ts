import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { toPublicId } from '#platform/ids'
import { openApiHouse, type Person } from '#test/api-house'

const house = await openApiHouse({ after })
const roleOf = (caller: { put: Person['put'] }, id: string, role: string) =>
  caller.put(`/v1/members/${id}/role`, { role })
const admin = async () => {
  const person = await house.person()
  assert.equal((await roleOf(house, person.id, 'ADMIN')).status, 200)
  return person
}
const first = await admin()

test('an administrator makes others administrators; who is none changes no role, not even the own', async () => {
  const [person, friend] = [await house.person(), await house.person()]
  for (const id of [person.id, friend.id]) assert.equal((await roleOf(person, id, 'ADMIN')).status, 403)
  const { status, body } = await roleOf(first, person.id, 'ADMIN')
  assert.deepEqual([status, body], [200, { id: person.id, role: 'ADMIN' }])
  assert.equal((await person.get('/v1/me')).body.role, 'ADMIN')
  assert.equal((await roleOf(person, friend.id, 'ADMIN')).status, 200)
})

test('a member whom a company made is no administrator: 404', async () => {
  const member = await house.member((await house.company()).id)
  assert.equal((await roleOf(house, member.id, 'ADMIN')).status, 404)
})

test('a role takes effect with the next request, in every process', async () => {
  const second = await house.secondApi()
  const person = await house.person()
  const there = second.as(person.accessToken)
  const isLetIn = async () =>
    (await Promise.all([person, there].map((it) => it.get('/v1/companies')))).map((it) => it.status)
  assert.deepEqual(await isLetIn(), [403, 403])
  await roleOf(first, person.id, 'ADMIN')
  assert.deepEqual(await isLetIn(), [200, 200])
  await roleOf(there, person.id, 'USER')
  assert.deepEqual(await isLetIn(), [403, 403])
})

test('the last administrator stays one, also when two are demoted at once, twenty times over', async (t) => {
  const own = await openApiHouse(t)
  const second = await own.secondApi()
  const left = () => own.ownerSql.rows<{ id: string }>("select id from identity.member where role = 'ADMIN'", [])
  let last = (await own.person()).id
  await roleOf(own, last, 'ADMIN')
  const alone = await roleOf(own, last, 'USER')
  assert.deepEqual([alone.status, alone.body.type], [409, '/problems/identity/last-admin'])
  for (let round = 0; round < 20; round += 1) {
    const ids = [last, (await own.person()).id, (await own.person()).id]
    for (const id of ids) assert.equal((await roleOf(own, id, 'ADMIN')).status, 200)
    const answers = await Promise.all(ids.map((id, at) => roleOf(at === 1 ? second : own, id, 'USER')))
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 200, 409])
    const [remaining, ...others] = await left()
    assert.deepEqual(others, [])
    last = toPublicId('mem', remaining!.id)
  }
})

test('every change of a role is in the audit log with who, on whom, before, after and from where; no change is not', async () => {
  const person = await house.person()
  const audit = () => house.get(`/v1/ops/audit?target=${person.id}`)
  await first.put(`/v1/members/${person.id}/role`, { role: 'ADMIN' }, { 'x-request-id': 'promotion-1' })
  await roleOf(first, person.id, 'ADMIN')
  await roleOf(house, person.id, 'USER')
  const [byOperator, byAdmin, ...more] = (await audit()).body.items
  assert.deepEqual(more, [])
  const { id, at, credential, ...act } = byAdmin
  assert.deepEqual(act, {
    actor: { type: 'member', id: first.id },
    action: 'changeMemberRole',
    target: person.id,
    before: { role: 'USER' },
    after: { role: 'ADMIN' },
    address: '127.0.0.1',
    requestId: 'promotion-1',
  })
  assert.match(credential, /^ses_/)
  assert.match(id, /^act_/)
  assert.ok(at <= byOperator.at)
  assert.deepEqual([byOperator.actor, byOperator.credential], [{ type: 'operator', id: null }, null])
})
