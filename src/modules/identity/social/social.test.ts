import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { system } from '#platform/work'
import { type Caller, openApiHouse } from '#test/api-house'
import { until } from '#test/harness'
import { type Choices, comeBack, openStandIns, signInThrough } from '#test/social-house'
import { lockProved } from '../accounts/proof.ts'
import { identityProblems } from '../problems.ts'
import { type ProviderName, providerNames } from './provider.ts'

const standIns = await openStandIns({ after })
const house = await openApiHouse({ after }, { settings: standIns.settings })
const nobody = house.as(null)
const signIn = (provider: ProviderName, choices?: Choices) => signInThrough(nobody, { provider, choices })
const meOf = async (accessToken: string) => (await house.as(accessToken).get('/v1/me')).body
const typeOf = ({ status, body }: { status: number; body: { type?: string } }) => [status, body.type]
const count = async (table: string) =>
  (await house.ownerSql.rows<{ n: number }>(`select count(*) as n from identity.${table}`, []))[0]!.n
let people = 100
const fresh = (): number => {
  people += 1
  return people
}
type Own = Caller & { readonly password?: string }
const proofOf = ({ password }: Own) => (password === undefined ? {} : { currentPassword: password })
const link = async (person: Own, by: { provider: ProviderName; choices?: Choices }, headers = {}) =>
  person.post(`/v1/me/identities/${by.provider}`, { ...(await comeBack(nobody, by)), ...proofOf(person) }, headers)
const unlink = (person: Own, provider: ProviderName) => person.delete(`/v1/me/identities/${provider}`, proofOf(person))

for (const provider of providerNames) {
  test(`a first sign-in through ${provider} makes the member, the wallet and the login; the next finds them`, async () => {
    const person = fresh()
    const first = await signIn(provider, { person })
    assert.equal(first.status, 201, first.text)
    const me = await meOf(first.body.accessToken)
    assert.equal((await house.get(`/v1/wallets/${me.wallet.id}`)).body.owner.id, me.id)
    assert.equal(me.nickname, `손님 ${person}`)
    const again = await signIn(provider, { person })
    assert.deepEqual([again.status, (await meOf(again.body.accessToken)).id], [201, me.id])
    const { items } = (await house.as(again.body.accessToken).get('/v1/sessions')).body
    assert.deepEqual([items.length, items[0].method], [2, provider])
  })
}

test('twenty who come with one account of a provider at once are one member, who is signed in twenty times', async () => {
  const person = fresh()
  const before = await count('member')
  const answers = await Promise.all(Array.from({ length: 20 }, () => signIn('google', { person })))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]))
  const ids = await Promise.all(answers.map(async ({ body }) => (await meOf(body.accessToken)).id))
  assert.deepEqual([new Set(ids).size, (await count('member')) - before], [1, 1])
})

test('a sign-in that is under way while its provider is unlinked lets nobody into that account any more', async () => {
  const person = fresh()
  const { body } = await signIn('kakao', { person })
  const { id } = await meOf(body.accessToken)
  const login = [fromPublicId('mem', id)]
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%identity.login%'`
  const entering = await house.withWork(system, async (work) => {
    await work.sql.rows('select from identity.login where member_id = $1 for update', login)
    const entering = signIn('kakao', { person })
    await until('it waits for the login', async () => (await house.database.sql.rows(waiting)).length === 1)
    await work.sql.run('delete from identity.social_login where member_id = $1', login)
    return { entering }
  })
  assert.deepEqual(typeOf(await entering.entering), [409, '/problems/identity/link-needed'])
})

test('twenty with one nickname at once are twenty members, each with a nickname of its own', async () => {
  const nickname = '모두의 포도'
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => signIn('kakao', { person: fresh(), nickname, isEmailShared: false })),
  )
  const names = await Promise.all(answers.map(async ({ body }) => (await meOf(body.accessToken)).nickname))
  assert.equal(new Set(names).size, 20)
  for (const name of names) assert.match(name, /^모두의 포도(?: \d+)?$/)
})

test('an address is kept where the provider says that it is verified, and nowhere else', async () => {
  const addressOf = async (provider: ProviderName, choices: Choices) => {
    const person = fresh()
    const { body } = await signIn(provider, { person, ...choices })
    const { email, emailConfirmedAt } = await meOf(body.accessToken)
    return [email === `guest${person}@example.com`, email === null, emailConfirmedAt !== null]
  }
  const [kept, none] = [
    [true, false, true],
    [false, true, false],
  ]
  for (const provider of ['kakao', 'google'] as const) {
    assert.deepEqual(await addressOf(provider, {}), kept, provider)
    assert.deepEqual(await addressOf(provider, { isEmailVerified: false }), none, provider)
    assert.deepEqual(await addressOf(provider, { isEmailShared: false }), none, provider)
  }
  assert.deepEqual(await addressOf('naver', {}), none)
})

