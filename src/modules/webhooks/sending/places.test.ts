import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { openPlaces, type Resolve } from './places.ts'
import { post } from './post.ts'

const nowhere: Resolve = () => assert.fail('a name was resolved')
const outside = openPlaces({ networks: [], mayBeClear: false, resolve: nowhere })
const [public4, public6] = ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c']

let connections = 0
const received: IncomingMessage[] = []
const receiver = createServer((request, response) => {
  received.push(request)
  if (request.url === '/elsewhere') response.writeHead(302, { location: '/' })
  response.end('x'.repeat(100_000))
}).on('connection', () => {
  connections += 1
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
after(() => void receiver.close())
const { port } = receiver.address() as AddressInfo

const sendTo = (url: string, { networks = [] as string[], resolve = nowhere, timeoutMs = 5_000 } = {}) =>
  post(openPlaces({ networks, mayBeClear: true, resolve }), {
    url,
    headers: { 'x-test': 'yes' },
    body: '{}',
    nowMs: 0,
    timeoutMs,
    signal: new AbortController().signal,
  })

/** Ways to write an address that is not on the internet. */
const inside = [
  ...['127.0.0.1', '127.1', '127.255.255.254', '2130706433', '0x7f000001', '0x7f.1', '017700000001', '0177.0.0.1'],
  ...['127.0.0.1.', '%31%32%37.0.0.1', '１２７.0.0.1', '127。0。0。1', '0', '0.0.0.0'],
  ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '3232235777'],
  ...['169.254.169.254', '0xa9fea9fe', '2852039166', '0251.0376.0251.0376', '192.0.0.1', '192.0.2.1', '198.18.0.1'],
  ...['198.51.100.1', '203.0.113.1', '192.88.99.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:a9fe:a9fe]'],
  ...['[::ffff:10.0.0.1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::1]'],
  ...['[2002:7f00:1::]', '[2001::1]', '[2001:db8::1]', '[fc00::1]', '[fd00:ec2::254]', '[fe80::1]', '[ff02::1]'],
  ...['[fec0::1]', '[100::1]', '[3fff::1]', '[5f00::1]', '[2001:10::1]'],
]

test('nothing is sent to an address that is not on the internet, however it is written', async () => {
  const before = connections
  for (const host of inside) {
    assert.match(outside.findMistake(`https://${host}/hooks`)?.en ?? 'sent', /on the internet/, host)
    const answered = await sendTo(`https://${host}:${port}/`)
    assert.deepEqual([answered.statusCode, /resolves inside/.test(answered.error ?? '')], [null, true], host)
  }
  assert.equal(connections, before)
  for (const host of ['example.com', public4, `[${public6}]`, '[::ffff:93.184.215.14]', '172.32.0.1', '100.128.0.1'])
    assert.equal(outside.findMistake(`https://${host}:8443/hooks?a=b`), null, host)
})

test('nothing is sent where the address is no plain https one', () => {
  const refused = (url: string, pattern: RegExp) => assert.match(outside.findMistake(url)?.en ?? 'sent', pattern, url)
  for (const url of [
    '',
    'hooks',
    '//example.com',
    'ftp://example.com',
    'file:///etc/passwd',
    'https://',
    'https://a b/',
  ])
    refused(url, /like https/)
  for (const url of ['https://user:pass@example.com/', 'https://user@example.com/', 'https://example.com/#part'])
    refused(url, /user, password or fragment/)
  refused('http://example.com/', /an https address/)
})

test('nothing is sent to a name that resolves inside, be it to one address of many', async () => {
  const before = connections
  const answers = [
    ['127.0.0.1'],
    [public4, '10.0.0.1'],
    ['::ffff:127.0.0.1'],
    [public6, 'fe80::1'],
    ['169.254.169.254'],
  ]
  for (const addresses of answers) {
    const resolve = async () => addresses
    const places = openPlaces({ networks: [], mayBeClear: false, resolve })
    assert.match((await places.findMistakeNow('https://example.com/'))?.en ?? 'sent', /on the internet/)
    const answered = await sendTo(`https://example.com:${port}/`, { resolve })
    assert.match(answered.error ?? 'sent', /resolves inside/)
  }
  for (const host of ['localhost', 'LOCALHOST', 'a.localhost', 'localhost.'])
    assert.match((await sendTo(`https://${host}:${port}/`)).error ?? 'sent', /resolves inside/, host)
  assert.equal(connections, before)
})

test('nothing is sent to a name that resolved outside when it was given, and resolves inside now', async () => {
  const before = connections
  let asked = 0
  const resolve = async () => (asked++ === 0 ? [public4] : ['127.0.0.1'])
  const places = openPlaces({ networks: [], mayBeClear: false, resolve })
  const url = `https://example.com:${port}/`
  assert.equal(await places.findMistakeNow(url), null)
  const signal = new AbortController().signal
  const answered = await post(places, { url, headers: {}, body: '{}', nowMs: 0, timeoutMs: 5_000, signal })
  assert.match(answered.error ?? 'sent', /resolves inside/)
  assert.deepEqual([asked, connections], [2, before])
})

test('a name that nobody knows now may be given, and fails when something is sent', async () => {
  const resolve = () => Promise.reject(Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' }))
  const places = openPlaces({ networks: [], mayBeClear: false, resolve })
  assert.equal(await places.findMistakeNow('https://example.com/'), null)
  assert.match((await sendTo('https://example.com/', { resolve })).error ?? 'sent', /could not be resolved/)
})

test('a network that was opened is sent to, by http only where that will do, at the address that was looked at', async () => {
  const networks = ['127.0.0.0/8']
  let asked = 0
  const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1'])
  const answered = await sendTo(`http://receiver.example.com:${port}/hooks`, { networks, resolve })
  assert.deepEqual(answered, { statusCode: 200, retryAfterMs: null, error: null })
  const { method, url, headers } = received.at(-1)!
  assert.deepEqual(
    [method, url, headers.host, headers['x-test']],
    ['POST', '/hooks', `receiver.example.com:${port}`, 'yes'],
  )
  const strict = openPlaces({ networks, mayBeClear: false, resolve: nowhere })
  assert.match(strict.findMistake(`http://127.0.0.1:${port}/`)?.en ?? 'sent', /an https address/)
  assert.equal(strict.findMistake(`https://127.0.0.1:${port}/`), null)
  assert.match((await sendTo(`http://${public4}/`, { networks })).error ?? 'sent', /resolves inside/)
})

test('a redirect is not followed, and of a long answer the status is enough', async () => {
  const networks = ['127.0.0.1']
  const before = received.length
  assert.equal((await sendTo(`http://127.0.0.1:${port}/elsewhere`, { networks })).statusCode, 302)
  assert.equal(received.length, before + 1)
})

test('what takes too long, and what cannot be connected to, is told in a sentence without the address', async () => {
  const networks = ['127.0.0.1']
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const late = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
  assert.equal((await sendTo(late, { networks, timeoutMs: 50 })).error, 'No answer came within 0.05 s')
  silent.closeAllConnections()
  await new Promise((resolve) => silent.close(resolve))
  assert.equal((await sendTo(late, { networks })).error, 'The connection was refused (ECONNREFUSED)')
})
