import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openApiHouse } from '#test/api-house'
import { comeBack, consent, openStandIns } from '#test/social-house'
import { providerNames } from './provider.ts'

const standIns = await openStandIns({ after })
const house = await openApiHouse({ after }, { settings: standIns.settings })
const nobody = house.as(null)
const unbegun = [403, '/problems/identity/state-refused']
const typeOf = ({ status, body }: { status: number; body: { type?: string } }) => [status, body.type]
const browser = { 'sec-fetch-site': 'same-origin' }
let people = 0

/** What a browser has after it began, and what it comes back with. */
async function begin(api = house) {
  people += 1
  const begun = await api.as(null).get('/v1/sessions/kakao/authorize', browser)
  const { code = '', state = '' } = await consent(begun.body.url, { person: people })
  const [cookie] = [begun.headers['set-cookie']].flat() as string[]
  return { returned: { code, state }, cookie: cookie!.split(';')[0]!, whole: cookie! }
}

test('what a browser begins it finishes by a cookie that no script reads and no other site sends', async () => {
  const { returned, cookie, whole } = await begin()
  assert.match(whole, /^podo_social=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/)
  const answer = await nobody.post('/v1/sessions/kakao', { ...returned, cookies: true }, { ...browser, cookie })
  assert.equal(answer.status, 201, answer.text)
  const given = [answer.headers['set-cookie']].flat().map((text) => String(text).split('=')[0])
  assert.deepEqual(given.toSorted(), ['podo_access', 'podo_csrf', 'podo_refresh', 'podo_social'])
  assert.equal(answer.body.accessToken, null)
})

test('with https the cookie belongs to this host only', async () => {
  const secure = await house.secondApi({ publicUrl: 'https://points.example.com' })
  const begun = await secure.as(null).get('/v1/sessions/naver/authorize', browser)
  assert.match(String(begun.headers['set-cookie']), /^__Host-podo_social=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
})

test('nobody is made to finish what somebody else began: another browser, one without the cookie, or no browser', async () => {
  const { returned, cookie } = await begin()
  const other = await begin()
  const finish = async (headers: Record<string, string>) =>
    typeOf(await nobody.post('/v1/sessions/kakao', returned, headers))
  assert.deepEqual(await finish({ ...browser, cookie: other.cookie }), unbegun)
  assert.deepEqual(await finish({ ...browser, cookie: 'podo_social=' }), unbegun)
  assert.deepEqual(await finish(browser), unbegun)
  assert.deepEqual(await finish({}), unbegun)
  assert.deepEqual(await finish({ cookie }), unbegun)
  assert.deepEqual(await finish({ origin: 'https://elsewhere.example.com' }), unbegun)
  // None of them spent it.
  assert.equal((await finish({ ...browser, cookie }))[0], 201)
})

test('what no browser began is finished in none, for signing in and for linking', async () => {
  const victim = await house.person()
  const proof = { currentPassword: victim.password }
  const browsers: Record<string, string>[] = [
    browser,
    { origin: 'http://127.0.0.1:8080' },
    { ...browser, cookie: 'podo_social=' },
  ]
  for (const headers of browsers) {
    const returned = await comeBack(nobody, { provider: 'naver', choices: { person: 900 } })
    assert.deepEqual(typeOf(await nobody.post('/v1/sessions/naver', returned, headers)), unbegun)
    assert.deepEqual(typeOf(await victim.post('/v1/me/identities/naver', { ...returned, ...proof }, headers)), unbegun)
  }
  assert.deepEqual((await victim.get('/v1/me/identities')).body.items, [])
})

test('no parameter leads the person or the answer elsewhere', async () => {
  for (const provider of providerNames) {
    for (const name of ['redirect_uri', 'redirectUri', 'returnTo', 'next']) {
      const begun = await nobody.get(`/v1/sessions/${provider}/authorize?${name}=https://evil.example.com/`, {
        host: 'evil.example.com',
        'x-forwarded-host': 'evil.example.com',
      })
      assert.equal(JSON.stringify(begun.body).includes('evil'), false)
    }
  }
})

test('the page to which a provider sends people back runs one script, loads nothing and holds nothing of the address', async () => {
  for (const provider of providerNames) {
    const query = '?code=%3Cscript%3Ealert(1)%3C/script%3E&state=canary&error=%22onload='
    for (const [language, words] of [
      ['ko', '로그인'],
      ['en', 'Sign in'],
    ] as const) {
      const page = await nobody.get(`/sign-in/${provider}${query}`, { 'accept-language': language })
      assert.equal(page.status, 200)
      assert.ok(page.text.includes(words))
      assert.doesNotMatch(page.text, /alert|canary|onload/)
      const policy = String(page.headers['content-security-policy'])
      assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-[\w+/=]{44}';/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.deepEqual([page.headers['referrer-policy'], page.headers['cache-control']], ['no-referrer', 'no-store'])
    }
  }
})