test('409 for an address that has an account already: nothing is taken over and nothing made, and its owner links it', async () => {
  const owner = await house.person()
  const person = fresh()
  const choices = { person, address: owner.email.toUpperCase() }
  const before = [await count('member'), await count('session')]
  for (const provider of ['kakao', 'google'] as const) {
    assert.deepEqual(typeOf(await signIn(provider, choices)), [409, '/problems/identity/link-needed'])
  }
  assert.deepEqual([await count('member'), await count('session')], before)
  assert.equal((await link(owner, { provider: 'google', choices })).status, 201)
  const { body } = await signIn('google', choices)
  assert.equal((await meOf(body.accessToken)).id, owner.id)
})

test('an address that nobody verified opens no account of its owner, and tells nothing of it', async () => {
  const owner = await house.person()
  for (const [provider, isEmailVerified] of [
    ['naver', true],
    ['kakao', false],
    ['google', false],
  ] as const) {
    const { status, body } = await signIn(provider, { person: fresh(), address: owner.email, isEmailVerified })
    assert.equal(status, 201)
    assert.notEqual((await meOf(body.accessToken)).id, owner.id)
  }
})

test('a member links an account, sees it, signs in with it and removes it', async () => {
  const owner = await house.person()
  const choices = { person: fresh() }
  const linked = await link(owner, { provider: 'naver', choices })
  assert.deepEqual([linked.status, linked.body.provider], [201, 'naver'])
  assert.deepEqual((await owner.get('/v1/me/identities')).body, { items: [linked.body], nextCursor: null })
  assert.deepEqual((await owner.get('/v1/me/identities/naver')).body, linked.body)
  assert.equal((await meOf((await signIn('naver', choices)).body.accessToken)).id, owner.id)
  assert.equal((await unlink(owner, 'naver')).status, 204)
  const gone = [404, '/problems/identity/identity-unknown']
  assert.deepEqual(typeOf(await owner.get('/v1/me/identities/naver')), gone)
  assert.deepEqual(typeOf(await unlink(owner, 'naver')), gone)
  assert.notEqual((await meOf((await signIn('naver', choices)).body.accessToken)).id, owner.id)
})

test('403 for a link made or removed with a token alone: the password is asked for, and nothing is spent meanwhile', async () => {
  const owner = await house.person()
  const returned = await comeBack(nobody, { provider: 'naver', choices: { person: fresh() } })
  const wrong = [403, '/problems/identity/password-wrong']
  for (const proof of [{}, { currentPassword: 'nonsense' }]) {
    assert.deepEqual(typeOf(await owner.post('/v1/me/identities/naver', { ...returned, ...proof })), wrong)
  }
  assert.equal((await owner.post('/v1/me/identities/naver', { ...returned, ...proofOf(owner) })).status, 201)
  for (const proof of [undefined, {}, { currentPassword: 'nonsense' }]) {
    assert.deepEqual(typeOf(await owner.delete('/v1/me/identities/naver', proof)), wrong)
  }
  assert.equal((await owner.get('/v1/me/identities')).body.items.length, 1)
})

test('403 for whoever has no password and signed in over ten minutes ago, until they sign in again', async (t) => {
  const late = await openApiHouse(t, { settings: standIns.settings })
  const choices = { person: fresh() }
  const signIn = async () =>
    late.as((await signInThrough(late.as(null), { provider: 'kakao', choices })).body.accessToken)
  const back = () => comeBack(late.as(null), { provider: 'google', choices })
  const [own, returned] = [await signIn(), await back()]
  await late.post('/v1/sandbox/clock', { advanceSeconds: 601 })
  const tooOld = [403, '/problems/identity/session-too-old']
  assert.deepEqual(typeOf(await own.post('/v1/me/identities/google', returned)), tooOld)
  assert.deepEqual(typeOf(await own.delete('/v1/me/identities/kakao')), tooOld)
  assert.deepEqual(typeOf(await own.put('/v1/me/email', { email: 'late@example.com' })), tooOld)
  assert.deepEqual(typeOf(await own.delete('/v1/me')), tooOld)
  const again = await signIn()
  await late.post('/v1/sandbox/clock', { advanceSeconds: 590 })
  assert.equal((await again.post('/v1/me/identities/google', await back())).status, 201)
  assert.equal((await again.delete('/v1/me/identities/kakao')).status, 204)
  assert.equal((await again.delete('/v1/me')).status, 204)
})

