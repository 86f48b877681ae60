import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { type Body, openApiHouse } from '#test/api-house'
import { comeBack } from '#test/api-operations'
import { until } from '#test/harness'

const house = await openApiHouse({ after }, { withBackground: true })
const nobody = house.as(null)
const newPassword = '초록 잎사귀 아래 그늘'
const unusable = [404, '/problems/identity/link-unusable']
const typeOf = ({ status, body }: { status: number; body: Body }) => [status, body.type]
let count = 0
const freshAddress = () => {
  count += 1
  return `Moved${count}@example.com`
}

type Own = Pick<Awaited<ReturnType<typeof house.person>>, 'put' | 'password'>
const ask = async ({ put, password: currentPassword }: Own, email: string) =>
  assert.equal((await put('/v1/me/email', { email, currentPassword })).status, 202)
const mailsTo = (email: string) => house.mails(email.toLowerCase())
const tokensTo = async (email: string) =>
  (await mailsTo(email)).flatMap(({ text }) => /\/account\/email#([\w-]{72})$/m.exec(text)?.[1] ?? [])
const tokenTo = (email: string) => until('the link came', async () => (await tokensTo(email))[0])
const confirm = (token: string) => nobody.put(`/v1/email-changes/${token}`)
const signIn = (email: string, password: string) => nobody.post('/v1/sessions', { email, password })
const addressOf = async (person: Pick<Own & { get: typeof nobody.get }, 'get'>) =>
  (await person.get('/v1/me')).body.email
const allSent = () =>
  until('the queue is empty', async () => {
    const rows = await house.ownerSql.rows('select from graphile_worker._private_jobs where key is null')
    return rows.length === 0
  })

test('a new address counts once its link is used: the old one is told, other sessions end, and one signs in with it', async () => {
  const person = await house.person()
  const elsewhere = house.as((await signIn(person.email, person.password)).body.accessToken)
  const email = freshAddress()
  await ask(person, email)
  const token = await tokenTo(email)
  const tag = (await person.get('/v1/me')).headers.etag
  assert.equal(await addressOf(person), person.email, 'nothing has changed until it is used')
  assert.equal((await confirm(token)).status, 204)
  const me = await person.get('/v1/me')
  assert.deepEqual([me.body.email, me.body.emailConfirmedAt !== null], [email, true])
  assert.notEqual(me.headers.etag, tag)
  assert.equal((await elsewhere.get('/v1/me')).status, 401)
  const statuses = [await signIn(person.email, person.password), await signIn(email, person.password)]
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [401, 201],
  )
  await until('the old address was told', async () =>
    (await mailsTo(person.email)).find(({ subject }: Body) => /has another address/.test(subject)),
  )
  assert.deepEqual(typeOf(await confirm(token)), unusable, 'once')
  assert.equal((await house.person({ email: person.email })).email, person.email, 'the old one is free')
})

test('whoever came through a provider without an address adds one, and then a password', async () => {
  const { body } = await nobody.post('/v1/sessions/naver', await comeBack(house, 'naver'))
  const own = house.as(body.accessToken)
  assert.equal(await addressOf(own), null)
  const email = freshAddress()
  assert.equal((await own.put('/v1/me/email', { email })).status, 202)
  assert.equal((await confirm(await tokenTo(email))).status, 204)
  assert.equal(await addressOf(own), email)
  assert.equal((await nobody.post('/v1/password-resets', { email })).status, 202)
  const token = await until('the mail came', async () =>
    (await mailsTo(email)).map(({ text }) => /\/account\/reset#([\w-]+)/.exec(text)?.[1]).find(Boolean),
  )
  assert.equal((await nobody.put(`/v1/password-resets/${token}`, { newPassword })).status, 204)
  assert.equal((await signIn(email, newPassword)).status, 201)
})

test('403 without the password or with a wrong one, and no mail goes out', async () => {
  const person = await house.person()
  const email = freshAddress()
  for (const proof of [{}, { currentPassword: 'nonsense' }]) {
    const refused = await person.put('/v1/me/email', { email, ...proof })
    assert.deepEqual(typeOf(refused), [403, '/problems/identity/password-wrong'])
  }
  await allSent()
  assert.deepEqual(await mailsTo(email), [])
})

test('202 whether the address is somebody’s or not; 409 when the link is used of one that is, in any spelling', async () => {
  const [person, owner] = [await house.person(), await house.person()]
  const proof = { currentPassword: person.password }
  const answers = await Promise.all(
    [owner.email.toUpperCase(), freshAddress()].map((email) => person.put('/v1/me/email', { email, ...proof })),
  )
  const shown = answers.map(({ status, text, headers }) => [status, text, Object.keys(headers)])
  assert.deepEqual([shown[0], shown[0]![0]], [shown[1], 202])
  const other = await house.person()
  await ask(other, owner.email.toUpperCase())
  const [token] = await until('both links came', async () => {
    const found = await tokensTo(owner.email)
    return found.length === 2 ? found : null
  })
  assert.deepEqual(typeOf(await confirm(token!)), [409, '/problems/identity/address-taken'])
  assert.equal((await owner.get('/v1/me')).body.email, owner.email)
  assert.equal(await addressOf(other), other.email)
})

test('of ten who confirm one address at once one gets it, and the rest keep theirs', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, () => house.person()))
  const email = freshAddress()
  await Promise.all(people.map((person) => ask(person, email)))
  const tokens = await until('ten links came', async () => {
    const found = await tokensTo(email)
    return found.length === 10 ? found : null
  })
  const statuses = (await Promise.all(tokens.map(confirm))).map(({ status }) => status)
  assert.deepEqual(statuses.toSorted(), [204, ...Array<number>(9).fill(409)])
  const addresses = await Promise.all(people.map(addressOf))
  assert.equal(addresses.filter((address) => address === email).length, 1)
})

