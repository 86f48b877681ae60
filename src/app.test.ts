import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { buildApp, startApp } from '#app'
import { problems } from '#catalogue'
import { readConfig } from '#platform/config'
import { addJob } from '#platform/job-queue'
import { openLog } from '#platform/log'
import type { Text } from '#platform/problem'
import { system } from '#platform/work'
import { openApiHouse, operatorKey } from '#test/api-house'
import { openHouse, until } from '#test/harness'
import { openLedgerHouse } from '#test/ledger-house'

const log = openLog({ level: 'silent' })
const config = readConfig({ PORT: '0', WORKER_PORT: '0' }, import.meta.dirname)

test('live while it runs, ready while the database answers, and what is not ready is named', async (t) => {
  const house = await openHouse(t)
  let databaseProblem: Text | null = null
  const options = { config, databaseUrl: house.serviceUrl, operatorKey, log, databaseProblem: () => databaseProblem }
  const { server, close } = await buildApp(options)
  house.onClose(close)
  assert.deepEqual((await server.inject('/health/live')).json(), { status: 'live' })
  const ready = await server.inject('/health/ready')
  // The server of the test run is quick but forgetful.
  const expected = { status: 'ready', checks: ['database'], warnings: {}, durability: 'process' }
  assert.deepEqual([ready.statusCode, ready.json()], [200, expected])
  databaseProblem = { ko: 'PostgreSQL을 다시 시작하고 있습니다.', en: 'PostgreSQL is being restarted.' }
  const answer = await server.inject('/health/ready')
  assert.equal(answer.statusCode, 503)
  assert.equal(answer.json().waitingFor, 'database')
  assert.equal(answer.json().database, databaseProblem.ko)
  const english = await server.inject({ url: '/health/ready', headers: { 'accept-language': 'en' } })
  assert.equal(english.json().database, databaseProblem.en)
})

test('a transaction that holds the horizon is a metric, and a warning that names its session once it is old', async (t) => {
  const house = await openHouse(t)
  const open = async (horizonAgeMaxSeconds?: number) => {
    const more = horizonAgeMaxSeconds === undefined ? {} : { horizonAgeMaxSeconds }
    const app = await buildApp({ config, databaseUrl: house.serviceUrl, operatorKey, log, ...more })
    house.onClose(app.close)
    return app.server
  }
  const client = new pg.Client({ connectionString: house.ownerUrl, application_name: 'forgotten' })
  await client.connect()
  house.onClose(() => client.end())
  await client.query('begin')
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid, pg_current_xact_id()')
  const said = new RegExp(`^The session "forgotten" \\(process ${rows[0]!.pid}, .*idle in transaction\\) has held`)

  const strict = await open(0.2)
  // Sessions of other tests hold it too, for a moment.
  const warned = await until('the session is named', async () => {
    const ready = await strict.inject({ url: '/health/ready', headers: { 'accept-language': 'en' } })
    assert.equal(ready.statusCode, 200)
    return said.exec(ready.json().warnings.horizon ?? '')
  })
  assert.ok(warned)
  const age = async (server: typeof strict) =>
    Number(/^podo_database_horizon_age_seconds ([\d.]+)$/m.exec((await server.inject('/metrics')).body)?.[1])
  assert.ok((await age(strict)) >= 0.2)

  const patient = await open(3_600)
  assert.ok((await age(patient)) >= 0.2)
  assert.deepEqual((await patient.inject('/health/ready')).json().warnings, {})
  await client.query('rollback')
  await until('its age is gone', async () => (await age(strict)) < 0.2)
})

test('503 with Retry-After, never 500, while PostgreSQL cannot be reached; the process stays live', async () => {
  const databaseUrl = 'postgres://podo_service:x@127.0.0.1:1/podo'
  const { server, close } = await buildApp({ config, databaseUrl, operatorKey, log })
  const headers = { authorization: `Bearer ${operatorKey}` }
  const payload = { name: 'x', registrationNumber: '123-45-67891' }
  const answers = [
    await server.inject({ url: '/v1/companies', headers }),
    await server.inject({ method: 'POST', url: '/v1/companies', headers, payload }),
    await server.inject('/health/ready'),
  ]
  for (const { statusCode, headers } of answers) assert.deepEqual([statusCode, headers['retry-after']], [503, '1'])
  assert.equal((await server.inject('/health/live')).statusCode, 200)
  await close()
})

test('a worker answers for its health and nothing else, on 8081 unless another port is set', async (t) => {
  assert.equal(readConfig({}, import.meta.dirname).workerPort, 8081)
  const house = await openHouse(t)
  const settings = { ...config, role: 'worker' as const }
  const worker = await startApp({ config: settings, databaseUrl: house.serviceUrl, operatorKey, log })
  house.onClose(worker.close)
  const statusOf = async (path: string) => (await fetch(`${worker.url}${path}`)).status
  assert.deepEqual(await Promise.all(['/health/ready', '/metrics', '/v1/companies'].map(statusOf)), [200, 200, 404])
})

