import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, test } from 'node:test'
import { type House, openHouse, until } from '#test/harness'
import { unavailable } from './http-problems.ts'
import { assertGeneration, giveUpLease, keepLease, type Lease, LeaseLost, renewLease, takeLease } from './leases.ts'
import { system } from './work.ts'

const longMs = 60_000
const stopsMax = process.env.PODO_TEST_LONG === '1' ? 100 : 2

function onError(error: unknown): void {
  throw error
}

describe('a lease', () => {
  it('has one holder at a time, and is free again when that one gives it up', async (t) => {
    const { database } = await openHouse(t)
    const take = (holder: string) => takeLease(database, { name: 'one', holder, ttlMs: longMs })
    const taken = (await Promise.all(['a', 'b', 'c', 'd', 'e'].map(take))).filter((lease) => lease !== null)
    assert.equal(taken.length, 1)
    await giveUpLease(database, taken[0]!)
    const next = await take('f')
    assert.equal(next?.generation, taken[0]!.generation + 1)
  })

  it('that ran out is taken over, and its former holder can neither renew it nor give it up', async (t) => {
    const { database } = await openHouse(t)
    const stale = await takeLease(database, { name: 'one', holder: 'a', ttlMs: 0 })
    const lease = await takeLease(database, { name: 'one', holder: 'b', ttlMs: longMs })
    assert.equal(await renewLease(database, { lease: stale!, ttlMs: longMs }), false)
    await giveUpLease(database, stale!)
    assert.equal(await takeLease(database, { name: 'one', holder: 'c', ttlMs: longMs }), null)
    assert.equal(await renewLease(database, { lease: lease!, ttlMs: longMs }), true)
  })

  it('that was taken over lets its former holder write nothing, a hundred times of a hundred', async (t) => {
    const { database, withWork, ownerSql } = await openHouse(t)
    await ownerSql.run('create table written (generation bigint)')
    await ownerSql.run('grant insert on written to podo_service')
    const write = (lease: Lease) =>
      withWork(system, async (work) => {
        work.sql.send('insert into written values ($1)', [lease.generation])
        await assertGeneration(work, lease)
      })
    let stale = (await takeLease(database, { name: 'one', holder: 'a', ttlMs: 0 }))!
    for (let at = 0; at < 100; at += 1) {
      const lease = (await takeLease(database, { name: 'one', holder: 'a', ttlMs: 0 }))!
      await assert.rejects(write(stale), LeaseLost)
      stale = lease
    }
    await write(stale)
    const rows = await ownerSql.rows<{ generation: number }>('select generation from written')
    assert.deepEqual(rows, [{ generation: stale.generation }])
  })

  it('cannot change hands between the look at it and the commit', async (t) => {
    const { database, withWork, second } = await openHouse(t)
    const lease = (await takeLease(database, { name: 'one', holder: 'a', ttlMs: 0 }))!
    const order: string[] = []
    let taking: Promise<unknown> = Promise.resolve()
    await withWork(system, async (work) => {
      await assertGeneration(work, lease)
      taking = takeLease(second().database, { name: 'one', holder: 'b', ttlMs: longMs }).then(() => order.push('taken'))
      const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%platform.lease%'`
      await until('the other one waits', async () => (await database.sql.rows(waiting)).length > 0)
      order.push('written')
    })
    await taking
    assert.deepEqual(order, ['written', 'taken'])
  })
})

describe('keeping a lease', () => {
  it('runs the task in one process only, never twice at once, and hands it over when that one stops', async (t) => {
    const house = await openHouse(t)
    let running = 0
    const runs = [0, 0]
    const keepers = [house, house.second()].map(({ database }, at) =>
      keepLease({
        reads: database,
        name: 'task',
        ttlMs: 150,
        intervalMs: 1,
        onError,
        async run() {
          running += 1
          assert.equal(running, 1)
          await database.sql.rows('select pg_sleep(0.005)')
          running -= 1
          runs[at]! += 1
          return false
        },
      }),
    )
    for (const keeper of keepers) house.onClose(() => keeper.close())
    await until('the task has run twenty times', () => runs[0]! + runs[1]! >= 20)
    const first = keepers[0]!.isHolder() ? 0 : 1
    assert.equal(runs[1 - first], 0)
    await keepers[first]!.close()
    await until('the other process has taken over', () => runs[1 - first]! > 5)
  })

  it('is taken over from a holder that died, within its time', async (t) => {
    const house = await openHouse(t)
    await takeLease(house.database, { name: 'task', holder: 'dead', ttlMs: 200 })
    let runs = 0
    const count = async () => {
      runs += 1
      return false
    }
    const options = { reads: house.database, name: 'task', ttlMs: 200, intervalMs: 1, onError }
    const keeper = keepLease({ ...options, run: count })
    house.onClose(() => keeper.close())
    await until('the task runs', () => runs > 0, { timeoutMs: 2_000 })
  })

  it('goes on after a run that failed, and tells of it', async (t) => {
    const house = await openHouse(t)
    const errors: unknown[] = []
    let runs = 0
    const keeper = keepLease({
      reads: house.database,
      name: 'task',
      intervalMs: 1,
      onError: (error) => errors.push(error),
      async run() {
        runs += 1
        if (runs === 1) throw new Error('once')
        return false
      },
    })
    house.onClose(() => keeper.close())
    await until('the task has run again', () => runs > 2)
    assert.match(String(errors), /once/)
    assert.equal(errors.length, 1)
  })
})

