import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { type House, openHouse, until } from '#test/harness'
import { failureOf } from './database.ts'
import { findAnswers } from './idempotency.ts'
import { system } from './work.ts'

/** What every connection runs under, and what the database would have it run under otherwise. */
const settings = [
  { name: 'statement_timeout', isInForce: '10s', byDefault: '0' },
  { name: 'lock_timeout', isInForce: '2s', byDefault: '0' },
  { name: 'idle_in_transaction_session_timeout', isInForce: '2s', byDefault: '0' },
  { name: 'client_connection_check_interval', isInForce: '2s', byDefault: '0' },
  { name: 'synchronous_commit', isInForce: 'on', byDefault: 'off' },
  { name: 'timezone', isInForce: 'UTC', byDefault: 'Asia/Seoul' },
  { name: 'datestyle', isInForce: 'ISO, MDY', byDefault: 'German, MDY' },
  { name: 'enable_hashjoin', isInForce: 'off', byDefault: 'on' },
  { name: 'enable_mergejoin', isInForce: 'off', byDefault: 'on' },
  { name: 'plan_cache_mode', isInForce: 'force_generic_plan', byDefault: 'force_custom_plan' },
]

test('every setting of a connection is in force, whatever the defaults of the database say', async (t) => {
  const house = await openHouse(t)
  for (const { name, byDefault } of settings) await setDefault(house, { name, value: byDefault })
  const { sql } = house.second({ poolSize: 1 }).database
  const shown = await sql.rows(
    'select name, current_setting(name) as "isInForce" from unnest($1::text[]) as setting (name)',
    [settings.map((setting) => setting.name)],
  )
  assert.deepEqual(
    shown,
    settings.map(({ name, isInForce }) => ({ name, isInForce })),
  )
})

test('a commit waits for at least its own disk, and for a standby to show it where the database asks for that', async (t) => {
  const house = await openHouse(t)
  const inForce: Record<string, string> = {}
  for (const value of ['off', 'local', 'remote_write', 'on', 'remote_apply']) {
    await setDefault(house, { name: 'synchronous_commit', value })
    const { sql } = house.second({ poolSize: 1 }).database
    const [shown] = await sql.rows<{ now: string }>(`select current_setting('synchronous_commit') as now`)
    inForce[value] = shown!.now
  }
  assert.deepEqual(inForce, { off: 'on', local: 'on', remote_write: 'on', on: 'on', remote_apply: 'remote_apply' })
})

test('a connection asks after the other end within seconds when it hears nothing', async (t) => {
  const house = await openHouse(t)
  const asking = t.mock.method(Socket.prototype, 'setKeepAlive')
  await house.second().database.sql.rows('select')
  assert.deepEqual(
    asking.mock.calls.map((call) => call.arguments),
    [[true, 10_000]],
  )
})

test('a statement is planned once on a connection, however often it runs', async (t) => {
  const { withWork } = await openHouse(t)
  await withWork(system, async (work) => {
    for (let time = 0; time < 8; time += 1) await findAnswers(work, ['00000000-0000-7000-8000-000000000000'])
    const plans = await work.sql.rows<{ generic: number; custom: number }>(
      `select generic_plans as generic, custom_plans as custom from pg_prepared_statements
       where statement like '%platform.idempotency_key%' and statement not like '%pg_prepared_statements%'`,
    )
    assert.deepEqual(plans, [{ generic: 8, custom: 0 }])
  })
})

test('one more than may wait for a connection is refused at once as in an outage, units of work last', async (t) => {
  const house = await openHouse(t)
  const { sql, transaction, pool } = house.second({ poolSize: 1 }).database
  const held = Promise.withResolvers<void>()
  const holding = transaction(() => held.promise)
  await until('the connection is held', () => pool().total === 1 && pool().idle === 0)
  const reads = Array.from({ length: 128 }, () => sql.rows('select 1'))
  const refusal = await sql.rows('select 1').catch((error: unknown) => error)
  assert.equal(failureOf(refusal), 'unavailable')
  const works = Array.from({ length: 128 }, () => transaction(async () => 'done'))
  assert.equal(failureOf(await transaction(async () => 'done').catch((error: unknown) => error)), 'unavailable')
  held.resolve()
  await Promise.all([holding, ...reads, ...works])
  assert.deepEqual(await sql.rows('select 1 as one'), [{ one: 1 }])
})

test('whatever the client says of a connection that has gone, the database is away', () => {
  const said = [
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Query read timeout',
  ]
  for (const message of said) assert.equal(failureOf(new Error(message)), 'unavailable', message)
  assert.equal(failureOf(new Error('undefined is not a function')), 'bug')
})

/** What connections made from now on would run under by themselves. */
async function setDefault({ ownerUrl, ownerSql }: House, { name, value }: { name: string; value: string }) {
  await ownerSql.run(`alter database ${new URL(ownerUrl).pathname.slice(1)} set ${name} = '${value}'`)
}
