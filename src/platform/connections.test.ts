import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import pg from 'pg'
import { openHouse, until } from '#test/harness'
import { openSilentProxy } from '#test/silent-proxy'
import { connectionTo } from './connections.ts'
import { failureOf, openDatabase } from './database.ts'

const house = await openHouse({ after })
const own = new URL(house.serviceUrl)
const nobodyThere = '127.0.0.1:1'

test('of several hosts the one that takes writes is found, past one that is gone, one that hangs and a standby', async (t) => {
  const hung = await openSilentProxy(t, house.serviceUrl)
  hung.fallSilent()
  const standby = await openStandby(t)
  const pool = openPool(t, [nobodyThere, hostOf(hung.url), standby.host, own.host], { max: 3 })
  const since = performance.now()
  await Promise.all([1, 2, 3].map(() => pool.query('select pg_sleep(0.01)')))
  assert.ok(performance.now() - since < 1_500, 'the host that hangs cost its whole timeout')
  assert.equal(pool.totalCount, 3)
  // One search for all, and none for who comes later.
  assert.deepEqual([hung.connections(), standby.logins()], [1, 1])
})

test('where no host is as wished, the error says of each why, and that nothing is known to be wrong with the statement', async (t) => {
  const standby = await openStandby(t)
  const hosts = [nobodyThere, standby.host]
  const error = await failureFrom(openPool(t, hosts).query('select'))
  assert.match(error.message, /127\.0\.0\.1:1: connect ECONNREFUSED.*; .*: not read-write/)
  assert.equal(failureOf(error), 'unavailable')
  const wishes = { any: true, standby: true, 'prefer-standby': true, 'read-only': true, primary: false }
  for (const [wish, isTaken] of Object.entries(wishes)) {
    const connected = openPool(t, hosts, { query: `?target_session_attrs=${wish}` }).connect()
    const taken = await connected.then(
      (client) => {
        client.release()
        return true
      },
      () => false,
    )
    assert.equal(taken, isTaken, wish)
  }
})

test('a host that fell away is looked for anew, and the service goes on at the one that takes writes now', async (t) => {
  const [first, second] = [await openSilentProxy(t, house.serviceUrl), await openSilentProxy(t, house.serviceUrl)]
  const url = urlOf([hostOf(first.url), hostOf(second.url)])
  const database = openDatabase({ url, poolSize: 2, statementTimeoutMs: 200 })
  t.after(() => database.close())
  await database.sql.rows('select')
  // A visit, and then the connection.
  assert.deepEqual([first.connections(), second.connections()], [2, 0])
  await first.close()
  await until('the loss was noticed', () => database.pool().total === 0)
  const since = performance.now()
  await database.sql.rows('select')
  assert.ok(performance.now() - since < 2_000)
  assert.ok(second.connections() > 0)
})

test('a host that falls silent is left for the one that has taken its place, and one that is only slow is not', async (t) => {
  const [first, second] = [await openSilentProxy(t, house.serviceUrl), await openSilentProxy(t, house.serviceUrl)]
  const pool = openPool(t, [hostOf(first.url), hostOf(second.url)])
  first.fallSilent()
  await Promise.all([pool.query('select'), pool.query('select')])
  first.speak()
  await pool.query('select pg_sleep(2)')
  assert.equal(pool.totalCount, 2)
  const waiting = pool.query('select pg_sleep(10)')
  const since = performance.now()
  second.fallSilent()
  assert.equal(failureOf(await failureFrom(waiting)), 'unavailable')
  // The one that nobody used is gone as well.
  await until('both were closed', () => pool.totalCount === 0)
  await pool.query('select')
  assert.ok(performance.now() - since < 4_000)
})

test('a connection whose server has become read-only is closed, whoever has it, and the next is another', async (t) => {
  for (const becomeReadOnly of ['set default_transaction_read_only = on', 'set transaction read only']) {
    const pool = openPool(t, [own.host], { query: '?target_session_attrs=read-write' })
    const client = await pool.connect()
    client.on('error', () => {})
    const [before] = (await client.query('select pg_backend_pid() as pid')).rows
    await client.query('begin')
    await client.query(becomeReadOnly)
    // The first was told of; of the second one hears at a write.
    await client.query('create temporary table x ()').catch(() => {})
    await client.query('create table public.x ()').catch(() => {})
    client.release()
    await until('it was closed', () => pool.totalCount === 0)
    const [now] = (await pool.query('select pg_backend_pid() as pid')).rows
    assert.notEqual(now.pid, before.pid)
  }
})

test('who waits for a connection in vain hears that the database is unavailable, as who gets none does', async (t) => {
  const pool = openPool(t, [own.host], { max: 1, connectionTimeoutMillis: 200 })
  const client = await pool.connect()
  const error = await failureFrom(pool.query('select'))
  client.release()
  assert.equal(failureOf(error), 'unavailable', error.message)
})

test('a database that falls silent costs a statement a bounded time, and leaves no connection behind', async (t) => {
  const proxy = await openSilentProxy(t, house.serviceUrl)
  const database = openDatabase({ url: proxy.url, poolSize: 2, statementTimeoutMs: 200 })
  await Promise.all([database.sql.rows('select'), database.sql.rows('select')])
  proxy.fallSilent()
  const since = performance.now()
  const failures = await Promise.all([
    database.sql.rows('select').catch(failureOf),
    database.transaction((sql) => sql.rows('select 1')).catch(failureOf),
  ])
  assert.deepEqual(failures, ['unavailable', 'unavailable'])
  assert.ok(performance.now() - since < 1_000)
  await until('both were closed', () => database.pool().total === 0)
  proxy.speak()
  await database.sql.rows('select')
  await database.close()
})

test('a server that never says goodbye is left all the same', async (t) => {
  const proxy = await openSilentProxy(t, house.serviceUrl)
  const connection = connectionTo(proxy.url)
  const client = new connection.Client(connection)
  await client.connect()
  proxy.fallSilent()
  await client.end()
})

function openPool(
  t: TestContext,
  hosts: string[],
  { query = '', ...options }: pg.PoolConfig & { query?: string } = {},
) {
  const pool = new pg.Pool({
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 0,
    ...options,
    ...connectionTo(urlOf(hosts) + query),
  })
  pool.on('error', () => {})
  t.after(() => pool.end())
  return pool
}

function urlOf(hosts: string[]): string {
  return house.serviceUrl.replace(own.host, hosts.join()).replace(/\?.*/, '')
}

function hostOf(url: string): string {
  return new URL(url).host
}

function failureFrom(failing: Promise<unknown>): Promise<Error> {
  return failing.then(
    () => assert.fail('it did not fail'),
    (error: Error) => error,
  )
}

/** Lets everybody in and says that it is a standby, in PostgreSQL's protocol (its documentation, 54.7). */
async function openStandby(t: TestContext): Promise<{ host: string; logins(): number }> {
  const message = (type: string, body: Buffer) => {
    const head = Buffer.alloc(5)
    head.write(type)
    head.writeUInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const welcome = Buffer.concat([
    message('R', Buffer.alloc(4)),
    message('S', Buffer.from('in_hot_standby\0on\0')),
    message('Z', Buffer.from('I')),
  ])
  const sockets = new Set<Socket>()
  const listener = createServer((socket) => {
    sockets.add(socket)
    socket.once('data', () => socket.write(welcome)).on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    listener.close()
    await once(listener, 'close')
  })
  return { host: `127.0.0.1:${(listener.address() as AddressInfo).port}`, logins: () => sockets.size }
}
