import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import Type from 'typebox'
import { until } from '#test/harness'
import { closeHttp, type HttpServer, openHttp, sendAnswer } from './http.ts'
import { closedObject } from './http-schema.ts'
import { openValidation } from './http-validation.ts'
import { openLog } from './log.ts'
import { defineProblems, Problem } from './problem.ts'
import { openSealing } from './sealing.ts'
import type { Actor } from './work.ts'

const key = 'Bearer the-key-of-the-operator'
const operator: Actor = { type: 'operator', id: null }
const refusals = defineProblems('test', {
  full: { status: 409, title: { ko: '꽉 찼습니다', en: 'Full' }, detail: { ko: '{left}개 남음', en: '{left} left' } },
})

interface Opened {
  readonly server: HttpServer
  readonly logged: string[]
  readonly observed: string[]
  /** Whether a request waits at `/v1/slow`. */
  isWaiting(): boolean
  /** Lets it go on. */
  release(): void
}

async function openServer(scope: TestContext): Promise<Opened> {
  const logged: string[] = []
  const observed: string[] = []
  let release: (() => void) | null = null
  const server = openHttp({
    log: openLog({ level: 'info', write: (line) => logged.push(line) }),
    language: 'ko',
    validation: openValidation(),
    sealing: openSealing('a secret of the tests'),
    authenticate({ headers }) {
      const somebody = { scopes: [], isAdmin: false, credentialId: null, address: '' }
      if (headers.authorization === key) return { ...somebody, actor: operator }
      if (headers.authorization !== 'Bearer later') return null
      return Promise.resolve({ ...somebody, actor: { type: 'company', id: 'x' } })
    },
    observe: (method, route) => (status) => observed.push(`${method} ${route} ${status}`),
  })
  const access = ['operator'] as const
  const body = closedObject({ amount: Type.Integer({ minimum: 1 }), metadata: Type.Optional(Type.Any()) })
  server.route({
    method: 'POST',
    url: '/v1/things',
    config: { access, idempotent: true },
    schema: { body },
    handler: async (request, reply) => {
      const { digest, requestHash } = request.idempotency
      return sendAnswer(reply, { status: 201, body: { digest, requestHash, ...request.body }, replayed: false })
    },
  })
  const optional = closedObject({ reason: Type.Optional(Type.String()) })
  server.route({
    method: 'POST',
    url: '/v1/things/:id/end',
    config: { access },
    schema: { body: optional },
    handler: async (request) => ({ got: request.body }),
  })
  server.get('/v1/full', { config: { access } }, () => {
    throw new Problem(refusals.full, { params: { left: 3 } })
  })
  server.get('/v1/bug', { config: { access } }, () => {
    throw new Error('the password is grape')
  })
  server.get('/v1/away', { config: { access } }, () => {
    throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  })
  server.get('/v1/slow', { config: { access } }, async () => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return { done: true }
  })
  await server.ready()
  scope.after(() => closeHttp(server))
  return { server, logged, observed, isWaiting: () => release !== null, release: () => release?.() }
}

type Sent = {
  method?: 'GET' | 'POST' | 'DELETE'
  url: string
  body?: string | Buffer
  headers?: Record<string, string>
}

async function send({ server }: Opened, { method = 'POST', url, body, headers = {} }: Sent) {
  const all = { authorization: key, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }
  const answer = await server.inject({ method, url, headers: all, ...(body === undefined ? {} : { payload: body }) })
  const isJson = /json/.test(String(answer.headers['content-type']))
  return { status: answer.statusCode, headers: answer.headers, body: isJson ? JSON.parse(answer.body) : answer.body }
}

test('401 with the scheme to use when the credentials are missing, wrong or of another scheme', async (t) => {
  const opened = await openServer(t)
  for (const authorization of ['', 'Bearer wrong', 'Basic abc']) {
    const { status, headers, body } = await send(opened, { method: 'GET', url: '/v1/full', headers: { authorization } })
    assert.equal(status, 401)
    assert.match(String(headers['www-authenticate']), /^Bearer/)
    assert.equal(body.type, '/problems/http/unauthenticated')
  }
})

test('403 for somebody who is known but may not', async (t) => {
  const opened = await openServer(t)
  const answer = await send(opened, { method: 'GET', url: '/v1/full', headers: { authorization: 'Bearer later' } })
  assert.equal(answer.status, 403)
})