test('a worker shows what is not told yet, who is behind, what waits for another attempt, and what failed', async (t) => {
  const clumsy = { name: 'clumsy', types: ['points.charged'], handle: () => Promise.reject(new Error('cannot')) }
  const settings = { role: 'worker' as const }
  const worker = await openApiHouse(t, { settings, withBackground: true, moreSubscribers: [clumsy] })
  const metrics = async () => (await worker.get('/metrics')).text
  await until('it listens', async () => (await metrics()).includes('podo_events_behind{subscription="clumsy"} 0\n'))
  const api = await worker.secondApi({ role: 'api' })
  await api.wallet('holder', 10)
  await until('it failed, and there is no more to tell', async () => {
    const now = await metrics()
    return [
      /^podo_events_unnumbered 0$/m,
      /^podo_events_behind{subscription="clumsy"} 0$/m,
      /^podo_events_waiting{subscription="clumsy"} 1$/m,
      /^podo_event_failures_total{subscription="clumsy"} [1-9]$/m,
    ].every((line) => line.test(now))
  })
})

test('a worker folds what merchants earned and books what is due without being asked, and shows how far behind it is', async (t) => {
  const house = await openLedgerHouse(t)
  const settings = { ...config, role: 'worker' as const }
  const worker = await startApp({ config: settings, databaseUrl: house.serviceUrl, operatorKey, log })
  house.onClose(worker.close)
  const merchantId = await house.merchant()
  await house.spend(await house.wallet(100), merchantId, 30)
  const folded = 'select paid::bigint as paid from ledger.rolled_balance where account_id = $1'
  await until('it is folded', async () => {
    const [row] = await house.ownerSql.rows<{ paid: number }>(folded, [merchantId])
    return row!.paid === 30
  })
  await house.charge(await house.wallet(), 5, { expiresAt: new Date(Date.now() + 60_000) })
  await house.advance(120)
  await until('what expired has left', async () => {
    const rows = await house.ownerSql.rows(`select from ledger.transfer where kind = 'expire' and amount = 5`)
    return rows.length === 1
  })
  const metrics = await (await fetch(`${worker.url}/metrics`)).text()
  assert.match(metrics, /podo_ledger_roll_up_lag_seconds [0-9.]+\n/)
  assert.match(metrics, /podo_ledger_differences Nan\n/i)
})

test('a worker that verifies a damaged ledger shows as a metric how many differences it has found', async (t) => {
  const house = await openLedgerHouse(t)
  const settings = { ...config, role: 'worker' as const }
  const worker = await startApp({ config: settings, databaseUrl: house.serviceUrl, operatorKey, log })
  house.onClose(worker.close)
  const walletId = await house.wallet(100)
  await house.ownerSql.run('update ledger.account set bonus = 1, prize = 1 where id = $1', [walletId])
  const [name, payload] = ['ledger.verify', {}]
  await house.withWork(system, (work) => addJob(work, { name, payload, attemptsMax: 1 }))
  await until('they are counted', async () => {
    const metrics = await (await fetch(`${worker.url}/metrics`)).text()
    return metrics.includes('podo_ledger_differences 2\n')
  })
})

test('a port that is taken is an error of the start, and leaves no connection', async (t) => {
  const house = await openHouse(t)
  const options = { config, databaseUrl: house.serviceUrl, operatorKey, log }
  const first = await startApp(options)
  house.onClose(first.close)
  const port = Number(new URL(first.url).port)
  await assert.rejects(startApp({ ...options, config: { ...config, port } }), { code: 'EADDRINUSE' })
})

test('metrics count answers by operation, batches of the lane and connections of the pool', async (t) => {
  const house = await openApiHouse(t)
  await house.wallet('payer', 1_000)
  const { text } = await house.get('/metrics')
  assert.match(text, /podo_http_requests_total\{method="POST",route="\/v1\/companies",status="201"\} 1/)
  assert.match(text, /podo_http_request_seconds_count\{method="POST",route="\/v1\/wallets\/:id\/charges"\} 1/)
  assert.match(text, /podo_ledger_lane_depth 0/)
  assert.match(text, /podo_ledger_lane_batch_size_count 1/)
  assert.match(text, /podo_database_connections\{state="max"\} 8/)
})

test('the guides to operating name the same metrics, and each of them is there', async (t) => {
  const house = await openHouse(t)
  const app = await buildApp({ config, databaseUrl: house.serviceUrl, operatorKey, log, withBackground: true })
  house.onClose(app.close)
  const shown = (await app.server.inject('/metrics')).body
  const [english, korean] = ['operating.md', 'operating.ko.md'].map((name) => {
    const guide = readFileSync(join(import.meta.dirname, '../docs/guide', name), 'utf8')
    return Array.from(guide.matchAll(/^\| `(podo_\w+)` \|/gm), (match) => match[1]!)
  })
  assert.deepEqual(korean, english)
  assert.ok(english!.length > 5)
  assert.deepEqual(
    english!.filter((name) => !shown.includes(`# TYPE ${name} `)),
    [],
  )
})

