import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Fault } from '#sandbox/providers/index'
import { openApiHouse } from '#test/api-house'
import { comeBack, consent, openStandIns, signInThrough } from '#test/social-house'
import { type ProviderName, providerNames } from './provider.ts'

const standIns = await openStandIns({ after })
const house = await openApiHouse({ after }, { settings: standIns.settings })
const nobody = house.as(null)
const typeOf = ({ status, body }: { status: number; body: { type?: string } }) => [status, body.type]
const refused = [403, '/problems/identity/provider-refused']
const unbegun = [403, '/problems/identity/state-refused']
const away = [503, '/problems/identity/provider-away']
const left = async () =>
  (
    await house.ownerSql.rows<{ n: number }>(
      'select (select count(*) from identity.member) + (select count(*) from identity.session) as n',
      [],
    )
  )[0]!.n
let people = 0
const fresh = () => {
  people += 1
  return people
}

const openId: readonly ProviderName[] = ['kakao', 'google']
const ofToken: readonly Fault[] = [
  'wrong-nonce',
  'wrong-audience',
  'wrong-issuer',
  'expired-token',
  'unsigned-token',
  'hmac-token',
  'unknown-key',
  'forged-key',
  'no-id-token',
]
const cases: readonly (readonly [Fault, readonly ProviderName[], unknown[]])[] = [
  ...ofToken.map((fault) => [fault, openId, refused] as const),
  ['expired-code', providerNames, refused],
  ['used-code', providerNames, refused],
  ['wrong-state', providerNames, unbegun],
  ['profile-refused', ['kakao', 'naver'], refused],
  ['profile-refused-ok', ['kakao', 'naver'], refused],
  ['other-profile', ['kakao'], refused],
  ['token-down', providerNames, away],
  ['token-redirect', providerNames, away],
  ['token-garbage', providerNames, away],
  ['token-huge', providerNames, away],
]

for (const [fault, providers, expected] of cases) {
  test(`nobody is signed in, and nothing is made, where a provider goes wrong: ${fault}`, async () => {
    const before = await left()
    for (const provider of providers) {
      const answer = await signInThrough(nobody, { provider, choices: { person: fresh(), fault } })
      assert.deepEqual(typeOf(answer), expected, provider)
    }
    assert.equal(await left(), before)
  })
}

test('each consent page offers what goes wrong at its provider, and nothing else', async () => {
  for (const provider of providerNames) {
    const page = await fetch((await nobody.get(`/v1/sessions/${provider}/authorize`)).body.url)
    const offered = [...(await page.text()).matchAll(/<option value="([^"]+)"/g)].map(([, fault]) => fault)
    const isThere = cases.filter(([, providers]) => providers.includes(provider)).map(([fault]) => fault)
    const others = ['slow-token', 'token-drip', ...(openId.includes(provider) ? ['rotated-key'] : [])]
    assert.deepEqual(offered.toSorted(), [...isThere, ...others].toSorted(), provider)
  }
})

test('503 within the time that a provider has, and the state is spent', async () => {
  const impatient = await house.secondApi({ providerTimeoutMs: 300 })
  const before = await left()
  for (const provider of providerNames) {
    for (const fault of ['slow-token', 'token-drip'] as const) {
      const returned = await comeBack(impatient.as(null), { provider, choices: { person: fresh(), fault } })
      const began = performance.now()
      const answer = await impatient.as(null).post(`/v1/sessions/${provider}`, returned)
      assert.deepEqual([...typeOf(answer), answer.headers['retry-after']], [...away, '5'], provider)
      assert.ok(performance.now() - began < 5_000)
      assert.deepEqual(typeOf(await nobody.post(`/v1/sessions/${provider}`, returned)), unbegun)
    }
  }
  assert.equal(await left(), before)
})

test('503 where a provider cannot be reached, and for linking too; nothing is begun', async () => {
  const nowhere = 'http://127.0.0.1:1/sandbox/oauth/kakao'
  const cut = await house.secondApi({ kakaoUrl: nowhere, naverUrl: nowhere })
  assert.deepEqual(typeOf(await cut.as(null).get('/v1/sessions/kakao/authorize')), away)
  const person = await house.person()
  const begun = await cut.as(null).get('/v1/sessions/naver/authorize')
  const state = new URL(begun.body.url).searchParams.get('state')
  const linked = await cut
    .as(person.accessToken)
    .post('/v1/me/identities/naver', { code: 'c', state, currentPassword: person.password })
  assert.deepEqual(typeOf(linked), away)
})