test('a route that does not say who may call it cannot be registered', async (t) => {
  const { server } = await openServer(t)
  const unready = openHttp({
    log: openLog({ level: 'silent' }),
    language: 'ko',
    validation: openValidation(),
    sealing: openSealing('a secret of the tests'),
    authenticate: () => null,
  })
  assert.throws(() => unready.get('/v1/open', async () => 'anything'), /who may call it/)
  assert.ok(server)
})

test('every answer carries a request id, the caller’s own when sane, and problems name it', async (t) => {
  const opened = await openServer(t)
  const headers = { 'x-request-id': 'mine-1', 'accept-language': 'en' }
  const answer = await send(opened, { method: 'GET', url: '/v1/full', headers })
  assert.equal(answer.headers['x-request-id'], 'mine-1')
  assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  assert.equal(answer.headers['content-language'], 'en')
  assert.deepEqual(answer.body, {
    type: '/problems/test/full',
    title: 'Full',
    status: 409,
    detail: '3 left',
    instance: 'mine-1',
    left: 3,
  })
  const other = await send(opened, { method: 'GET', url: '/v1/full' })
  assert.match(String(other.headers['x-request-id']), /^[0-9a-f-]{36}$/)
  assert.equal(other.body.title, '꽉 찼습니다')
})

test('a bug is 500 with nothing of it in the answer, and whole in the log with request and trace', async (t) => {
  const opened = await openServer(t)
  const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'x-request-id': 'r-1' }
  const answer = await send(opened, { method: 'GET', url: '/v1/bug', headers })
  assert.equal(answer.status, 500)
  assert.doesNotMatch(JSON.stringify(answer.body), /grape/)
  const line = JSON.parse(opened.logged[0]!)
  assert.equal(line.requestId, 'r-1')
  assert.equal(line.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.match(line.err.stack, /the password is grape/)
})

test('503 with Retry-After while the database is away', async (t) => {
  const answer = await send(await openServer(t), { method: 'GET', url: '/v1/away' })
  assert.equal(answer.status, 503)
  assert.equal(answer.headers['retry-after'], '1')
})

test('while the database is away the log tells of one request a second, and of how many others there were', async (t) => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const opened = await openServer(t)
  for (const at of [0, 0, 500, 999, 1_000, 1_001]) {
    now = at
    assert.equal((await send(opened, { method: 'GET', url: '/v1/away' })).status, 503)
  }
  const lines = opened.logged.map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ msg, route, others }) => [msg, route, others]),
    [
      ['a request failed', '/v1/away', 0],
      ['a request failed', '/v1/away', 3],
    ],
  )
})

test('404 for an address that is none, however mangled', async (t) => {
  const opened = await openServer(t)
  const long = `/v1/things/${'a'.repeat(2_000)}/end`
  for (const url of ['/', '/v1/nothing', '/v1/things/%zz/end', long, '//', '/v1/things/']) {
    const { status, headers, body } = await send(opened, { url })
    assert.equal(status, 404, url)
    assert.equal(body.type, '/problems/http/not-found')
    assert.ok(headers['x-request-id'])
  }
})

test('405 with the methods that the address knows', async (t) => {
  const opened = await openServer(t)
  const posted = await send(opened, { method: 'GET', url: '/v1/things?x=1' })
  assert.deepEqual([posted.status, posted.headers.allow], [405, 'POST'])
  const deleted = await send(opened, { method: 'DELETE', url: '/v1/full' })
  assert.deepEqual([deleted.status, deleted.headers.allow], [405, 'GET, HEAD'])
  const inside = await send(opened, { method: 'GET', url: '/v1/things/1/end' })
  assert.deepEqual([inside.status, inside.headers.allow], [405, 'POST'])
})

test('406 when JSON is not acceptable', async (t) => {
  const opened = await openServer(t)
  for (const accept of ['text/csv', 'application/json;q=0', '*/*; q=0.0', 'text/html, application/json;q=0, */*;q=1']) {
    assert.equal((await send(opened, { method: 'GET', url: '/v1/full', headers: { accept } })).status, 406, accept)
  }
  for (const accept of ['*/*', 'text/html, */*;q=0.1', 'application/json;q=0.001', 'text/html;q=0, application/*']) {
    assert.equal((await send(opened, { method: 'GET', url: '/v1/full', headers: { accept } })).status, 409, accept)
  }
})

