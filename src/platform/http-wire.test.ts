import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { closeHttp, openHttp } from './http.ts'
import { openValidation } from './http-validation.ts'
import { openLog } from './log.ts'
import { openSealing } from './sealing.ts'

/** A server that writes down what reaches a handler. */
async function openServer(scope: TestContext) {
  const reached: string[] = []
  const server = openHttp({
    log: openLog({ level: 'silent', write: () => {} }),
    language: 'en',
    validation: openValidation(),
    sealing: openSealing('a secret of the tests'),
    authenticate: () => null,
  })
  for (const url of ['/first', '/second']) {
    const handler = () => {
      reached.push(url)
      return {}
    }
    server.route({ method: ['GET', 'POST'], url, config: { access: 'public' }, handler })
  }
  await server.listen({ host: '127.0.0.1', port: 0 })
  scope.after(() => closeHttp(server))
  return { reached, port: (server.server.address() as AddressInfo).port }
}

/** All that comes back until the other end closes. */
async function exchange(port: number, text: string): Promise<string> {
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

const smuggled = 'GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
const post = 'POST /first HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

test('a request whose end can be read in two ways is refused, and what hides behind it is no request', async (t) => {
  const { reached, port } = await openServer(t)
  const ambiguous = {
    'both a length and chunks': `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'chunks that are not the last coding': `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    'two lengths': `${post}Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    'a length that is no number': `${post}Content-Length: +2\r\n\r\n{}${smuggled}`,
    'a name with a space behind it': `${post}Content-Length : 2\r\n\r\n{}${smuggled}`,
    'a folded line': `${post}X-Long: a\r\n b\r\nContent-Length: 0\r\n\r\n${smuggled}`,
    'bare line feeds': `${post.replaceAll('\r\n', '\n')}Content-Length: 0\n\n${smuggled}`,
    'a size of a chunk that is none': `${post}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n${smuggled}`,
  }
  for (const [name, text] of Object.entries(ambiguous)) {
    const answer = await exchange(port, text)
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, name)
    assert.equal(answer.match(/^HTTP\/1\.1 \d/gm)?.length, 1, `${name}: ${answer}`)
    assert.deepEqual(
      reached.filter((url) => url === '/second'),
      [],
      name,
    )
  }
  assert.match(await exchange(port, smuggled), /^HTTP\/1\.1 200 /)
})

test('a method that no route takes reaches none: TRACE echoes nothing, CONNECT opens nothing', async (t) => {
  const { reached, port } = await openServer(t)
  for (const method of ['TRACE', 'PROPFIND', 'CONNECT', 'BREW']) {
    const target = method === 'CONNECT' ? 'x:80' : '/first'
    const answer = await exchange(
      port,
      `${method} ${target} HTTP/1.1\r\nHost: x\r\nX-Canary: grape\r\nConnection: close\r\n\r\n`,
    )
    assert.match(answer, method === 'CONNECT' ? /^($|HTTP\/1\.1 4\d\d )/ : /^HTTP\/1\.1 4\d\d /, `${method}: ${answer}`)
    assert.equal(answer.includes('grape'), false)
  }
  assert.deepEqual(reached, [])
})
