import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { withoutRedis } from '#test/engines/installed'
import { openRedisServer } from '#test/engines/redis'
import { until } from '#test/harness'
import { openLog } from '../log.ts'
import { openRedis, type Redis } from './connection.ts'

const skip = withoutRedis()

function open(t: TestContext, url: string) {
  const lines: string[] = []
  const log = openLog({ level: 'info', write: (line) => void lines.push(line) })
  const redis = openRedis({ url, prefix: 'test:', log })
  t.after(redis.close)
  return { redis, lines }
}

const get = (redis: Redis) => redis.ask((client) => client.get('colour'))

/** How many milliseconds so many calls took, each after the other, and what they were answered. */
async function callOften(redis: Redis, times: number) {
  const answers = new Set<unknown>()
  const tookMs: number[] = []
  for (let call = 0; call < times; call += 1) {
    const since = performance.now()
    answers.add(await get(redis))
    tookMs.push(performance.now() - since)
  }
  return { answers: [...answers], medianMs: tookMs.sort((a, b) => a - b)[times >> 1]! }
}

test('a Redis that hangs costs a call 50 ms at most, then nothing, and one that is gone nothing; both are found back', {
  skip,
}, async (t) => {
  const server = await openRedisServer(t)
  const { redis, lines } = open(t, server.url)
  let backs = 0
  redis.onBack(() => {
    backs += 1
  })
  await until('it was found', () => backs === 1)
  await redis.ask((client) => client.set('colour', 'violet'))
  assert.equal(await get(redis), 'violet')
  assert.equal(await server.client.get('test:colour'), 'violet', 'under the prefix')

  server.signal('SIGSTOP')
  const hanging = await callOften(redis, 5)
  assert.deepEqual(hanging.answers, [null])
  assert.ok(hanging.medianMs <= 50, `a call took ${hanging.medianMs} ms`)
  await callOften(redis, 10)
  const known = await callOften(redis, 20)
  assert.deepEqual(known.answers, [null])
  assert.ok(known.medianMs < 5, `a call took ${known.medianMs} ms though it is known`)
  await until('it was noticed', () => !redis.isThere())
  server.signal('SIGCONT')
  await until('it was found back', () => redis.isThere())
  assert.equal(backs, 2)
  await until('it is asked again', async () => (await get(redis)) === 'violet')

  await server.kill()
  const gone = await callOften(redis, 20)
  assert.deepEqual(gone.answers, [null])
  assert.ok(gone.medianMs < 5, `a call took ${gone.medianMs} ms though nobody listens`)
  await server.start()
  await until('it was found anew', () => backs === 3)
  const told = lines.map((line) => JSON.parse(line).msg as string).map((line) => line.replace(/:.*/, ''))
  const away = 'Redis is away, and done without'
  assert.deepEqual(told.slice(0, 3), ['Redis is there', away, 'Redis is there'])
})

test('who holds something in Redis is told when it was emptied', { skip }, async (t) => {
  const server = await openRedisServer(t)
  const { redis } = open(t, server.url)
  let backs = 0
  redis.onBack(() => {
    backs += 1
  })
  await until('it was found', () => backs === 1)
  await server.client.flushall()
  await until('it was found empty', () => backs === 2)
})

const nonsense = {
  'speaks another language': 'HTTP/1.1 400 Bad Request\r\n\r\n',
  'answers a number whatever it is asked': ':1\r\n',
  'answers an error whatever it is asked': '-ERR no\r\n',
  'says nothing': '',
}

test('somebody else in the place of Redis, whatever they answer, costs a call no more than one that hangs', async (t) => {
  const longest = await Promise.all(Object.entries(nonsense).map((each) => measureNonsense(t, each)))
  for (const { what, ms, isThere } of longest) {
    assert.ok(ms <= 50, `a call took ${ms} ms where somebody ${what}`)
    assert.equal(isThere, false, what)
  }
})

async function measureNonsense(t: TestContext, [what, answer]: readonly [string, string]) {
  let asked = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', () => {
      asked += 1
      socket.write(answer)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { redis } = open(t, `redis://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const tookMs: number[] = []
  await until('it was asked', async () => {
    tookMs.push((await callOften(redis, 5)).medianMs)
    return asked >= 3
  })
  return { what, ms: Math.max(...tookMs), isThere: redis.isThere() }
}

test('a Redis that is full and throws nothing out, or a replica, is done without, and the log says why', {
  skip,
}, async (t) => {
  const server = await openRedisServer(t)
  const { redis, lines } = open(t, server.url)
  await until('it was found', () => redis.isThere())
  await server.client.config('SET', 'maxmemory', '1')
  await until('it was missed', () => !redis.isThere())
  assert.match(lines.at(-1)!, /done without: OOM command not allowed/)
  await server.client.config('SET', 'maxmemory', '0')
  await until('it was found back', () => redis.isThere())
  await server.client.replicaof('127.0.0.1', 1)
  await until('it was missed', () => !redis.isThere())
  assert.match(lines.at(-1)!, /done without: READONLY /)
})

/** Each is well-formed, and none is an answer to what is asked, least of all to whoever subscribes. */
const misplaced = [
  ':5\r\n',
  '*-1\r\n',
  '$-1\r\n',
  '+OK\r\n',
  '*1\r\n$-1\r\n',
  '*3\r\n:1\r\n:2\r\n:3\r\n',
  '>1\r\n$-1\r\n',
]

test('no answer in the wrong place ends the process: it goes on asking', async (t) => {
  const goOn = async (answer: string) => {
    let asked = 0
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (commands) => {
        asked += 1
        // One too many: nobody has asked for the last.
        socket.write(answer.repeat((`${commands}`.match(/^\*/gm)?.length ?? 0) + 1))
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.after(() => server.close())
    const { redis } = open(t, `redis://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const other = redis.another()
    other.on('ready', () => void other.subscribe('news').catch(() => {}))
    await until(`it was asked, and ${JSON.stringify(answer)} got over`, () => asked > 8)
  }
  await Promise.all(misplaced.map(goOn))
})

test('signs in with the password of the address, and is away with a wrong one', { skip }, async (t) => {
  const server = await openRedisServer(t, { password: 'grapes' })
  const { redis } = open(t, server.url)
  await until('it was let in', () => redis.isThere())
  const wrong = open(t, server.url.replace('grapes', 'apples'))
  await until('it was told why not', () => wrong.lines.length > 0)
  assert.match(wrong.lines[0]!, /WRONGPASS/)
  assert.doesNotMatch(wrong.lines[0]!, /apples/)
})
