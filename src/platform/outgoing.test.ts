import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { isCallable, OutgoingFailure, openOutgoing } from './outgoing.ts'
import { openGuard } from './resilience.ts'

const visited: string[] = []
const answers: Record<string, RequestListener> = {
  '/plain': (_, response) => response.end('{"a":1}'),
  '/refused': (_, response) => response.writeHead(400).end('{"error":"no"}'),
  '/elsewhere': (_, response) => response.writeHead(302, { location: '/plain' }).end(),
  '/down': (_, response) => response.writeHead(502).end(),
  '/huge': (_, response) => response.end('x'.repeat(300 * 1024)),
  '/silent': () => {},
  '/drip': (_, response) => {
    response.write('x')
    const drip = setInterval(() => response.write('x'), 20)
    response.once('close', () => clearInterval(drip))
  },
}
const server = createServer((request, response) => {
  visited.push(request.url!)
  answers[request.url!.split('?')[0]!]!(request, response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => {
  server.closeAllConnections()
  server.close()
})
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const guarded = () => openGuard({ name: 'test', timeoutMs: 5_000, concurrentMax: 10, waitingMax: 10, attemptsMax: 2 })
const call = (path: string, timeoutMs = 5_000) =>
  openOutgoing({ timeoutMs, guard: guarded() })(`${origin}${path}?code=canary`)

test('an answer is read whole, and so is a refusal', async () => {
  assert.deepEqual(await (await call('/plain')).json(), { a: 1 })
  const refused = await call('/refused')
  assert.deepEqual([refused.status, await refused.text()], [400, '{"error":"no"}'])
})

test('what redirects, breaks down, never ends or is too much is a failure that says nothing of what was sent', async () => {
  for (const path of ['/elsewhere', '/down', '/huge', '/silent', '/drip']) {
    await assert.rejects(call(path, 400), (error) => {
      assert.ok(error instanceof OutgoingFailure, `${path}: ${error}`)
      assert.ok(error.message.includes(path) && !JSON.stringify([error.message, error.stack]).includes('canary'))
      return true
    })
  }
  assert.equal(visited.filter((url) => url.startsWith('/plain')).length, 1)
})

test('all calls share one deadline', async () => {
  const both = openOutgoing({ timeoutMs: 300, guard: guarded() })
  await assert.rejects(both(`${origin}/silent`), OutgoingFailure)
  await assert.rejects(both(`${origin}/plain`), OutgoingFailure)
})

test('what is read is asked for again where that may help, and whatever else is sent, once', async () => {
  const guard = guarded()
  const ask = openOutgoing({ timeoutMs: 5_000, guard })
  for (let at = 0; at < 20; at += 1) await ask(`${origin}/plain`)
  const countDown = () => visited.filter((url) => url.startsWith('/down')).length
  const before = countDown()
  await assert.rejects(ask(`${origin}/down`, { method: 'POST', body: 'code=used' }), OutgoingFailure)
  assert.equal(countDown(), before + 1)
  await assert.rejects(ask(`${origin}/down`), OutgoingFailure)
  assert.equal(countDown(), before + 3)
})

test('whoever is away is not called, and the failure says when to call again', async () => {
  const ask = openOutgoing({ timeoutMs: 5_000, guard: guarded() })
  for (let at = 0; at < 10; at += 1) await assert.rejects(ask(`${origin}/down`), OutgoingFailure)
  const before = visited.length
  await assert.rejects(ask(`${origin}/plain`), (error) => {
    assert.ok(error instanceof OutgoingFailure)
    assert.deepEqual([error.retryAfterSeconds, visited.length], [5, before])
    return true
  })
})

test('nothing is sent without https but to this machine', async () => {
  for (const address of ['https://example.com', 'http://127.0.0.1:1/x', 'http://localhost:8080', 'http://[::1]:1']) {
    assert.equal(isCallable(address), true, address)
  }
  const others = ['http://example.com', 'http://127.0.0.1.example.com', 'http://10.0.0.1', 'ftp://localhost', 'x', '']
  for (const address of others) assert.equal(isCallable(address), false, address)
  await assert.rejects(openOutgoing({ timeoutMs: 1_000, guard: guarded() })('http://example.com/'), OutgoingFailure)
})
