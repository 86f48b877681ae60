import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openLog } from '#platform/log'
import { type ApiHouse, type Body, openApiHouse, operatorKey } from './api-house.ts'
import { fillPath, listOperations } from './api-operations.ts'
import { until } from './harness.ts'

const isLong = process.env.PODO_TEST_LONG === '1'

/** Everything that whoever runs the service gets to see of it. */
const seen: string[] = []
const writeError = process.stderr.write
process.stderr.write = ((chunk: string | Uint8Array, ...more: never[]) => {
  seen.push(String(chunk))
  return writeError.call(process.stderr, chunk, ...more)
}) as typeof process.stderr.write
after(() => {
  process.stderr.write = writeError
})

const log = openLog({ level: 'trace', write: (line) => seen.push(line) })
const house = await openApiHouse({ after }, { withBackground: true, log })

/** What nobody but its owner may ever see. */
const secrets: Record<string, string> = {
  'operator key': operatorKey,
  password: '카나리아가 부른 노래 8261',
  'wrong password': 'canary-wrong-8261-password',
  'new password': '카나리아가 떠난 새장 9372',
  'weak password': 'password8261',
  'wrong key': 'podo_sk_canary-8261-nobodys',
  'wrong token': 'eyJhbGciOiJFZERTQSJ9.canary8261.bm9ib2R5',
  'wrong refresh token': 'podo_rt_canary-8261-nobodys',
  'wrong link': 'canary8261linkcanary8261linkcanary8261linkcanary8261linkcanary82',
}

/** What is about a person: it is stored, and answered to whoever may read it, but it is in no log and no refusal. */
const personal = {
  email: 'canary.8261@example.com',
  nickname: '카나리아 8261',
  birthOn: '1987-03-14',
  bio: '카나리아는 노래를 좋아합니다.',
}

const refusals: string[] = []

interface Sent {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | string
}

