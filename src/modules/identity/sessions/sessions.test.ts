import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { type Answer, openApiHouse, type Person } from '#test/api-house'
import { until } from '#test/harness'
import { lockMember } from '../profiles/store.ts'

const house = await openApiHouse({ after })
const nobody = house.as(null)
const refresh = (refreshToken: string) => nobody.post('/v1/sessions/refresh', { refreshToken })
const signIn = ({ email, password }: Person, more: object = {}, headers: Record<string, string> = {}) =>
  nobody.post('/v1/sessions', { email, password, ...more }, headers)
const statusOf = async (accessToken: string, api: Pick<typeof house, 'as'> = house) =>
  (await api.as(accessToken).get('/v1/me')).status

test('a refresh token is good for one pair of tokens; the session goes on with the new one', async () => {
  const person = await house.person()
  const first = await refresh(person.refreshToken)
  assert.equal(first.status, 200)
  const second = await refresh(first.body.refreshToken)
  assert.equal(second.status, 200)
  assert.notEqual(first.body.refreshToken, second.body.refreshToken)
  assert.deepEqual(
    [await statusOf(second.body.accessToken), (await person.get('/v1/sessions')).body.items.length],
    [200, 1],
  )
})

test('a refresh token that comes a second time ends its session, the newest token too', async () => {
  const person = await house.person()
  const next = await refresh(person.refreshToken)
  const again = await refresh(person.refreshToken)
  assert.deepEqual([again.status, again.body.type], [401, '/problems/identity/refresh-refused'])
  assert.equal((await refresh(next.body.refreshToken)).status, 401)
  for (const token of [person.accessToken, next.body.accessToken]) assert.equal(await statusOf(token), 401)
})

test('of twenty refreshes with one token at once one succeeds at most, and the session has ended', async () => {
  const person = await house.person()
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(person.refreshToken)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal(await statusOf(person.accessToken), 401)
})

test('who signs out is refused at once by every process, with that access token and that refresh token', async () => {
  const second = await house.secondApi()
  const person = await house.person()
  assert.deepEqual([await statusOf(person.accessToken), await statusOf(person.accessToken, second)], [200, 200])
  assert.equal((await person.delete('/v1/sessions/current')).status, 204)
  assert.deepEqual([await statusOf(person.accessToken), await statusOf(person.accessToken, second)], [401, 401])
  assert.equal((await refresh(person.refreshToken)).status, 401)
})

test('an access token lets in at every process, wherever that listens', async () => {
  const second = await house.secondApi({ port: 9_999 })
  const person = await house.person()
  assert.equal(await statusOf(person.accessToken, second), 200)
})

test('a sign-in waits for nobody who changes the member, so that nobody waits in a circle', async () => {
  const person = await house.person()
  await house.withWork(system, async (work) => {
    await lockMember(work, fromPublicId('mem', person.id)!)
    assert.equal((await signIn(person)).status, 201)
  })
})

/** Keeps everybody from the person's login until both have come to wait for it, one after the other. */
async function inTurn<First, Second>(
  { id }: Person,
  { first, second }: { first: () => Promise<First>; second: () => Promise<Second> },
): Promise<[First, Second]> {
  const held = 'select from identity.login where member_id = $1 for update'
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%identity.login%'`
  const wait = (count: number) =>
    until(`${count} wait for the login`, async () => (await house.database.sql.rows(waiting)).length === count)
  const started = await house.withWork(system, async (work) => {
    await work.sql.rows(held, [fromPublicId('mem', id)])
    const firstStarted = first()
    await wait(1)
    const secondStarted = second()
    await wait(2)
    return { firstStarted, secondStarted }
  })
  return Promise.all([started.firstStarted, started.secondStarted])
}

test('a sign-in that is under way while the password changes leaves no session that the old password began', async () => {
  for (const isSignInFirst of [true, false]) {
    const person = await house.person()
    const newPassword = 'another five grapes'
    const change = () => person.put('/v1/me/password', { currentPassword: person.password, newPassword })
    const enter = () => signIn(person)
    const [entered, changed] = isSignInFirst
      ? await inTurn(person, { first: enter, second: change })
      : (await inTurn(person, { first: change, second: enter })).toReversed()
    assert.deepEqual([entered!.status, changed!.status], [isSignInFirst ? 201 : 401, 204])
    if (isSignInFirst) assert.equal((await refresh(entered!.body.refreshToken)).status, 401)
    assert.deepEqual(
      [await statusOf(person.accessToken), (await signIn({ ...person, password: newPassword })).status],
      [200, 201],
    )
  }
})

test('sessions are listed with what the client said that it is, and one or all can be ended', async () => {
  const person = await house.person()
  const phone = await signIn(person, {}, { 'user-agent': 'Phone 1' })
  const tablet = await signIn(person, {}, { 'user-agent': 'Tablet\u00002' })
  const { items } = (await person.get('/v1/sessions')).body
  assert.deepEqual(
    items.map((session: Answer['body']) => [session.device, session.isCurrent, session.method]),
    [
      ['Tablet2', false, 'password'],
      ['Phone 1', false, 'password'],
      [items[2].device, true, 'password'],
    ],
  )
  assert.equal((await person.delete(`/v1/sessions/${items[1].id}`)).status, 204)
  assert.deepEqual([await statusOf(phone.body.accessToken), await statusOf(tablet.body.accessToken)], [401, 200])
  assert.equal((await person.delete(`/v1/sessions/${items[1].id}`)).status, 404)
  assert.equal((await person.delete('/v1/sessions')).status, 204)
  assert.deepEqual([await statusOf(person.accessToken), await statusOf(tablet.body.accessToken)], [401, 401])
})

