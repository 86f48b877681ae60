import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { buildApp } from '#app'
import { readConfig } from '#platform/config'
import type { HttpServer } from '#platform/http'
import { newId, type Prefix, toPublicId } from '#platform/ids'
import { openLog } from '#platform/log'
import { type Body, openApiHouse, operatorKey } from './api-house.ts'
import { fillPath, listOperations, listRoutes, type Operation, type Request, rightRequest } from './api-operations.ts'
import { root } from './architecture/sources.ts'

/** What anybody may call. */
const publicOperations = ['getLiveness', 'getReadiness', 'getMetrics']

/** What anybody may do who has not signed in. */
const openOperations = [
  'signUp',
  'signIn',
  'refreshSession',
  'getKeySet',
  'requestPasswordReset',
  'resetPassword',
  'requestConfirmation',
  'confirmEmail',
  'confirmEmailChange',
  ...['Kakao', 'Naver', 'Google'].flatMap((name) => [`begin${name}SignIn`, `signInWith${name}`]),
]

/** What the server has beside the operations of its document; anybody may read it. */
const pages = [
  '/',
  '/account/confirm',
  '/account/email',
  '/account/reset',
  '/docs',
  '/docs/',
  '/docs/js/scalar.js',
  '/events/{name}',
  '/favicon.ico',
  '/openapi.json',
  '/problems',
  '/problems/{room}/{name}',
  '/sandbox/mails',
  '/sign-in/kakao',
  '/sign-in/naver',
  '/sign-in/google',
]

/** What the stand-ins of the providers answer inside the demo profile, beside their pages. */
const standIns = [
  'GET /sandbox/oauth/google/.well-known/openid-configuration',
  'GET /sandbox/oauth/google/o/oauth2/v2/auth',
  'GET /sandbox/oauth/google/oauth2/v3/certs',
  'GET /sandbox/oauth/google/v1/userinfo',
  'GET /sandbox/oauth/kakao/.well-known/jwks.json',
  'GET /sandbox/oauth/kakao/.well-known/openid-configuration',
  'GET /sandbox/oauth/kakao/oauth/authorize',
  'GET /sandbox/oauth/kakao/v2/user/me',
  'GET /sandbox/oauth/naver/oauth2.0/authorize',
  'GET /sandbox/oauth/naver/oauth2.0/token',
  'GET /sandbox/oauth/naver/v1/nid/me',
  'POST /sandbox/oauth/google/consent',
  'POST /sandbox/oauth/google/token',
  'POST /sandbox/oauth/kakao/consent',
  'POST /sandbox/oauth/kakao/oauth/token',
  'POST /sandbox/oauth/naver/consent',
  'POST /sandbox/oauth/naver/oauth2.0/token',
]