/** Sends something, keeps what a refusal says, and answers the body of what succeeded. */
async function send(of: ApiHouse, { method = 'POST', url, headers = {}, body }: Sent): Promise<Body> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const all = { 'user-agent': 'canaries', ...type, ...headers }
  const answer = await of.server.inject({ method, url, headers: all, ...(body === undefined ? {} : { payload: body }) })
  if (answer.statusCode >= 400)
    refusals.push(`${method} ${url.slice(0, 30)}: ${JSON.stringify(answer.headers)} ${answer.body}`)
  return /json/.test(String(answer.headers['content-type'])) ? JSON.parse(answer.body) : {}
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** A person and a company go about their business, well and badly. */
async function live(of: ApiHouse): Promise<void> {
  const { password } = secrets
  const signUp = { ...personal, password }
  const { accessToken, refreshToken } = await send(of, { url: '/v1/accounts', body: signUp })
  assert.ok(accessToken)
  const own = bearer(accessToken)
  const signIn = (more: object) => send(of, { url: '/v1/sessions', body: { email: personal.email, password, ...more } })
  const { csrfToken } = await signIn({ cookies: true })
  const refreshed = await send(of, { url: '/v1/sessions/refresh', body: { refreshToken } })
  await send(of, { url: '/v1/sessions/refresh', body: { refreshToken } })
  await signIn({ password: secrets['wrong password'] })
  await send(of, { url: '/v1/accounts', body: signUp })
  await send(of, { url: '/v1/accounts', body: { ...signUp, password: secrets['weak password'] } })
  const again = await signIn({})
  const key = await of.apiKey((await of.company()).id, { scopes: ['read', 'members', 'points'] })
  const { code } = await send(of, { url: '/v1/me/payment-codes', headers: bearer(again.accessToken), body: {} })
  await send(of, { url: '/v1/payment-codes/lookup', headers: bearer(key), body: { paymentCode: code } })
  await send(of, { method: 'GET', url: '/v1/companies', headers: bearer(key) })
  await send(of, { url: '/v1/password-resets', body: { email: personal.email } })
  Object.assign(secrets, { accessToken, refreshToken, csrfToken, key, code, again: again.accessToken })
  Object.assign(secrets, { refreshed: refreshed.refreshToken, once: again.refreshToken })
  const links = await until('the mails came', async () => {
    const mails = await of.mails(personal.email)
    const found = mails.flatMap(({ text }) => /#([\w-]{72})$/m.exec(text)?.[1] ?? [])
    return found.length >= 2 ? found : null
  })
  Object.assign(secrets, Object.fromEntries(links.map((link, at) => [`link ${at}`, link])))
  const change = { currentPassword: secrets.password, newPassword: secrets['new password'] }
  const changing = { method: 'PUT', url: '/v1/me/password', headers: bearer(again.accessToken), body: change } as const
  await send(of, { ...changing, body: { ...change, currentPassword: secrets['wrong password'] } })
  await send(of, changing)
  await send(of, { method: 'DELETE', url: '/v1/sessions/current', headers: own })
}

/** Whoever calls wrongly: every operation, with secrets wherever somebody could put one. */
async function annoy(of: ApiHouse): Promise<void> {
  const operations = listOperations((await house.get('/openapi.json')).body)
  const all = { ...personal, ...secrets, refreshToken: secrets.refreshToken, currentPassword: secrets.password }
  const headers: Record<string, string>[] = [
    {},
    ...['operator key', 'wrong key', 'wrong token', 'accessToken', 'key'].map((name) => bearer(secrets[name]!)),
    { authorization: `Basic ${secrets.password!.replaceAll(/[^\x20-\x7e]/g, '')}${secrets['wrong password']}` },
    { cookie: `podo_access=${secrets.accessToken}; podo_refresh=${secrets.refreshToken}`, 'x-csrf-token': 'x' },
  ]
  // There are more callers than bodies: in the short run, too, each operation gets each body.
  let turn = 0
  for (const { method, path, fields } of operations) {
    const ids = { id: secrets['wrong link']!, token: secrets['link 0']!, keyId: secrets.key! }
    const url = fillPath(path, ids).replace(/\{\w+\}/g, 'x')
    for (const sent of headers) {
      const one = { method, url, headers: sent } as Sent
      await send(of, { ...one, url: `${url}?password=${encodeURIComponent(secrets.password!)}&token=${ids.token}` })
      if (fields === null) continue
      const text = JSON.stringify(all)
      const bodies = [all, text.slice(0, -1), `${text.slice(0, -1)},"n":1e400}`, '[5]'].map((body) => ({ body }))
      const ways = [...bodies, { body: text, headers: { ...sent, 'content-type': 'text/plain' } }]
      turn += 1
      for (const way of isLong ? ways : [ways[turn % ways.length]]) await send(of, { ...one, ...way })
    }
  }
}

/** The same, at a database that answers with errors of its own, which quote what they were given. */
async function breakDown(of: ApiHouse): Promise<void> {
  const quoting = [
    "alter table identity.member add constraint canary check (nickname not like '카나리아%') not valid",
    'alter table identity.session add constraint canary check (device <> $$canaries$$) not valid',
  ]
  for (const statement of quoting) await of.ownerSql.run(statement, [])
  const other = { ...personal, email: 'canary.9372@example.com', nickname: '카나리아 9372', password: secrets.password }
  await send(of, { url: '/v1/accounts', body: other })
  await send(of, { url: '/v1/sessions', body: { email: personal.email, password: secrets['new password'] } })
  for (const schema of ['identity', 'companies', 'ledger', 'platform']) {
    await of.ownerSql.run(`alter schema ${schema} rename to ${schema}_gone`, [])
  }
  await annoy(of)
}

test('PostgreSQL logs neither statements nor the rows that an error quotes', async () => {
  const names = ['log_error_verbosity', 'log_min_error_statement', 'log_parameter_max_length_on_error']
  const [row] = await house.ownerSql.rows<{ all: string[] }>(
    'select array_agg(current_setting(name) order by at) as all from unnest($1::text[]) with ordinality x(name, at)',
    [names],
  )
  assert.deepEqual(row!.all, ['terse', 'panic', '0'])
})

/** The names of those that a text holds. */
function findIn(text: string, canaries: Readonly<Record<string, string>>): string[] {
  return Object.entries(canaries).flatMap(([name, canary]) => {
    const forms = [canary, encodeURIComponent(canary), JSON.stringify(canary).slice(1, -1)]
    return forms.some((form) => text.includes(form)) ? [`${name}: ${around(text, forms)}`] : []
  })
}

function around(text: string, forms: readonly string[]): string {
  const at = Math.max(...forms.map((form) => text.indexOf(form)))
  return text.slice(Math.max(0, at - 200), at + 100)
}

test('no secret and nothing about a person is in the log, in the metrics, on stderr or in a refusal; no secret is stored', async () => {
  await live(house)
  await annoy(house)
  const tables = await house.ownerSql.rows<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
    [],
  )
  assert.ok(tables.length > 20)
  for (const { name } of tables) {
    const rows = await house.ownerSql.rows<{ text: string }>(`select t::text as text from ${name} t`, [])
    for (const { text } of rows) assert.deepEqual(findIn(text, secrets), [], name)
  }
  const { text: metrics } = await house.get('/metrics')
  await breakDown(house)
  const everything = { ...secrets, ...personal, email2: '9372@example.com', nickname2: '카나리아 9372' }
  assert.deepEqual(findIn(metrics, everything), [])
  assert.ok(
    seen.some((line) => line.includes('"level":"error"')),
    'what broke was logged',
  )
  assert.ok(
    seen.some((line) => line.includes('"level":"debug"')),
    'every answer was logged',
  )
  for (const line of seen) assert.deepEqual(findIn(line, everything), [])
  assert.ok(refusals.length > 500, String(refusals.length))
  for (const refusal of refusals) assert.deepEqual(findIn(refusal, everything), [])
})