test('500, for the operator to mend, where a provider does not know this service; the answer has no secret', async () => {
  const secret = 'a secret that the provider does not know'
  const stranger = await house.secondApi({
    kakaoClientSecret: secret,
    naverClientSecret: secret,
    googleClientSecret: secret,
  })
  for (const provider of providerNames) {
    const answer = await signInThrough(stranger.as(null), { provider, choices: { person: fresh() } })
    assert.deepEqual(typeOf(answer), [500, '/problems/http/internal'], provider)
    assert.equal(answer.text.includes(secret), false)
  }
})

test('a provider that changes its signing key is believed at once', async () => {
  for (const provider of openId) {
    for (const fault of ['rotated-key', undefined] as const) {
      const answer = await signInThrough(nobody, { provider, choices: { person: fresh(), ...(fault && { fault }) } })
      assert.equal(answer.status, 201, provider)
    }
  }
})

test('a person who denies comes back with a reason and no code', async () => {
  for (const provider of providerNames) {
    const begun = await nobody.get(`/v1/sessions/${provider}/authorize`)
    const { error, code, state } = await consent(begun.body.url, { denies: true })
    assert.deepEqual([error, code], ['access_denied', undefined])
    assert.equal(state, new URL(begun.body.url).searchParams.get('state'))
  }
})

test('a state is good once, of two at once for one of them', async () => {
  for (const provider of providerNames) {
    const returned = await comeBack(nobody, { provider, choices: { person: fresh() } })
    const answers = await Promise.all([1, 2].map(() => nobody.post(`/v1/sessions/${provider}`, returned)))
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 403], provider)
    assert.deepEqual(typeOf(await nobody.post(`/v1/sessions/${provider}`, returned)), unbegun)
  }
})

test('a state of another provider, or of nobody, is refused, and that of another is not spent by it', async () => {
  const { code, state } = await comeBack(nobody, { provider: 'google', choices: { person: fresh() } })
  for (const provider of ['kakao', 'naver'] as const) {
    assert.deepEqual(typeOf(await nobody.post(`/v1/sessions/${provider}`, { code, state })), unbegun)
  }
  for (const wrong of ['x', `${state}x`, state.slice(1), "' or 1=1 --"]) {
    assert.deepEqual(typeOf(await nobody.post('/v1/sessions/google', { code, state: wrong })), unbegun)
  }
  assert.equal((await nobody.post('/v1/sessions/google', { code, state })).status, 201)
})

test('a code that another state was begun for is refused', async () => {
  for (const provider of providerNames) {
    const theirs = await comeBack(nobody, { provider, choices: { person: fresh() } })
    const own = await comeBack(nobody, { provider, choices: { person: fresh() } })
    const answer = await nobody.post(`/v1/sessions/${provider}`, { code: theirs.code, state: own.state })
    assert.deepEqual(typeOf(answer), refused, provider)
  }
})

test('a state ends after ten minutes, and those that nobody came back for are not kept', async () => {
  const own = await openApiHouse({ after }, { settings: standIns.settings })
  const returned = await comeBack(own.as(null), { provider: 'naver' })
  await own.post('/v1/sandbox/clock', { advanceSeconds: 601 })
  assert.deepEqual(typeOf(await own.as(null).post('/v1/sessions/naver', returned)), unbegun)
  await comeBack(own.as(null), { provider: 'naver' })
  const states = await own.ownerSql.rows<{ n: number }>('select count(*) as n from identity.social_state', [])
  assert.equal(states[0]!.n, 1)
})

test('a secret of the service that has changed lets people finish what they began before, where the former one is kept', async () => {
  const [former, present] = [Buffer.alloc(32, 8).toString('base64'), Buffer.alloc(32, 9).toString('base64')]
  const was = (await house.secondApi({ secretKey: former })).as(null)
  const begin = () => comeBack(was, { provider: 'google', choices: { person: fresh() } })
  const changed = await house.secondApi({ secretKey: present })
  assert.deepEqual(typeOf(await changed.as(null).post('/v1/sessions/google', await begin())), unbegun)
  const kept = await house.secondApi({ secretKey: present, secretKeyFormer: former })
  assert.equal((await kept.as(null).post('/v1/sessions/google', await begin())).status, 201)
})

test('Google is told a challenge and a nonce, Kakao too, and Naver a state, with the one address to come back to', async () => {
  for (const provider of providerNames) {
    const { url } = (await nobody.get(`/v1/sessions/${provider}/authorize`)).body
    const asked = new URL(url).searchParams
    assert.equal(asked.get('redirect_uri'), `http://127.0.0.1:8080/sign-in/${provider}`)
    assert.equal(asked.get('response_type'), 'code')
    assert.match(asked.get('state')!, /^[\w-]{43}$/)
    const isOpenId = provider !== 'naver'
    assert.deepEqual([asked.has('nonce'), asked.get('code_challenge_method') === 'S256'], [isOpenId, isOpenId])
  }
})
