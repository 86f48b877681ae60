import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Api, openApiHouse } from '#test/api-house'

const publicUrl = 'https://points.example.com'
const trusted = 'https://app.example.com'
const foreign = 'https://elsewhere.example.com'
const house = await openApiHouse(
  { after },
  { settings: { publicUrl, corsOrigins: `${trusted}, https://b.example.com` } },
)
const nobody = house.as(null)

test('every answer tells browsers that it runs nothing, is framed by nobody and kept nowhere, and to come by https', async () => {
  const plain = await house.secondApi({ publicUrl: 'http://127.0.0.1:8080' })
  for (const path of ['/v1/companies', '/nowhere', '/v1/companies?limit=0', '/v1/companies/%zz', '/openapi.json']) {
    const { headers } = await house.get(path)
    const told = {
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
    }
    for (const [name, value] of Object.entries(told)) assert.equal(headers[name], value, `${path} ${name}`)
    assert.equal(headers.server ?? headers['x-powered-by'], undefined)
    assert.equal((await plain.get(path)).headers['strict-transport-security'], undefined)
  }
})

const preflight = async (origin: string, url: string, method = 'POST', api: Api = house) => {
  const headers = { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization' }
  const answer = await api.server.inject({ method: 'OPTIONS', url, headers })
  return { status: answer.statusCode, headers: answer.headers }
}

test('a page of a trusted origin may ask first, and read the answer with the fields that clients need', async () => {
  const asked = await preflight(trusted, '/v1/companies/cmp_x/members')
  assert.equal(asked.status, 204)
  assert.equal(asked.headers['access-control-allow-origin'], trusted)
  assert.equal(asked.headers['access-control-allow-methods'], 'GET, HEAD, POST')
  assert.match(String(asked.headers['access-control-allow-headers']), /Authorization, Content-Type, Idempotency-Key/)
  const { status, headers } = await nobody.get('/v1/companies', { origin: trusted })
  assert.deepEqual([status, headers['access-control-allow-origin']], [401, trusted])
  assert.match(String(headers['access-control-expose-headers']), /ETag.*Retry-After.*RateLimit.*Idempotency-Key/)
  assert.equal(headers.vary, 'Origin')
})

test('a page from anywhere else may read nothing, and neither may one where no origin is trusted', async () => {
  const strict = await house.secondApi({ corsOrigins: null })
  for (const [origin, api] of [
    [foreign, house],
    ['null', house],
    [`${trusted}.evil.example.com`, house],
    [trusted, strict],
  ] as const) {
    const asked = await preflight(origin, '/v1/companies', 'POST', api)
    assert.deepEqual([asked.status, asked.headers['access-control-allow-origin']], [405, undefined], origin)
    const { headers } = await api.get('/v1/companies', { origin })
    assert.equal(headers['access-control-allow-origin'], undefined, origin)
  }
})

test('a preflight for an address that is none is 404, and OPTIONS that is no preflight 405', async () => {
  assert.equal((await preflight(trusted, '/v1/nothing')).status, 404)
  const plain = await house.server.inject({ method: 'OPTIONS', url: '/v1/companies', headers: { origin: trusted } })
  assert.equal(plain.statusCode, 405)
})

/** What a browser of today sends along for a page at `site`, and what one of yesterday does. */
const pages: Readonly<Record<'elsewhere' | 'ours', readonly Readonly<Record<string, string>>[]>> = {
  elsewhere: [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: foreign },
    { origin: foreign },
    { origin: 'null' },
  ],
  ours: [
    {},
    { 'sec-fetch-site': 'same-origin', origin: publicUrl },
    { 'sec-fetch-site': 'none' },
    { origin: publicUrl },
    { origin: 'http://localhost:80' },
    { 'sec-fetch-site': 'same-site', origin: trusted },
  ],
}

test('nobody is signed in, or signed up, with cookies by a page from elsewhere', async () => {
  const { email, password } = await house.person()
  const signIn = (headers: object, cookies: boolean) =>
    nobody.post('/v1/sessions', { email, password, cookies }, { host: 'localhost:80', ...headers })
  for (const headers of pages.elsewhere) {
    const refused = await signIn(headers, true)
    assert.deepEqual([refused.status, refused.body.type], [403, '/problems/http/cross-site'], JSON.stringify(headers))
    assert.equal(refused.headers['set-cookie'], undefined)
    assert.equal((await signIn(headers, false)).status, 201, 'without cookies it is a request like any other')
    const body = { email: 'else@example.com', password, nickname: '남의 페이지', cookies: true }
    assert.equal((await nobody.post('/v1/accounts', body, headers)).status, 403)
  }
  for (const headers of pages.ours) assert.equal((await signIn(headers, true)).status, 201, JSON.stringify(headers))
})