/** What only a rule of a module refuses, and the test that sees it. */
const seenElsewhere: Readonly<Record<string, readonly [file: string, name: string]>> = {
  'getOperation 503': [
    'src/modules/points/queue.test.ts',
    'while the database is away, whoever is not known is told to come again, and who is that the own operation waits',
  ],
  'createCompany 409': [
    'src/modules/companies/companies.test.ts',
    '409 when the registration number is taken, with hyphens or without, and nothing is left behind',
  ],
  'createMember 409': [
    'src/modules/companies/companies.test.ts',
    '409 when the company has a member of that external id already; another company may use it',
  ],
  'signUp 409': [
    'src/modules/identity/accounts/accounts.test.ts',
    '409 for an address that has an account, however it is written, and nothing is left behind',
  ],
  'confirmEmailChange 409': [
    'src/modules/identity/links/address-change.test.ts',
    '202 whether the address is somebody’s or not; 409 when the link is used of one that is, in any spelling',
  ],
  'changeMe 409': [
    'src/modules/identity/profiles/profiles.test.ts',
    '409 for a nickname that somebody else who signs in has, and nothing is changed',
  ],
  'changeMe 412': [
    'src/modules/identity/profiles/profiles.test.ts',
    '412 for a change of a version that is not the newest, by whichever tag but it, and nothing is changed',
  ],
  'leave 404': [
    'src/modules/companies/leaving.test.ts',
    '404 for somebody whose login went while the request was on its way',
  ],
  'leave 403': [
    'src/modules/companies/leaving.test.ts',
    '403 without the password or with a wrong one, and nothing has changed',
  ],
  'leave 409': [
    'src/modules/companies/leaving.test.ts',
    '409 while paid points are left, with how many, until they are given up expressly',
  ],
  'signIn 401': [
    'src/modules/identity/accounts/accounts.test.ts',
    '401 with the same answer for an address that nobody has and for a wrong password',
  ],
  'refreshSession 401': [
    'src/modules/identity/sessions/sessions.test.ts',
    'a refresh token that comes a second time ends its session, the newest token too',
  ],
  'refreshSession 403': [
    'src/modules/identity/sessions/sessions.test.ts',
    'with cookies no token is shown; the cookie lets in, and what changes something needs the token of its page',
  ],
  'changeRole 409': [
    'src/modules/companies/roles.test.ts',
    'the last owner who signs in is demoted by nobody, also when two demote each other at once, but goes who wants to',
  ],
  'endMembership 409': [
    'src/modules/companies/roles.test.ts',
    'a member whom the company made stays, and is demoted at most',
  ],
  'changeMemberRole 409': [
    'src/modules/identity/roles.test.ts',
    'the last administrator stays one, also when two are demoted at once, twenty times over',
  ],
  'beginKakaoSignIn 404': [
    'src/modules/identity/social/social.test.ts',
    'a provider that is not set up is off: 404 for beginning, signing in and linking',
  ],
  'signInWithKakao 404': [
    'src/modules/identity/social/social.test.ts',
    'a provider that is not set up is off: 404 for beginning, signing in and linking',
  ],
  'signInWithKakao 403': [
    'src/modules/identity/social/faults.test.ts',
    'a state of another provider, or of nobody, is refused, and that of another is not spent by it',
  ],
  'signInWithKakao 409': [
    'src/modules/identity/social/social.test.ts',
    '409 for an address that has an account already: nothing is taken over and nothing made, and its owner links it',
  ],
  'beginNaverSignIn 404': [
    'src/modules/identity/social/social.test.ts',
    'a provider that is not set up is off: 404 for beginning, signing in and linking',
  ],
  'signInWithNaver 404': [
    'src/modules/identity/social/social.test.ts',
    'a provider that is not set up is off: 404 for beginning, signing in and linking',
  ],
  'signInWithNaver 403': [
    'src/modules/identity/social/faults.test.ts',
    'a state of another provider, or of nobody, is refused, and that of another is not spent by it',
  ],
  'beginGoogleSignIn 404': [
    'src/modules/identity/social/social.test.ts',
    'a provider that is not set up is off: 404 for beginning, signing in and linking',
  ],
  'signInWithGoogle 404': [
    'src/modules/identity/social/social.test.ts',
    'a provider that is not set up is off: 404 for beginning, signing in and linking',
  ],
  'signInWithGoogle 403': [
    'src/modules/identity/social/faults.test.ts',
    'a state of another provider, or of nobody, is refused, and that of another is not spent by it',
  ],
  'signInWithGoogle 409': [
    'src/modules/identity/social/social.test.ts',
    '409 for an address that has an account already: nothing is taken over and nothing made, and its owner links it',
  ],
  'linkIdentity 409': [
    'src/modules/identity/social/social.test.ts',
    '409 for an account that is linked to another member, and for a second account of one provider',
  ],
  'unlinkIdentity 409': [
    'src/modules/identity/social/social.test.ts',
    '409 for removing the last way of signing in, and of two removed at once one stays',
  ],
  'createWebhookEndpoint 409': [
    'src/modules/webhooks/webhooks.test.ts',
    '412 for a change of a version that is not the newest; 409 for the eleventh endpoint; a secret is shown once',
  ],
  'changeWebhookEndpoint 412': [
    'src/modules/webhooks/webhooks.test.ts',
    '412 for a change of a version that is not the newest; 409 for the eleventh endpoint; a secret is shown once',
  ],
  'testWebhookEndpoint 409': ['src/modules/webhooks/webhooks.test.ts', '409 for sending to an endpoint that is off'],
  'redriveWebhookDeliveries 409': [
    'src/modules/webhooks/webhooks.test.ts',
    '409 for sending to an endpoint that is off',
  ],
  'redriveWebhookDelivery 409': ['src/modules/webhooks/webhooks.test.ts', '409 for sending to an endpoint that is off'],
  'rotateApiKey 409': [
    'src/modules/companies/api-keys.test.ts',
    'a key of a company is rotated: two are valid at once until the overlap is over, and neither is rotated twice',
  ],
  'chargeWallet 409': [
    'src/modules/points/spending.test.ts',
    '409 for a charge that would pass the bound of a wallet, which holds 2^53−1 points and no more',
  ],
  'spendPoints 409': [
    'src/modules/points/spending.test.ts',
    '409 when the wallet cannot cover the amount, with what there is, and nothing is left behind',
  ],
  'holdPoints 409': ['src/modules/points/holds.test.ts', '409 for a hold of more than can be spent'],
  'postHold 409': ['src/modules/points/holds.test.ts', '409 for whatever is done to a hold that has ended'],
  'voidHold 409': ['src/modules/points/holds.test.ts', '409 for whatever is done to a hold that has ended'],
  'refundTransfer 409': ['src/modules/points/reversals.test.ts', '409 for a refund of what is no spend'],
  'cancelCharge 409': ['src/modules/points/reversals.test.ts', '409 for cancelling what is no charge'],
  'movePoints 409': [
    'src/modules/points/moves.test.ts',
    '409 for a move of more than there is, and one that the receiver has no room for',
  ],
  'createPaymentCode 422': [
    'src/modules/points/codes/codes.test.ts',
    '422 for a payment code asked for under a key that another request has',
  ],
  'lookUpPaymentCode 404': [
    'src/modules/points/codes/codes.test.ts',
    'what is no payment code, of another wallet, or made up is unknown alike',
  ],
  'lookUpPaymentCode 409': [
    'src/modules/points/codes/codes.test.ts',
    'a payment code ends after three minutes by the clock of the programme',
  ],
  'changeEarningRule 412': [
    'src/modules/earning/routes.test.ts',
    '412 for a change of a version of a rule that is not the newest, and nothing is changed',
  ],
  'createEarningRule 404': [
    'src/modules/earning/routes.test.ts',
    'a company makes, sees and changes its own rules only, and everybody sees the programme’s',
  ],
  'createEarning 409': [
    'src/modules/earning/routes.test.ts',
    '409 where no rule is in force, and 400 for somebody who is no member of the company',
  ],
  'refundEarning 409': [
    'src/modules/earning/routes.test.ts',
    '409 for paying back more than was paid, also when several come at once',
  ],
  'advanceClock 409': [
    'src/app.test.ts',
    'the clock refuses what is no positive number of seconds, and to go more than a century',
  ],
}

