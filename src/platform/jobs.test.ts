import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freshServer, type House, openHouse, until } from '#test/harness'
import { killPostmaster } from '#test/simulation/killable-house'
import { addJob } from './job-queue.ts'
import { type Job, openJobs } from './jobs.ts'
import { openLog } from './log.ts'
import { system } from './work.ts'

const silent = openLog({ level: 'silent' })
const killable = await freshServer({ after })

async function work(house: House, jobs: readonly Job[], log = silent) {
  const opened = await openJobs({ url: house.serviceUrl, jobs, concurrency: 2, log })
  house.onClose(() => opened.close())
  return opened
}

test('a job is done once its unit of work is committed, and never when that was undone', async (t) => {
  const house = await openHouse(t)
  const done: unknown[] = []
  await work(house, [{ name: 'test.note', attemptsMax: 1, run: async (payload) => void done.push(payload) }])
  const add = (payload: unknown, isUndone: boolean) =>
    house.withWork(system, async (unit) => {
      await addJob(unit, { name: 'test.note', payload, attemptsMax: 1 })
      if (isUndone) throw new Error('undone')
    })
  await assert.rejects(add({ number: 1 }, true), { message: 'undone' })
  await add({ number: 2 }, false)
  await until('the job is done', () => done.length > 0)
  assert.deepEqual(done, [{ number: 2 }])
})

test('a job that fails is kept for another attempt, and its queue goes on', async (t) => {
  const house = await openHouse(t)
  const done: string[] = []
  const fail = async () => {
    done.push('failed')
    throw new Error('not today')
  }
  const jobs = [
    { name: 'test.fail', attemptsMax: 2, run: fail },
    { name: 'test.pass', attemptsMax: 1, run: async () => void done.push('passed') },
  ]
  await work(house, jobs)
  for (const { name } of jobs) {
    await house.withWork(system, (unit) => addJob(unit, { name, payload: {}, attemptsMax: 2 }))
  }
  const attempts = 'select attempts, last_error as error from graphile_worker._private_jobs where locked_at is null'
  let kept: { attempts: number; error: string | null }[] = []
  await until('both have run', async () => {
    kept = await house.ownerSql.rows(attempts)
    return done.length === 2 && kept[0]?.attempts === 1
  })
  assert.deepEqual(done.toSorted(), ['failed', 'passed'])
  assert.match(String(kept[0]!.error), /not today/)
})

test('what comes round waits once for its next time by the clock of the database, and is done once by however many workers', async (t) => {
  const house = await openHouse(t)
  let done = 0
  const jobs = [{ name: 'test.round', cron: '30 3 * * *', attemptsMax: 1, run: async () => void done++ }]
  const options = { url: house.serviceUrl, jobs, concurrency: 1, log: silent, lookMs: 20 }
  for (const worker of await Promise.all([openJobs(options), openJobs(options)])) house.onClose(() => worker.close())
  const waits = () =>
    until('it waits', async () => {
      const rows = await house.ownerSql.rows<{ time: string; isNext: boolean }>(
        `select to_char(run_at at time zone 'UTC', 'HH24:MI:SS') as time, attempts,
           run_at - clock_timestamp() between interval '0' and interval '1 day' as "isNext"
         from graphile_worker._private_jobs where locked_at is null and run_at > clock_timestamp()`,
      )
      return rows.length > 0 ? rows : null
    })
  for (let round = 1; round < 4; round += 1) {
    assert.deepEqual(await waits(), [{ time: '03:30:00', attempts: 0, isNext: true }])
    await house.ownerSql.run('update graphile_worker._private_jobs set run_at = now()')
    await house.ownerSql.rows(`select pg_notify('jobs:insert', '{"count":1}')`)
    await until('it was done', () => done === round)
  }
  await waits()
  assert.equal(done, 3)
})

test('the service works on the queue without owning any of it', async (t) => {
  const house = await openHouse(t)
  const owned = await house.ownerSql.rows(
    `select relname from pg_class where relowner = 'podo_service'::regrole
     union all select nspname from pg_namespace where nspowner = 'podo_service'::regrole`,
  )
  assert.deepEqual(owned, [])
  await assert.rejects(house.database.sql.run('alter table graphile_worker._private_jobs add column x int'), {
    code: '42501',
  })
})