test('404 for the session of somebody else, which goes on', async () => {
  const [person, other] = [await house.person(), await house.person()]
  const { items } = (await other.get('/v1/sessions')).body
  assert.equal((await person.delete(`/v1/sessions/${items[0].id}`)).status, 404)
  assert.equal(await statusOf(other.accessToken), 200)
})

test('an access token lets in for fifteen minutes by the clock of the programme, a session for thirty days unrefreshed', async () => {
  const later = await openApiHouse({ after })
  const person = await later.person()
  const advance = (advanceSeconds: number) => later.post('/v1/sandbox/clock', { advanceSeconds })
  await advance(890)
  assert.equal(await statusOf(person.accessToken, later), 200)
  await advance(20)
  assert.equal(await statusOf(person.accessToken, later), 401)
  const next = await later.as(null).post('/v1/sessions/refresh', { refreshToken: person.refreshToken })
  assert.equal(await statusOf(next.body.accessToken, later), 200)
  await advance(31 * 86_400)
  const late = await later.as(null).post('/v1/sessions/refresh', { refreshToken: next.body.refreshToken })
  assert.equal(late.status, 401)
})

test('with cookies no token is shown; the cookie lets in, and what changes something needs the token of its page', async () => {
  const person = await house.person()
  const { body, headers } = await signIn(person, { cookies: true })
  assert.deepEqual([body.accessToken, body.refreshToken], [null, null])
  const cookies = (headers['set-cookie'] as string[]).map((line) => line.split('; '))
  for (const [, ...flags] of cookies.slice(0, 2)) {
    assert.ok(flags.includes('HttpOnly') && flags.includes('SameSite=Strict'), flags.join())
  }
  const cookie = cookies.map(([pair]) => pair).join('; ')
  assert.equal((await nobody.get('/v1/me', { cookie })).status, 200)
  const refused = await nobody.delete('/v1/sessions/current', undefined, { cookie })
  assert.deepEqual([refused.status, refused.body.type], [403, '/problems/identity/csrf-refused'])
  const other = await signIn(person, { cookies: true })
  const wrong = { cookie, 'x-csrf-token': other.body.csrfToken }
  assert.equal((await nobody.delete('/v1/sessions/current', undefined, wrong)).status, 403)
  assert.equal((await nobody.post('/v1/sessions/refresh', {}, { cookie })).status, 403)
  const right = { cookie, 'x-csrf-token': body.csrfToken }
  const refreshed = await nobody.post('/v1/sessions/refresh', {}, right)
  assert.deepEqual([refreshed.status, refreshed.body.accessToken], [200, null])
  const out = await nobody.delete('/v1/sessions/current', undefined, right)
  assert.equal(out.status, 204)
  assert.match(String(out.headers['set-cookie']), /podo_access=; Max-Age=0/)
})

test('a browser stays signed in when the secret of the service has changed, by the token that its page has', async () => {
  const person = await house.person()
  const { body, headers } = await signIn(person, { cookies: true })
  const cookie = (headers['set-cookie'] as string[]).map((line) => line.split('; ')[0]).join('; ')
  const secretKey = Buffer.alloc(32, 7).toString('base64')
  const kept = await house.secondApi({ secretKey })
  const changed = await kept.as(null).post('/v1/sessions/refresh', {}, { cookie, 'x-csrf-token': body.csrfToken })
  assert.equal(changed.status, 200, changed.text)
  assert.notEqual(changed.body.csrfToken, body.csrfToken)
})

test('behind https the cookies belong to this host and go nowhere else', async () => {
  const behind = await house.secondApi({ publicUrl: 'https://points.example.com' })
  const { email, password } = await house.person()
  const { headers } = await behind.as(null).post('/v1/sessions', { email, password, cookies: true })
  const lines = headers['set-cookie'] as string[]
  assert.match(lines[0]!, /^__Host-podo_access=.*; Path=\/; .*Secure/)
  assert.match(lines[1]!, /^__Secure-podo_refresh=.*Path=\/v1\/sessions\/refresh/)
  for (const line of lines) assert.match(line, /; Secure/)
})

test('administrators end every session of somebody, which stands in the audit log', async () => {
  const [admin, person, other] = [await house.person(), await house.person(), await house.person()]
  assert.equal((await house.put(`/v1/members/${admin.id}/role`, { role: 'ADMIN' })).status, 200)
  const { email, password } = person
  const again = await house.as(null).post('/v1/sessions', { email, password })
  const path = `/v1/members/${person.id}/sessions`
  assert.equal((await other.delete(path)).status, 403)
  assert.equal((await admin.delete(path)).status, 204)
  for (const token of [person.accessToken, again.body.accessToken]) {
    assert.equal((await house.as(token).get('/v1/me')).status, 401)
  }
  const { refreshToken } = again.body
  assert.equal((await house.as(null).post('/v1/sessions/refresh', { refreshToken })).status, 401)
  assert.equal((await other.get('/v1/me')).status, 200)
  // There is nothing to end any more, and so nothing to answer for.
  assert.equal((await house.delete(path)).status, 204)
  const { items } = (await house.get(`/v1/ops/audit?target=${person.id}`)).body
  const { actor, action, before, after } = items[0]
  assert.deepEqual(
    [items.length, actor.id, action, before, after],
    [1, admin.id, 'endMemberSessions', { sessions: 2 }, { sessions: 0 }],
  )
  assert.equal((await house.as(null).post('/v1/sessions', { email, password })).status, 201)
})

test('404 for the sessions of nobody, and of a member whom a company made', async () => {
  const made = await house.member((await house.company()).id)
  for (const id of [made.id, 'mem_019e5f3a7c107b3e9d425a6b7c8d9e0f', 'nonsense']) {
    assert.equal((await house.delete(`/v1/members/${id}/sessions`)).status, 404, id)
  }
})