const house = await openApiHouse({ after }, { withBackground: true })
const operations = listOperations((await house.get('/openapi.json')).body)
const isPublic = ({ id }: Operation) => publicOperations.includes(id)
/** Whoever asks is admitted. */
const isOpen = (operation: Operation) => isPublic(operation) || operation.access.includes('anonymous')

const keyOf = async (scope: string) => house.apiKey((await house.company()).id, { scopes: [scope] })
const keys = { read: await keyOf('read'), members: await keyOf('members') }

/** The same service where a caller may ask once a minute. */
const strict = await house.secondApi({ rateLimits: true, rateLimitAddress: 1, trustedProxies: '127.0.0.0/8' })
let addresses = 0

/** The same service with its database out of reach, and with its tables gone. */
const away = await openAway()
const broken = await openApiHouse({ after })
const schemas = ['companies', 'earning', 'graphile_worker', 'identity', 'ledger', 'points', 'platform', 'webhooks']
for (const schema of schemas) {
  await broken.ownerSql.run(`alter schema ${schema} rename to ${schema}_gone`, [])
}

/** One way of asking, and what every operation answers that it is for. */
interface Way {
  readonly guarantee: string
  readonly isFor: (operation: Operation) => boolean
  readonly status: (operation: Operation) => number
  readonly server?: HttpServer
  /** The requests to make of one that succeeds. */
  readonly toRequests: (right: Request, operation: Operation) => Sent[] | Promise<Sent[]>
  /** What the answer has beside its status. */
  readonly says?: RegExp
}

