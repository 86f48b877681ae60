import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, openApiHouse } from '#test/api-house'
import { until } from '#test/harness'

const house = await openApiHouse({ after })
const company = await house.company()
const keys = `/v1/companies/${company.id}/api-keys`

async function makeKey(more: object = {}): Promise<Answer['body']> {
  const { status, body, text } = await house.post(keys, { name: 'till 1', ...more })
  assert.equal(status, 201, text)
  return body
}

const read = (secret: string, path = `/v1/companies/${company.id}`) => house.as(secret).get(path)

test('a key of a company is shown once: the first answer has its secret, a replay and the list have none', async () => {
  const headers = { 'idempotency-key': 'once' }
  const first = await house.post(keys, { name: 'shown once' }, headers)
  assert.match(first.body.secret, /^podo_sk_[\w-]{43}$/)
  assert.equal(first.body.prefix, first.body.secret.slice(0, 14))
  const again = await house.post(keys, { name: 'shown once' }, headers)
  assert.deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true'])
  assert.deepEqual(again.body, { ...first.body, secret: null })
  const { items } = (await house.get(keys)).body
  assert.deepEqual(
    items.find(({ id }: { id: string }) => id === first.body.id),
    again.body,
  )
})

test('a key of a company is not in the database: neither its secret nor a part of it beyond the prefix', async () => {
  const { secret } = await makeKey()
  const [row] = await house.ownerSql.rows<{ all: string }>(
    `select string_agg(k::text || a.answer, ' ') as all
     from identity.api_key k, (select string_agg(x::text, ' ') as answer from platform.idempotency_key x) a`,
    [],
  )
  assert.equal(row!.all.includes(secret.slice(14)), false)
})

test('a key of a company admits to its own company, and knows of no other', async () => {
  const { secret } = await makeKey()
  const other = await house.company()
  assert.equal((await read(secret)).body.id, company.id)
  const theirs = await read(secret, `/v1/companies/${other.id}`)
  assert.deepEqual([theirs.status, theirs.body.type], [404, '/problems/companies/company-unknown'])
})

test('403 with the scope that is missing, and 403 without one where no scope would do', async () => {
  const { secret } = await makeKey({ scopes: ['read'] })
  const missing = await house.as(secret).post(`/v1/companies/${company.id}/members`, { nickname: 'Grape' })
  assert.deepEqual([missing.status, missing.body.type], [403, '/problems/http/scope-missing'])
  assert.match(missing.body.detail, /\bmembers\b/)
  const never = await house.as(secret).post(keys, { name: 'another' })
  assert.deepEqual([never.status, never.body.type], [403, '/problems/http/forbidden'])
})

test('only the operator gives a key the scope to issue paid points, or a secret that has it,', async () => {
  const owner = await house.person()
  await house.put(`/v1/companies/${company.id}/members/${owner.id}/role`, { role: 'OWNER' })
  const scopes = ['points', 'points:issue-paid']
  const refused = await owner.post(keys, { name: 'mint', scopes })
  assert.deepEqual([refused.status, refused.body.type], [403, '/problems/companies/scope-reserved'])
  const { id } = await makeKey({ scopes })
  assert.equal((await owner.post(`${keys}/${id}/rotation`)).status, 403)
  const rotated = await house.post(`${keys}/${id}/rotation`)
  assert.deepEqual([rotated.status, rotated.body.scopes], [201, scopes])
})

test('a key of a company makes members of its company with the scope for it', async () => {
  const { secret } = await makeKey({ scopes: ['members'] })
  const made = await house.as(secret).post(`/v1/companies/${company.id}/members`, { nickname: 'Grape' })
  assert.deepEqual([made.status, made.body.companyId], [201, company.id])
})

test('a key of a company ends when it is revoked, at once and in every process, and revoking it again changes nothing', async () => {
  const { id, secret } = await makeKey()
  const second = await house.secondApi()
  const path = `/v1/companies/${company.id}`
  assert.equal((await second.as(secret).get(path)).status, 200)
  assert.equal((await house.delete(`${keys}/${id}`)).status, 204)
  for (const api of [house, second]) assert.equal((await api.as(secret).get(path)).status, 401)
  const revoked = (await house.get(keys)).body.items.find((key: { id: string }) => key.id === id)
  assert.equal((await house.delete(`${keys}/${id}`)).status, 204)
  assert.deepEqual(
    (await house.get(keys)).body.items.find((key: { id: string }) => key.id === id),
    revoked,
  )
  assert.ok(revoked.revokedAt)
})

