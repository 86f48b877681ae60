import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type House, openHouse, until } from '#test/harness'
import { addJob, type Job, openJobs } from './jobs.ts'
import { openLog } from './log.ts'
import { system } from './work.ts'

const log = openLog({ level: 'silent' })

async function work(house: House, jobs: readonly Job[]) {
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