test('the API document names every route with who may call it and each problem that it can answer', async (t) => {
  const house = await openApiHouse(t)
  const document = JSON.parse((await house.get('/openapi.json')).text)
  assert.equal(document.openapi, '3.1.0')
  const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  )
  assert.ok(operations.length > 20)
  const ids = operations.map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, operations.length)
  for (const { name, operation } of operations) {
    assert.ok(operation['x-podo-access'].length > 0, name)
    assert.ok(operation.summary && operation.tags.length === 1, name)
    const statuses = Object.keys(operation.responses)
    const isOpen = operation['x-podo-access'].includes('anonymous')
    const takesKey = operation.parameters?.some((parameter) => parameter.name === 'Idempotency-Key')
    const expected = [
      ...(name.includes('/v1/') ? ['406', '500', '503', ...(isOpen ? [] : ['401'])] : []),
      ...(name.startsWith('post ') ? ['400', ...(takesKey ? ['422'] : [])] : []),
    ]
    for (const status of expected) assert.ok(statuses.includes(status), `${name} ${status}`)
  }
  const create = document.paths['/v1/companies'].post
  const examples = create.responses['409'].content['application/problem+json'].examples
  assert.equal(
    examples['companies-registration-number-taken'].value.type,
    '/problems/companies/registration-number-taken',
  )
  assert.ok(create.parameters.some(({ name }: { name: string }) => name === 'Idempotency-Key'))
  assert.equal(document.paths['/v1/holds/{id}/void'].post.requestBody?.required ?? false, false)
})

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly name: string }[]
  readonly summary: string
  readonly tags: readonly string[]
  readonly responses: object
  readonly 'x-podo-access': readonly string[]
}

test('the readable page loads from here alone', async (t) => {
  const house = await openApiHouse(t)
  const page = await house.get('/docs/')
  assert.equal(page.status, 200)
  assert.match(String(page.headers['content-security-policy']), /default-src 'self'/)
  assert.match(page.text, /openapi\.json/)
  assert.doesNotMatch(page.text, /https?:\/\//)
  assert.ok((await house.get('/docs/js/scalar.js')).text.length > 1_000_000)
  assert.equal((await house.get('/docs')).headers.location, '/docs/')
  assert.equal((await house.get('/')).headers.location, '/docs/')
})

test('a browser finds the icon that it asks for beside every page', async (t) => {
  const house = await openApiHouse(t)
  const icon = await house.get('/favicon.ico')
  assert.deepEqual([icon.status, icon.headers['content-type']], [200, 'image/svg+xml'])
  for (const page of ['/docs/', '/problems']) {
    assert.match(String((await house.get(page)).headers['content-security-policy']), /img-src 'self'/)
  }
})

test('every problem has a page, in the language of its reader', async (t) => {
  const house = await openApiHouse(t)
  assert.ok(problems.length > 20)
  for (const { type, title } of problems) {
    const page = await house.get(type, { 'accept-language': 'ko' })
    assert.equal(page.status, 200, type)
    assert.match(page.text, /<html lang="ko">/)
    assert.ok(page.text.includes(title.ko), type)
  }
  const index = await house.get('/problems')
  assert.ok(problems.every(({ type }) => index.text.includes(`href="${type}"`)))
  assert.equal((await house.get('/problems/ledger/nothing')).status, 404)
})

test('no two problems share a type, and each has its texts in both languages', () => {
  assert.equal(new Set(problems.map(({ type }) => type)).size, problems.length)
  for (const { type, title, detail } of problems) {
    assert.match(type, /^\/problems\/[a-z]+\/[a-z-]+$/)
    for (const text of [title, detail]) assert.ok(/[가-힣]/.test(text.ko) && !/[가-힣]/.test(text.en), type)
  }
})

test('the clock of the demo goes forward, once for each key', async (t) => {
  const house = await openApiHouse(t)
  const advance = () => house.post('/v1/sandbox/clock', { advanceSeconds: 86_400 }, { 'idempotency-key': 'a-day' })
  const first = await advance()
  assert.equal(first.status, 200)
  assert.ok(Date.parse(String(first.body.now)) > Date.now() + 86_000_000)
  assert.equal((await advance()).text, first.text)
  const company = await house.company()
  const { createdAt } = (await house.get(`/v1/companies/${company.id}`)).body
  assert.ok(Date.parse(String(createdAt)) < Date.now() + 87_000_000)
})

test('the clock refuses what is no positive number of seconds, and to go more than a century', async (t) => {
  const house = await openApiHouse(t)
  for (const advanceSeconds of [0, -1, 1.5, '5', null, 2 ** 53]) {
    assert.equal((await house.post('/v1/sandbox/clock', { advanceSeconds })).status, 400, String(advanceSeconds))
  }
  assert.equal((await house.post('/v1/sandbox/clock', { advanceSeconds: 3_155_760_000 })).status, 200)
  assert.equal((await house.post('/v1/sandbox/clock', { advanceSeconds: 1 })).status, 409)
  assert.equal((await house.post('/v1/sandbox/clock', { advanceSeconds: 1 }, { authorization: '' })).status, 401)
})

test('the production profile has no such clock', async (t) => {
  const house = await openApiHouse(t, { settings: { profile: 'production' } })
  assert.equal((await house.post('/v1/sandbox/clock', { advanceSeconds: 1 })).status, 404)
})