interface Sent extends Omit<Request, 'ids' | 'credential'> {
  readonly credential?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

const withHeaders = (headers: Sent['headers']) => (right: Request) => [{ ...right, headers: headers! }]
// A batch whose key the server makes answers for each item instead.
const withKey = (right: Request) => [{ ...right, headers: { 'idempotency-key': newId() } }]
const hasBody = ({ fields }: Operation) => fields !== null
const isChange = ({ method }: Operation) => method !== 'GET'
const always = (status: number) => () => status
const success = ({ statuses }: Pick<Operation, 'statuses'>) => statuses.find((status) => status < 300)!

const ways: readonly Way[] = [
  {
    guarantee: 'every operation succeeds with its own example',
    isFor: () => true,
    status: success,
    toRequests: (right) => [right],
  },
  {
    guarantee: 'what moves points is taken on where the caller would rather come back for it; all else is done at once',
    isFor: ({ takesKey }) => takesKey,
    status: ({ statuses }) => (statuses.includes(202) ? 202 : success({ statuses })),
    toRequests: withHeaders({ prefer: 'respond-async' }),
  },
  {
    guarantee: '401 on every operation for a caller without a key or with a wrong one, but for those listed as public',
    isFor: (operation) => !isOpen(operation),
    status: always(401),
    toRequests: (right) =>
      ['', 'Bearer nobody'].flatMap((authorization) => {
        const sent = { ...right, headers: { authorization } }
        return right.method === 'GET' ? [sent, { ...sent, method: 'HEAD' as const }] : [sent]
      }),
  },
  {
    guarantee: '403 on every operation for a key without a scope for it',
    isFor: (operation) => !isOpen(operation),
    status: always(403),
    async toRequests(right, { access }) {
      const secret = access.some((word) => /\bkey:read$/.test(word)) ? keys.members : keys.read
      return [{ ...right, headers: { authorization: `Bearer ${secret}` } }]
    },
    says: /"type":"\/problems\/http\/(?:forbidden|scope-missing)"/,
  },
  {
    guarantee: '403 on every operation that changes something for a browser’s page from elsewhere, by cookie',
    isFor: isChange,
    status: always(403),
    toRequests: (right) => [
      { ...right, credential: null, headers: { cookie: 'podo_access=x', 'sec-fetch-site': 'cross-site' } },
    ],
    says: /"type":"\/problems\/http\/cross-site"/,
  },
  {
    guarantee: '406 on every operation where JSON is not acceptable',
    isFor: (operation) => !isPublic(operation),
    status: always(406),
    toRequests: withHeaders({ accept: 'text/csv' }),
  },
  {
    guarantee: '413 on every operation for a body over the limit',
    isFor: hasBody,
    status: always(413),
    toRequests: (right) => [{ ...right, body: `{"a":"${'a'.repeat(3 * 1024 * 1024)}"}` }],
  },
  {
    guarantee: '415 on every operation for a body that is not JSON by its own word',
    isFor: hasBody,
    status: always(415),
    toRequests: withHeaders({ 'content-type': 'text/plain' }),
  },
  {
    guarantee: '400 on every operation for a body that is malformed',
    isFor: hasBody,
    status: always(400),
    toRequests: (right) => ['{"a":', '[', '5', '"a"'].map((body) => ({ ...right, body })),
    says: /"pointer":""/,
  },
  {
    guarantee: '400 on every operation for a field that it does not know',
    isFor: hasBody,
    status: always(400),
    toRequests: (right) => [{ ...right, body: { ...right.body, colour: 'red' } }],
    says: /"pointer":"\/colour"/,
  },
  {
    guarantee: '400 on every list for a field of the query that it does not know',
    isFor: ({ takesQuery }) => takesQuery,
    status: always(400),
    toRequests: (right) => [{ ...right, url: `${right.url}?colour=red` }],
    says: /"pointer":"\/colour"/,
  },
  {
    guarantee: '422 on every operation for a key that another request has',
    // Without a field or an id there is no other request of the operation's own.
    isFor: ({ takesKey, path, fields }) => takesKey && (path.includes('{') || Object.keys(fields ?? {}).length > 0),
    status: always(422),
    async toRequests(right, operation) {
      const headers = { 'idempotency-key': newId() }
      assert.equal((await send(house.server, { ...right, headers })).statusCode, success(operation))
      return [{ ...(await toAnother(right, operation)), headers }]
    },
  },
  {
    guarantee: '404 on every operation for an id that nothing has, or that is none',
    isFor: ({ path }) => path.includes('{'),
    status: always(404),
    toRequests: (right, { path }) =>
      [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => {
        const unknown = toPublicId(right.ids[name!]!.split('_')[0] as Prefix, newId())
        return [unknown, 'nonsense'].map((id) => ({ ...right, url: fillPath(path, { ...right.ids, [name!]: id }) }))
      }),
  },
  {
    guarantee: '429 on every operation for an address that asks too often, with when to come back',
    isFor: (operation) => !isPublic(operation),
    status: always(429),
    server: strict.server,
    async toRequests(right) {
      addresses += 1
      const headers = { 'x-forwarded-for': `2001:db8:0:${addresses.toString(16)}::1`, authorization: 'Bearer nobody' }
      assert.notEqual((await send(strict.server, { ...right, headers })).statusCode, 429)
      return [{ ...right, headers: { ...headers, 'x-forwarded-for': headers['x-forwarded-for'].replace(/1$/, '2') } }]
    },
    says: /"retryAfterSeconds":\d+/,
  },
  {
    guarantee: '503 on every operation while the database is away, but that what was taken on waits',
    isFor: (operation) => !isPublic(operation) || operation.id === 'getReadiness',
    status: ({ id }) => (id === 'getOperation' ? 200 : 503),
    server: away,
    toRequests: withKey,
  },
  {
    guarantee: '500 on every operation for what nobody foresaw, without a word of what it was',
    isFor: (operation) => !isPublic(operation),
    status: always(500),
    server: broken.server,
    toRequests: withKey,
    says: /^(?!.*(?:relation|ledger\.|companies\.|earning\.|identity\.|points\.|platform\.|webhooks\.))/,
  },
]

for (const { guarantee, isFor, status, toRequests, server = house.server, says = /^/ } of ways) {
  test(guarantee, async () => {
    const wrong: string[] = []
    const asked = operations.filter(isFor)
    assert.notDeepEqual(asked, [])
    for (const operation of asked) {
      for (const request of await toRequests(await rightRequest(house, operation), operation)) {
        const answer = await send(server, request)
        const isRight = answer.statusCode === status(operation) && says.test(answer.body)
        if (!isRight) wrong.push(`${operation.id} ${status(operation)}: ${answer.statusCode} ${answer.body}`)
      }
    }
    assert.deepEqual(wrong, [])
  })
}

test('405 with the methods that it has on every address, for each other method', async () => {
  const byPath = Map.groupBy(listRoutes(house), ({ path }) => path)
  for (const [path, routes] of byPath) {
    const own = routes.map(({ method }) => method)
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      if (own.includes(method)) continue
      const { statusCode, headers } = await send(house.server, { method, url: fillPath(path, {}) })
      const allow = String(headers.allow).split(', ')
      assert.deepEqual([statusCode, allow.toSorted()], [405, own.toSorted()], `${method} ${path}`)
    }
  }
})