test('a proof is none any more once the password has changed: what is under way then is refused', async () => {
  const owner = await house.person()
  const passwordHash = 'the hash of another password'
  const memberId = fromPublicId('mem', owner.id)!
  const work = house.withWork(system, (work) => lockProved(work, { memberId, passwordHash }))
  await assert.rejects(work, (error) => error instanceof Problem && error.kind === identityProblems.passwordWrong)
})

test('409 for an account that is linked to another member, and for a second account of one provider', async () => {
  const [one, other] = [await house.person(), await house.person()]
  const choices = { person: fresh() }
  assert.equal((await link(one, { provider: 'kakao', choices })).status, 201)
  assert.deepEqual(typeOf(await link(other, { provider: 'kakao', choices })), [
    409,
    '/problems/identity/identity-taken',
  ])
  const second = await link(one, { provider: 'kakao', choices: { person: fresh() } })
  assert.deepEqual(typeOf(second), [409, '/problems/identity/identity-linked'])
  assert.equal((await link(one, { provider: 'kakao', choices })).status, 201)
  assert.deepEqual((await other.get('/v1/me/identities')).body.items, [])
  const told = await house.ownerSql.rows(
    `select from graphile_worker._private_jobs
     where payload ->> 'kind' = 'identity-linked' and payload ->> 'memberId' = any($1)`,
    [[one, other].map(({ id }) => fromPublicId('mem', id))],
  )
  assert.equal(told.length, 1, 'what was linked already is told by no mail')
})

test('of two members who link one account at once one does', async () => {
  const people = [await house.person(), await house.person()]
  const choices = { person: fresh() }
  const answers = await Promise.all(people.map((person) => link(person, { provider: 'google', choices })))
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 409])
})

test('409 for removing the last way of signing in, and of two removed at once one stays', async () => {
  const choices = { person: fresh() }
  const own = house.as((await signIn('kakao', choices)).body.accessToken)
  assert.deepEqual(typeOf(await unlink(own, 'kakao')), [409, '/problems/identity/last-sign-in'])
  assert.equal((await link(own, { provider: 'google', choices })).status, 201)
  const removed = await Promise.all((['kakao', 'google'] as const).map((name) => unlink(own, name)))
  assert.deepEqual(removed.map(({ status }) => status).toSorted(), [204, 409])
  assert.equal((await own.get('/v1/me/identities')).body.items.length, 1)
})

test('a link that is asked for again with its key is the same answer, though its state is spent', async () => {
  const owner = await house.person()
  const back = await comeBack(nobody, { provider: 'naver', choices: { person: fresh() } })
  const returned = { ...back, ...proofOf(owner) }
  const headers = { 'idempotency-key': 'link-once' }
  const first = await owner.post('/v1/me/identities/naver', returned, headers)
  const again = await owner.post('/v1/me/identities/naver', returned, headers)
  assert.deepEqual([first.status, again.text, again.headers['idempotent-replayed']], [201, first.text, 'true'])
})

test('an account goes with the login of its member, and signs up anew', async () => {
  const choices = { person: fresh() }
  const first = await meOf((await signIn('naver', choices)).body.accessToken)
  await house.ownerSql.run(
    'delete from identity.login where member_id = (select id from identity.member where nickname = $1)',
    [first.nickname],
  )
  const second = await meOf((await signIn('naver', choices)).body.accessToken)
  assert.notEqual(second.id, first.id)
})

test('nothing that a provider gives is stored in clear: neither state, code, nonce nor verifier', async () => {
  const begun = await nobody.get('/v1/sessions/google/authorize')
  const asked = new URL(begun.body.url).searchParams
  const rows = await house.ownerSql.rows<{ text: string }>('select t::text as text from identity.social_state t', [])
  const stored = rows.map(({ text }) => text).join('\n')
  assert.ok(stored.length > 100)
  for (const name of ['state', 'nonce', 'code_challenge']) assert.equal(stored.includes(asked.get(name)!), false, name)
})

test('a provider that is not set up is off: 404 for beginning, signing in and linking', async () => {
  const production = await house.secondApi({
    profile: 'production',
    kakaoClientId: null,
    kakaoClientSecret: null,
  })
  const person = await house.person()
  const off = [404, '/problems/identity/provider-off']
  const returned = { code: 'c', state: 's', ...proofOf(person) }
  const none = production.as(null)
  assert.deepEqual(typeOf(await none.get('/v1/sessions/kakao/authorize')), off)
  assert.deepEqual(typeOf(await none.post('/v1/sessions/kakao', { code: 'c', state: 's' })), off)
  const linked = await production.as(person.accessToken).post('/v1/me/identities/kakao', returned)
  assert.deepEqual(typeOf(linked), off)
  assert.equal((await none.get('/v1/sessions/google/authorize')).status, 200)
  assert.equal((await none.get('/sandbox/oauth/kakao/oauth/authorize')).status, 404)
})