test('a key of a company ends with its expiry by the clock of the programme, and none is made that has ended already', async () => {
  const { secret } = await makeKey({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() })
  assert.equal((await read(secret)).status, 200)
  const past = await house.post(keys, { name: 'late', expiresAt: '2020-01-01T00:00:00Z' })
  assert.deepEqual([past.status, past.body.errors[0].pointer], [400, '/expiresAt'])
  const later = await openApiHouse({ after })
  const { id } = await later.company()
  const expiring = await later.apiKey(id, { expiresAt: new Date(Date.now() + 3_600_000).toISOString() })
  assert.equal((await later.post('/v1/sandbox/clock', { advanceSeconds: 3_601 })).status, 200)
  assert.equal((await later.as(expiring).get(`/v1/companies/${id}`)).status, 401)
})

test('a key of a company is refused from an address outside its networks', async () => {
  const { secret: inside } = await makeKey({ networks: ['127.0.0.0/8'] })
  const { secret: outside } = await makeKey({ networks: ['203.0.113.0/24', '2001:db8::/32'] })
  assert.equal((await read(inside)).status, 200)
  assert.equal((await read(outside)).status, 401)
  const { networks, secret: mapped } = await makeKey({ networks: ['::ffff:127.0.0.0/104', '::FFFF:cb00:7100/120'] })
  assert.deepEqual(networks, ['127.0.0.0/8', '203.0.113.0/24'])
  assert.equal((await read(mapped)).status, 200)
  const url = `/v1/companies/${company.id}`
  const from = async (remoteAddress: string) =>
    (await house.server.inject({ url, remoteAddress, headers: { authorization: `Bearer ${outside}` } })).statusCode
  assert.deepEqual(await Promise.all(['::ffff:203.0.113.7', '::ffff:cb00:7107', '::ffff:1'].map(from)), [200, 200, 401])
  const wrong = await house.post(keys, { name: 'wrong', networks: ['300.0.0.0/8', '127.0.0.1', 'somewhere'] })
  assert.deepEqual(
    wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/networks/0', '/networks/2'],
  )
})

test('a key of a company is rotated: two are valid at once until the overlap is over, and neither is rotated twice', async () => {
  const later = await openApiHouse({ after })
  const { id } = await later.company()
  const path = `/v1/companies/${id}/api-keys`
  const old = (await later.post(path, { name: 'rotated', scopes: ['read'] })).body
  const successor = await later.post(`${path}/${old.id}/rotation`, { overlapSeconds: 600 })
  assert.deepEqual([successor.status, successor.body.scopes, successor.body.name], [201, ['read'], 'rotated'])
  const both = [old.secret, successor.body.secret]
  const statuses = () =>
    Promise.all(both.map(async (secret) => (await later.as(secret).get(`/v1/companies/${id}`)).status))
  assert.deepEqual(await statuses(), [200, 200])
  assert.equal((await later.post(`${path}/${old.id}/rotation`)).status, 409)
  await later.post('/v1/sandbox/clock', { advanceSeconds: 601 })
  assert.deepEqual(await statuses(), [401, 200])
  assert.equal((await later.get(path)).body.items[1].successorId, successor.body.id)
})

test('a key of a company shows when it was last used', async () => {
  const { id, secret } = await makeKey()
  const find = async () => (await house.get(keys)).body.items.find((key: { id: string }) => key.id === id).lastUsedAt
  assert.equal(await find(), null)
  await read(secret)
  await until('the use is noted', async () => (await find()) !== null)
  assert.ok(Math.abs(Date.parse(await find()) - Date.now()) < 60_000)
})

test('404 for a key or a company that is unknown, and for the key of another company', async () => {
  const other = await house.company()
  const { id } = await makeKey()
  for (const path of [`/v1/companies/${other.id}/api-keys/${id}`, `${keys}/key_nobody`]) {
    assert.equal((await house.delete(path)).status, 404)
    assert.equal((await house.post(`${path}/rotation`)).status, 404)
  }
  assert.equal((await house.get('/v1/companies/cmp_nobody/api-keys')).status, 404)
})