test('413 over the limit of a body, 415 for other types and compressed ones', async (t) => {
  const opened = await openServer(t)
  const large = await send(opened, { url: '/v1/things', body: `{"metadata":"${'a'.repeat(1024 * 1024)}"}` })
  assert.equal(large.status, 413)
  const types = ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense', 'application/jsonx']
  for (const type of types) {
    const answer = await send(opened, { url: '/v1/things', body: '{"amount":1}', headers: { 'content-type': type } })
    assert.equal(answer.status, 415, type)
  }
  const zipped = { 'content-encoding': 'gzip' }
  assert.equal((await send(opened, { url: '/v1/things', body: '{"amount":1}', headers: zipped })).status, 415)
  assert.deepEqual([large.body.limitBytes, /1048576/.test(large.body.detail)], [1024 * 1024, true])
  const charsets = { 'UTF-8': 201, '"utf-8"': 201, utf8: 201, 'iso-8859-1': 415, 'euc-kr': 415 }
  for (const [charset, status] of Object.entries(charsets)) {
    const headers = { 'content-type': `application/json; charset=${charset}` }
    assert.equal((await send(opened, { url: '/v1/things', body: '{"amount":1}', headers })).status, status, charset)
  }
})

test('400 for a body that is missing names its fields, and one that may be missing is an empty object', async (t) => {
  const opened = await openServer(t)
  for (const body of [undefined, '', '{}']) {
    const answer = await send(opened, { url: '/v1/things', ...(body === undefined ? {} : { body }) })
    assert.equal(answer.status, 400)
    assert.deepEqual(answer.body.errors, [{ pointer: '/amount', detail: '필수 항목입니다.' }])
  }
  assert.deepEqual((await send(opened, { url: '/v1/things/1/end' })).body, { got: {} })
  assert.deepEqual((await send(opened, { url: '/v1/things/1/end', body: '' })).body, { got: {} })
})

test('the key comes back bare, is made where it is missing, and is on refusals too', async (t) => {
  const opened = await openServer(t)
  const keyed = (text: string, body = '{"amount":1}') =>
    send(opened, { url: '/v1/things', body, headers: { 'idempotency-key': text } })
  const quoted = await keyed('"order-1"')
  assert.equal(quoted.headers['idempotency-key'], 'order-1')
  const bare = await keyed('order-1', '{ "amount" : 1.0 }')
  assert.deepEqual(bare.body, quoted.body)
  assert.equal((await keyed('order-2', '{"amount":0}')).headers['idempotency-key'], 'order-2')
  const made = await send(opened, { url: '/v1/things', body: '{"amount":1}' })
  assert.match(String(made.headers['idempotency-key']), /^[\x21-\x7e]{1,255}$/)
  for (const text of ['', '""', '"half', 'a b', 'k'.repeat(256)]) {
    const refused = await keyed(text)
    assert.equal(refused.status, 400, text)
    assert.equal(refused.body.errors[0].pointer, '/Idempotency-Key')
  }
})

test('a key with another body is another request, and the query does not count', async (t) => {
  const opened = await openServer(t)
  const keyed = (body: string, url = '/v1/things') =>
    send(opened, { url, body, headers: { 'idempotency-key': 'k' } }).then((answer) => answer.body)
  const [first, other, queried] = [
    await keyed('{"amount":1}'),
    await keyed('{"amount":2}'),
    await keyed('{"amount":1}', '/v1/things?x'),
  ]
  assert.equal(first.digest, other.digest)
  assert.notEqual(first.requestHash, other.requestHash)
  assert.deepEqual(queried, first)
})

test('each answer is counted once under its route, HEAD apart and strangers together', async (t) => {
  const opened = await openServer(t)
  await send(opened, { method: 'GET', url: '/v1/full' })
  await send(opened, { method: 'GET', url: '/nowhere' })
  await opened.server.inject({ method: 'HEAD', url: '/v1/full' })
  assert.deepEqual(opened.observed, ['GET /v1/full 409', '* unknown 404', 'HEAD /v1/full 401'])
})

async function listen({ server }: Opened): Promise<number> {
  await server.listen({ host: '127.0.0.1', port: 0 })
  return (server.server.address() as AddressInfo).port
}

/** Everything that comes back over a raw connection until it is closed. */
async function exchange(port: number, text: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return received
}