test('PostgreSQL that dies costs the log one line, and no job', async (t) => {
  const house = await openHouse(t, killable)
  const lines: string[] = []
  const log = openLog({ level: 'info', write: (line) => lines.push(line) })
  let done = 0
  await work(house, [{ name: 'test.count', cron: '0 0 1 1 *', attemptsMax: 1, run: async () => void done++ }], log)
  for (const total of [1, 2]) {
    if (total > 1) await killPostmaster(killable)
    await house.withWork(system, (unit) => addJob(unit, { name: 'test.count', payload: {}, attemptsMax: 1 }))
    await until('it was done', () => done === total)
    await until('it has left the queue', async () => (await countQueued(house)) === 0)
  }
  assert.equal(lines.length, 1, lines.join(''))
  assert.match(lines[0]!, /"level":"warn".*The jobs have lost the database/)
  assert.doesNotMatch(lines[0]!, /"stack"/)
})

test('a job that ends while PostgreSQL is away is done once, and leaves the queue when it is back', async (t) => {
  const house = await openHouse(t, killable)
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const run = async () => {
    begun += 1
    await gate.promise
  }
  await work(house, [{ name: 'test.wait', attemptsMax: 2, run }])
  await house.withWork(system, (unit) => addJob(unit, { name: 'test.wait', payload: {}, attemptsMax: 2 }))
  await until('it has begun', () => begun > 0)
  const back = killPostmaster(killable)
  await until('the loss was noticed', () => killable.postgres.problem() !== null)
  gate.resolve()
  await back
  await until('it has left the queue', async () => (await countQueued(house).catch(() => 1)) === 0)
  assert.equal(begun, 1)
})

test('a job whose worker was killed is done by another, with those that it had put by, and none of a worker that lives', async (t) => {
  const house = await openHouse(t)
  const code = `
    const { openJobs } = await import(${JSON.stringify(join(import.meta.dirname, 'jobs.ts'))})
    const { openLog } = await import(${JSON.stringify(join(import.meta.dirname, 'log.ts'))})
    const run = async ({ at }) => {
      console.log(at)
      await new Promise(() => setInterval(() => {}, 1_000))
    }
    await openJobs({ url: ${JSON.stringify(house.serviceUrl)}, jobs: [{ name: 'test.hang', attemptsMax: 3, run }],
      concurrency: 1, log: openLog({ level: 'silent' }) })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'close')
  house.onClose(() => child.kill('SIGKILL') && gone)
  const add = (at: number) =>
    house.withWork(system, (unit) => addJob(unit, { name: 'test.hang', payload: { at }, attemptsMax: 3 }))
  for (const at of [1, 2, 3]) await add(at)
  await once(child.stdout, 'data')
  const countHeld = async () => {
    const held = `select from graphile_worker._private_jobs
      where locked_by is not null and (payload->>'at')::int <= 3`
    return (await house.ownerSql.rows(held)).length
  }
  await until('it has taken all', async () => (await countHeld()) === 3)

  const begun: number[] = []
  const run = async (payload: unknown) => void begun.push((payload as { at: number }).at)
  const looks = new Set<number>()
  const look = async () => {
    const text = 'select query_start as at from pg_stat_activity where datname = current_database() and query like $1'
    for (const { at } of await house.ownerSql.rows<{ at: Date }>(text, ['%lock_shared%'])) looks.add(at.getTime())
    return looks.size > 3
  }
  const jobs = await openJobs({
    url: house.serviceUrl,
    jobs: [{ name: 'test.hang', attemptsMax: 3, run }],
    concurrency: 2,
    log: silent,
    lookMs: 20,
  })
  house.onClose(() => jobs.close())
  await add(4)
  await until('it has begun to work', () => begun.length > 0)
  await until('it has looked four times', look)
  assert.deepEqual([begun, await countHeld()], [[4], 3])
  child.kill('SIGKILL')
  await until('all are done', async () => (await countQueued(house)) === 0)
  assert.deepEqual(begun.toSorted(), [1, 2, 3, 4])
})

async function countQueued(house: House): Promise<number> {
  return (await house.ownerSql.rows('select from graphile_worker._private_jobs where key is null')).length
}
