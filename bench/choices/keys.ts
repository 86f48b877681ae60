import { randomUUID } from 'node:crypto'
import { openDatabase, type Sql } from '#platform/database'
import { findAnswers, insertAnswers } from '#platform/idempotency'
import { system, workOver } from '#platform/work'
import { drive, toMeasure } from '../load.ts'
import { batchSize } from '../recording.ts'
import type { Ground, Stage } from '../stage.ts'
import { readWalPosition } from '../wal.ts'
import type { Trial } from './choice.ts'

/** Keys as random as digests are, in an index as full as random keys leave it. Nobody reads their answers. */
export async function plantKeys(sql: Sql, count: number): Promise<void> {
  await sql.run('alter table platform.idempotency_key drop constraint if exists idempotency_key_pk')
  await sql.run(
    `insert into platform.idempotency_key (digest, request_hash, status, answer)
     select md5(n::text)::uuid, md5('request ' || n)::uuid, 200, '' from generate_series(1, $1::int) n`,
    [count],
  )
  await sql.run(
    `alter table platform.idempotency_key add constraint idempotency_key_pk
     primary key (digest) with (fillfactor = 70)`,
  )
  await sql.run('vacuum (freeze, analyze) platform.idempotency_key')
}

/** What an answer takes, as that of a spend. */
const answer = 'x'.repeat(160)

/**
 * Looks for the keys of so many batches and stores them, as the ledger does, right after a checkpoint: as many for each
 * way, not for so many seconds, since a page costs most when it changes first, and who stores more would seem cheaper.
 */
export async function measureKeys(
  stage: Stage,
  { ground, batches }: { ground: Ground; batches: number },
): Promise<Trial> {
  const database = openDatabase({ url: ground.url, poolSize: 1 })
  const withWork = workOver(database)
  async function storeBatch(): Promise<void> {
    const digests = Array.from({ length: batchSize }, () => randomUUID())
    await withWork(system, async (work) => {
      if ((await findAnswers(work, digests)).length > 0) throw new Error('a key was there already')
      const answers = digests.map((digest) => ({ digest, requestHash: digest, status: 200, answer }))
      insertAnswers(work, answers)
    })
  }
  await storeBatch()
  await stage.admin.sql.run('checkpoint')
  const walBefore = await readWalPosition(stage.admin.sql)
  let left = batches
  const sample = await drive({
    callers: 1,
    callSize: batchSize,
    warmUpSeconds: 0,
    seconds: secondsMax,
    watched: { processes: [process.pid], postmaster: stage.server.postmaster },
    isDone: () => left === 0,
    call() {
      left -= 1
      return storeBatch()
    },
  })
  const walBytes = (await readWalPosition(stage.admin.sql)) - walBefore
  await database.close()
  return {
    measure: toMeasure([sample]),
    costs: [{ name: 'WAL per key', value: walBytes / ((batches - left) * batchSize), unit: 'bytes' }],
  }
}

const secondsMax = 30