test('a link to a new address ends with the session that asked, with the use of one, and when another address is asked for', async () => {
  const person = await house.person()
  const thief = house.as((await signIn(person.email, person.password)).body.accessToken)
  const stolen = freshAddress()
  await ask({ put: thief.put, password: person.password }, stolen)
  const change = { currentPassword: person.password, newPassword }
  const token = await tokenTo(stolen)
  assert.equal((await person.put('/v1/me/password', change)).status, 204)
  assert.deepEqual(typeOf(await confirm(token)), unusable)
  const [first, second] = [freshAddress(), freshAddress()]
  const own = { put: person.put, password: newPassword }
  await ask(own, first)
  const firstToken = await tokenTo(first)
  await ask(own, second)
  const secondToken = await tokenTo(second)
  assert.deepEqual(typeOf(await confirm(firstToken)), unusable)
  assert.equal((await confirm(secondToken)).status, 204)
  assert.equal(await addressOf(person), second)
})

test('links that went to the old address are good for nothing once there is another', async () => {
  const person = await house.person()
  assert.equal((await nobody.post('/v1/password-resets', { email: person.email })).status, 202)
  const old = await until('both mails came', async () => {
    const found = (await mailsTo(person.email)).flatMap(({ text }) => /#([\w-]{72})$/m.exec(text)?.[1] ?? [])
    return found.length === 2 ? found : null
  })
  const email = freshAddress()
  await ask(person, email)
  assert.equal((await confirm(await tokenTo(email))).status, 204)
  for (const token of old) {
    assert.deepEqual(typeOf(await nobody.put(`/v1/password-resets/${token}`, { newPassword })), unusable)
    assert.deepEqual(typeOf(await nobody.put(`/v1/email-confirmations/${token}`)), unusable)
  }
})

test('nothing is sent to whoever has the address already, and five mails an hour to others', async () => {
  const person = await house.person()
  await ask(person, person.email.toUpperCase())
  await allSent()
  assert.deepEqual(await tokensTo(person.email), [])
  const other = await house.person()
  const email = freshAddress()
  for (let at = 0; at < 7; at += 1) await ask(other, email)
  await allSent()
  assert.equal((await tokensTo(email)).length, 5)
})

test('a password change that is under way when a link is used is waited for, and ends the link', async () => {
  const person = await house.person()
  const elsewhere = house.as((await signIn(person.email, person.password)).body.accessToken)
  const email = freshAddress()
  await ask({ put: elsewhere.put, password: person.password }, email)
  const token = await tokenTo(email)
  const isHeld = Promise.withResolvers<void>()
  const holding = house.withWork(system, async (work) => {
    await work.sql.rows('select from identity.login where address = $1 for update', [person.email])
    isHeld.resolve()
    await until('the link waits', isWaiting)
    await work.sql.run(
      `update identity.session set ended_at = now() where id = (
         select id from identity.session where member_id = $1 order by id desc limit 1)`,
      [fromPublicId('mem', person.id)],
    )
  })
  await isHeld.promise
  const confirmed = confirm(token)
  await holding
  assert.deepEqual(typeOf(await confirmed), unusable)
  assert.equal(await addressOf(person), person.email)
})

const isWaiting = async () => {
  const waiters = await house.ownerSql.rows(
    `select from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and strpos(query, 'identity.login') > 0`,
  )
  return waiters.length > 0
}
