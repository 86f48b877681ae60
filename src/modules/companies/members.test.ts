import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { openApiHouse } from '#test/api-house'

const house = await openApiHouse({ after })
const [one, other, admin] = [
  await house.person({ nickname: '포도송이', bio: '커피', birthOn: '2001-05-05' }),
  await house.person(),
  await house.person(),
]
await house.put(`/v1/members/${admin.id}/role`, { role: 'ADMIN' })
const company = await house.company()
const member = await house.member(company.id, { email: 'member@example.com' })
const leave = (id: string) =>
  house.ownerSql.run('update identity.member set left_at = now() where id = $1', [fromPublicId('mem', id)])

test('who signs in sees of another who does the public profile, and every other field as null', async () => {
  const { status, body } = await other.get(`/v1/members/${one.id}`)
  const { createdAt } = (await one.get('/v1/me')).body
  const hidden = { companyId: null, externalId: null, email: null, birthOn: null, role: null, wallet: null }
  assert.deepEqual([status, body], [200, { id: one.id, nickname: '포도송이', bio: '커피', createdAt, ...hidden }])
})

test('oneself, administrators and the operator see everything of a person who signs in', async () => {
  const wallet = { id: one.walletId }
  const own = { email: one.email, birthOn: '2001-05-05', bio: '커피', role: 'USER', wallet, companyId: null }
  for (const caller of [one, admin, house]) {
    const { status, body } = await caller.get(`/v1/members/${one.id}`)
    assert.deepEqual([status, { ...body, ...own }], [200, body])
  }
  assert.equal((await house.get(`/v1/members/${admin.id}`)).body.role, 'ADMIN')
})

test('404 for another person who asks for a member made by a company, or for somebody who left', async () => {
  const gone = await house.person()
  await leave(gone.id)
  for (const id of [member.id, gone.id]) {
    const { status, body } = await other.get(`/v1/members/${id}`)
    assert.deepEqual([status, body.type], [404, '/problems/identity/member-unknown'], id)
  }
  for (const caller of [admin, house]) {
    assert.equal((await caller.get(`/v1/members/${member.id}`)).body.email, 'member@example.com')
    assert.deepEqual((await caller.get(`/v1/members/${gone.id}`)).body.role, null)
  }
})

test('a company sees its own members whole, and neither people who sign in nor members of others', async () => {
  const key = house.as(await house.apiKey(company.id, { scopes: ['read'] }))
  const theirs = await house.member((await house.company()).id)
  assert.equal((await key.get(`/v1/members/${member.id}`)).body.role, 'MEMBER')
  for (const id of [one.id, theirs.id]) assert.equal((await key.get(`/v1/members/${id}`)).status, 404, id)
})