test('no page from elsewhere changes anything by somebody’s cookies, refreshes or signs out', async () => {
  const { email, password, accessToken } = await house.person()
  const { body, headers } = await nobody.post('/v1/sessions', { email, password, cookies: true })
  const cookie = (headers['set-cookie'] as string[]).map((line) => line.split('; ')[0]).join('; ')
  const by = { host: 'localhost:80', cookie, 'x-csrf-token': body.csrfToken }
  for (const page of pages.elsewhere) {
    for (const [method, path] of [
      ['post', '/v1/sessions/refresh'],
      ['delete', '/v1/sessions/current'],
      ['put', '/v1/me/password'],
    ] as const) {
      const refused = await nobody[method](path, {}, { ...by, ...page })
      assert.deepEqual([refused.status, refused.body.type], [403, '/problems/http/cross-site'], `${method} ${path}`)
    }
    assert.equal((await nobody.get('/v1/me', { ...by, ...page })).status, 200)
    const bearer = { ...by, ...page, authorization: `Bearer ${accessToken}` }
    assert.equal((await nobody.post('/v1/sessions/refresh', { refreshToken: 'x' }, bearer)).status, 401)
  }
  for (const page of pages.ours) {
    const answer = await nobody.put('/v1/me/password', {}, { ...by, ...page })
    assert.equal(answer.status, 400, JSON.stringify(page))
  }
})

test('an address of more than 8,000 characters is 414, wherever it leads', async () => {
  const long = 'a'.repeat(8_000)
  for (const path of [`/v1/companies?cursor=${long}`, `/v1/companies/${long}`, `/${long}`]) {
    const { status, body } = await house.get(path)
    assert.deepEqual(
      [status, body.type, body.lengthMax],
      [414, '/problems/http/uri-too-long', 8_000],
      path.slice(0, 20),
    )
  }
})

const sessionsFrom = async (api: Api, sent: { remoteAddress: string; forwarded?: string }) => {
  const { accessToken, email, password } = await house.person()
  const headers = sent.forwarded === undefined ? {} : { 'x-forwarded-for': sent.forwarded }
  const { remoteAddress } = sent
  const payload = { email, password }
  const made = await api.server.inject({ method: 'POST', url: '/v1/sessions', headers, payload, remoteAddress })
  assert.equal(made.statusCode, 201, made.body)
  return (await api.as(accessToken).get('/v1/sessions')).body.items[0].address
}

test('behind a trusted proxy a request comes from where the proxy says; nobody else can say so', async () => {
  const behind = await house.secondApi({ trustedProxies: '10.0.0.0/8, fd00::/8' })
  const [direct, proxy] = ['198.51.100.7', '10.1.2.3']
  const forwarded = '203.0.113.9'
  assert.equal(await sessionsFrom(house, { remoteAddress: direct, forwarded }), direct)
  assert.equal(await sessionsFrom(behind, { remoteAddress: direct, forwarded }), direct)
  assert.equal(await sessionsFrom(behind, { remoteAddress: proxy, forwarded }), forwarded)
  assert.equal(await sessionsFrom(behind, { remoteAddress: 'fd00::1', forwarded }), forwarded)
  // What a client sent along stands to the left of what the proxy added.
  assert.equal(await sessionsFrom(behind, { remoteAddress: proxy, forwarded: `192.0.2.1, ${forwarded}` }), forwarded)
  assert.equal(await sessionsFrom(behind, { remoteAddress: proxy, forwarded: `nonsense, ${proxy}` }), proxy)
  assert.equal(await sessionsFrom(behind, { remoteAddress: proxy }), proxy)
  assert.equal(await sessionsFrom(behind, { remoteAddress: proxy, forwarded: `nonsense, ${forwarded}` }), forwarded)
})

test('an address is read as proxies write it: with a port, in brackets, IPv4 as IPv6', async () => {
  const behind = await house.secondApi({ trustedProxies: '10.0.0.0/8, ::ffff:192.0.2.0/120' })
  const read = (forwarded: string, remoteAddress = '::ffff:10.1.2.3') =>
    sessionsFrom(behind, { remoteAddress, forwarded })
  assert.equal(await read('203.0.113.9:5678'), '203.0.113.9')
  assert.equal(await read('[2001:db8::9]:5678'), '2001:db8::9')
  assert.equal(await read('[2001:db8::9]'), '2001:db8::9')
  assert.equal(await read('::ffff:cb00:7109', '192.0.2.1'), '203.0.113.9')
  assert.equal(await read('203.0.113.9:5678, 10.9.9.9:443,  192.0.2.1:443'), '203.0.113.9')
  assert.equal(await read('203.0.113.9:5678:90, 10.9.9.9:443'), '10.9.9.9', 'what is no address was said by this one')
})