test('a keeper tells of a database that is away once each time, however often it looks', async (t) => {
  const house = await openHouse(t)
  const away = (at: number) =>
    at === 9 ? unavailable() : Object.assign(new Error(`away at ${at}`), { code: 'ECONNREFUSED' })
  const told: unknown[] = []
  let runs = 0
  const keeper = keepLease({
    reads: house.database,
    name: 'task',
    intervalMs: 1,
    onError: (error) => told.push((error as Error).message),
    async run() {
      runs += 1
      if (runs <= 5 || (runs > 6 && runs <= 10)) throw away(runs)
      return false
    },
  })
  house.onClose(() => keeper.close())
  await until('it has run after both', () => runs > 11)
  assert.deepEqual(told, ['away at 1', 'away at 7'])
})

test('a process that was stopped while it held a lease goes on to write nothing once another has it', async (t) => {
  const house = await openHouse(t)
  await house.ownerSql.run('create table written (at bigserial, generation bigint)')
  await house.ownerSql.run('grant insert, select on written to podo_service')
  await house.ownerSql.run('grant usage on sequence written_at_seq to podo_service')
  const { child, line } = openHolder(house)
  const take = () => takeLease(house.database, { name: 'task', holder: 'the test', ttlMs: longMs })
  for (let at = 0; at < stopsMax; at += 1) {
    const own = 2 * at + 1
    assert.equal(await line(), `run ${own}`)
    child.stdin.write('write\n')
    assert.equal(await line(), 'written')
    assert.equal(await line(), `run ${own}`)

    child.kill('SIGSTOP')
    child.stdin.write('write\n')
    const lease = await until('the lease could be taken over', take)
    await house.database.sql.run('insert into written (generation) values ($1)', [lease.generation])
    child.kill('SIGCONT')
    assert.equal(await line(), 'LeaseLost')
    await giveUpLease(house.database, lease)
  }
  assert.equal(await line(), `run ${2 * stopsMax + 1}`)
  const rows = await house.database.sql.rows<{ generation: number }>('select generation from written order by at')
  const expected = Array.from({ length: 2 * stopsMax }, (_, at) => at + 1)
  assert.deepEqual(
    rows.map(({ generation }) => generation),
    expected,
  )
})

/** Another process that keeps the lease `task`; each run of it writes once when it is told to, and says how that went. */
function openHolder(house: House) {
  const [database, work, leases] = ['database', 'work', 'leases'].map((name) =>
    JSON.stringify(join(import.meta.dirname, `${name}.ts`)),
  )
  const code = `
    import { once } from 'node:events'
    import { createInterface } from 'node:readline'
    const { openDatabase } = await import(${database})
    const { system, workOver } = await import(${work})
    const { assertGeneration, keepLease } = await import(${leases})
    const database = openDatabase({ url: ${JSON.stringify(house.serviceUrl)}, poolSize: 2 })
    const withWork = workOver(database)
    const told = createInterface(process.stdin)
    async function run(lease) {
      console.log('run ' + lease.generation)
      await once(told, 'line')
      await withWork(system, async (work) => {
        work.sql.send('insert into written (generation) values ($1)', [lease.generation])
        await assertGeneration(work, lease)
      })
    }
    const runAndSay = (lease) =>
      run(lease).then(() => console.log('written'), (error) => {
        console.log(error.name)
        throw error
      })
    keepLease({ reads: database, name: 'task', ttlMs: 500, intervalMs: 1, run: runAndSay, onError: console.error })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] })
  house.onClose(async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return { child, line: async () => (await lines.next()).value as string }
}