test('every route is an operation of the document, or a page that is listed', () => {
  const known = [
    ...operations.map(({ method, path }) => `${method} ${path}`),
    ...pages.map((path) => `GET ${path}`),
    ...standIns,
  ].flatMap((route) => (route.startsWith('GET ') ? [route, `HEAD ${route.slice(4)}`] : [route]))
  const routes = listRoutes(house).map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual(routes.toSorted(), known.toSorted())
})

test('an operation is public in the document where it is listed as public, and nowhere else', async () => {
  const { paths } = (await house.get('/openapi.json')).body
  const open = Object.values<Body>(paths)
    .flatMap((methods) => Object.values<Body>(methods))
    .filter((operation) => operation['x-podo-access'].includes('public') || operation.security.length === 0)
  assert.deepEqual(
    open.map(({ operationId }) => operationId).toSorted(),
    [...publicOperations, ...openOperations].toSorted(),
  )
})

test('what anybody may do that changes something, and what asks for a password, has a limit of its own', () => {
  const asks = ({ fields }: Operation) => Object.keys(fields ?? {}).some((name) => /password/i.test(name))
  const open = operations.filter((it) => isChange(it) && (it.access.includes('anonymous') || asks(it)))
  assert.ok(open.length >= 7)
  assert.deepEqual(
    open.filter(({ limits }) => limits === null).map(({ id }) => id),
    [],
  )
})