test('what is no HTTP is answered as a problem and hung up on', async (t) => {
  const port = await listen(await openServer(t))
  const broken = await exchange(port, 'HELLO\r\n\r\n')
  assert.match(broken, /^HTTP\/1.1 400 Bad Request\r\nContent-Type: application\/problem\+json/)
  assert.match(broken, /X-Request-Id: /)
  assert.match(broken, /"type":"\/problems\/http\/malformed-http"/)
  const long = await exchange(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`)
  assert.match(long, /^HTTP\/1.1 431 /)
})

test('a request without Host, or with an expectation that is none of HTTP, is refused as a problem', async (t) => {
  const port = await listen(await openServer(t))
  const rest = 'X-Request-Id: mine-2\r\nConnection: close\r\n\r\n'
  const hostless = await exchange(port, `GET /v1/full HTTP/1.1\r\n${rest}`)
  const expecting = await exchange(port, `GET /v1/full HTTP/1.1\r\nHost: x\r\nExpect: the-best\r\n${rest}`)
  const found = [
    [hostless, 400, 'host-missing'],
    [expecting, 417, 'expectation-unknown'],
  ] as const
  for (const [answer, status, name] of found) {
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
    assert.match(answer, /\r\nx-request-id: mine-2\r\n/i)
    assert.match(answer, /\r\ncontent-type: application\/problem\+json/i)
    assert.ok(answer.includes(`"type":"/problems/http/${name}"`), answer)
  }
})

test('a client that drops mid-request leaves the server well and nothing in the log', async (t) => {
  const opened = await openServer(t)
  const port = await listen(opened)
  const head = `POST /v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: ${key}\r\nContent-Type: application/json\r\n`
  const socket = connect(port, '127.0.0.1')
  socket.write(`${head}Content-Length: 100\r\n\r\n{"amount":`)
  await until('the server has the connection', async () => (await connections(opened)) === 1)
  socket.destroy()
  await until('the server let go of it', async () => (await connections(opened)) === 0)
  assert.equal((await send(opened, { url: '/v1/things', body: '{"amount":1}' })).status, 201)
  assert.deepEqual(opened.logged, [])
})

function connections({ server }: Opened): Promise<number> {
  return new Promise((resolve, reject) =>
    server.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}

test('slow clients have limits: for the headers, for the whole request, for idling', async (t) => {
  const { server } = await openServer(t)
  const { headersTimeout, requestTimeout, timeout, keepAliveTimeout, maxConnections } = server.server
  const limits = { headersTimeout, requestTimeout, timeout, keepAliveTimeout, maxConnections }
  assert.deepEqual(limits, {
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    timeout: 60_000,
    keepAliveTimeout: 72_000,
    maxConnections: 8_192,
  })
})

test('408 for a request that does not arrive in time, whose effect is none', async (t) => {
  const opened = await openServer(t)
  const port = await listen(opened)
  Object.assign(opened.server.server, { headersTimeout: 50, requestTimeout: 50 })
  const head = `POST /v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: ${key}\r\nContent-Type: application/json\r\n`
  const answer = await exchange(port, `${head}Content-Length: 100\r\n\r\n{"amount":1`)
  assert.match(answer, /^HTTP\/1.1 408 Request Timeout\r\n/)
  assert.match(answer, /"type":"\/problems\/http\/request-timeout"/)
  assert.deepEqual(opened.observed, [])
})

test('closing finishes what runs, takes nothing new and leaves no idle connection', async (t) => {
  const opened = await openServer(t)
  const port = await listen(opened)
  const headers = { authorization: key }
  const idle = connect(port, '127.0.0.1')
  const running = fetch(`http://127.0.0.1:${port}/v1/slow`, { headers })
  await until('one is idle, and the other waits', async () => opened.isWaiting() && (await connections(opened)) === 2)
  const closed = closeHttp(opened.server)
  await until('the port is closed', () => !opened.server.server.listening)
  await assert.rejects(fetch(`http://127.0.0.1:${port}/v1/full`, { headers }))
  opened.release()
  assert.deepEqual(await (await running).json(), { done: true })
  await closed
  assert.equal(await connections(opened).catch(() => 0), 0)
  idle.destroy()
})

test('closing cuts off what does not end in time', async (t) => {
  const opened = await openServer(t)
  const port = await listen(opened)
  const running = fetch(`http://127.0.0.1:${port}/v1/slow`, { headers: { authorization: key } })
  const failed = assert.rejects(running)
  await until('it is connected', async () => (await connections(opened)) === 1)
  await closeHttp(opened.server, 100)
  await failed
})