test('every status that the document lists is seen, and every one that is seen is listed', async () => {
  const listed = operations.flatMap(({ id, statuses }) => statuses.map((status) => `${id} ${status}`))
  const here = ways.flatMap(({ isFor, status }) => operations.filter(isFor).map((it) => `${it.id} ${status(it)}`))
  const seen = new Set([...here, ...Object.keys(seenElsewhere)])
  assert.deepEqual([...new Set(listed).difference(seen)], [], 'listed, and no test sees it')
  assert.deepEqual([...seen.difference(new Set(listed))], [], 'seen, and not listed')
})

test('what is seen elsewhere is seen by a test that exists', async () => {
  for (const [file, name] of Object.values(seenElsewhere)) {
    const text = await readFile(join(root, file), 'utf8')
    assert.ok(text.includes(`test('${name}',`), `${file} has no test "${name}"`)
  }
})

test('no column that is stored can be set by a body, or by an item of a batch, that has no such field', async () => {
  const columns = await listColumns()
  assert.ok(columns.includes('wallet_id') && columns.includes('walletId') && columns.length > 80)
  const taken: string[] = []
  for (const operation of operations.filter(hasBody)) {
    const right = await rightRequest(house, operation)
    const [, noun] = /^\/v1\/(wallet|transfer|hold)s\/\{id\}\//.exec(operation.path) ?? []
    const item = { kind: /^[a-z]+/.exec(operation.id)?.[0], [`${noun}Id`]: right.ids.id, ...right.body }
    for (const column of columns) {
      if (column in operation.fields!) continue
      const refused = `"pointer":"/${column}"`
      const single = await send(house.server, { ...right, body: { ...right.body, [column]: 1 } })
      if (single.statusCode !== 400 || !single.body.includes(refused)) taken.push(`${operation.id} ${column}`)
      if (!noun || column in item) continue
      const { results } = (await house.post('/v1/transfers/batch', { transfers: [{ ...item, [column]: 1 }] })).body
      const [result] = results
      const isRefused = result.status === 400 && JSON.stringify(result.problem).includes(refused)
      if (!isRefused) taken.push(`bookTransfers: ${item.kind} ${column}`)
    }
  }
  assert.deepEqual(taken, [])
})

/** Of every table, as SQL spells them and as JSON would. */
async function listColumns(): Promise<string[]> {
  const schema = await readFile(join(root, 'schema.sql'), 'utf8')
  const names = [...schema.matchAll(/^create table [\w.]+ \(\n((?: {2}.*\n)+)\)/gm)]
    .flatMap(([, body]) => [...body!.matchAll(/^ {2}(?!constraint )(\w+) /gm)])
    .map(([, name]) => name!)
  return [...new Set(names.flatMap((name) => [name, name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())]))]
}

/** Another request with the body or, where it has no field to change, the address of another. */
async function toAnother(right: Request, operation: Operation): Promise<Request> {
  const fields = Object.entries(operation.fields ?? {})
  const changed = (type: string, value: unknown) => {
    const name = fields.findLast(
      ([, { type: types, format }]) => [types].flat().includes(type) && format === undefined,
    )?.[0]
    return name && { ...right, body: { ...right.body, [name]: value } }
  }
  return (
    changed('integer', 3) || changed('string', 'Another text') || changed('array', []) || rightRequest(house, operation)
  )
}

function send(server: HttpServer, { method, url, credential = operatorKey, body, headers }: Sent) {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const authorization = credential === null ? {} : { authorization: `Bearer ${credential}` }
  const all = { ...authorization, 'accept-language': 'en', ...type, ...headers }
  return server.inject({ method, url, headers: all, ...(body === undefined ? {} : { payload: body }) })
}

async function openAway(): Promise<HttpServer> {
  const databaseUrl = 'postgres://podo_service:x@127.0.0.1:1/podo'
  const config = readConfig({ PODO_LANGUAGE: 'en' }, import.meta.dirname)
  const { server, close } = await buildApp({ config, databaseUrl, operatorKey, log: openLog({ level: 'silent' }) })
  after(close)
  return server
}
