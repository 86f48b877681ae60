import { applyTransfers } from '#modules/ledger'
import { openDatabase, type TransactionSql } from '#platform/database'
import { system, type Work, workOver } from '#platform/work'
import type { Bench, Measure } from '../bench.ts'
import { settings } from '../lane.ts'
import { drive, toMeasure } from '../load.ts'
import { proveExact } from '../proof.ts'
import { alternate } from '../rounds.ts'
import { hotSeed } from '../seed.ts'
import { makeSpends } from '../spends.ts'
import type { Ground, Stage } from '../stage.ts'

const batchSize = 500
/** 200,000 transfers: a second or two of bare inserts, and as much as fits into the memory of the process. */
const batchesRecorded = 400

export const ledgerFloor: Bench = {
  name: 'ledger-floor',
  compares: 'batches of 500 spends by the ledger ÷ bare inserts of the very same rows, one connection each',
  must: 0.4,
  goal: 0.6,
  async run(stage) {
    const recorded = await stage.withGround(hotSeed, (ground) => recordBatches(ground))
    const sides = await alternate(stage, {
      'batches of the ledger': () => stage.withGround(hotSeed, (ground) => measureLedger(stage, ground)),
      'bare inserts': () => stage.withGround(hotSeed, (ground) => measureInserts(stage, ground, recorded)),
    })
    return {
      ratio: sides['batches of the ledger'].rate / sides['bare inserts'].rate,
      sides,
      figures: [{ name: 'rows recorded', value: recorded.length * batchSize, unit: 'transfers' }],
      musts: [],
    }
  },
}

interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** The inserts of each batch, so that the denominator writes the same rows to the byte. */
type RecordedBatch = readonly Statement[]

async function recordBatches(ground: Ground): Promise<RecordedBatch[]> {
  const recorded: RecordedBatch[] = []
  const ledger = openLedger(ground, (work) => {
    const inserts: Statement[] = []
    recorded.push(inserts)
    return { ...work, sql: recording(work.sql, inserts) }
  })
  while (recorded.length < batchesRecorded) await ledger.applyBatch()
  await ledger.close()
  return recorded
}

function recording(sql: TransactionSql, inserts: Statement[]): TransactionSql {
  return {
    ...sql,
    send(text, values = []) {
      if (/^\s*insert /.test(text)) inserts.push({ text, values })
      sql.send(text, values)
    },
    run(text, values = []) {
      if (/^\s*insert /.test(text)) inserts.push({ text, values })
      return sql.run(text, values)
    },
  }
}

async function measureLedger(stage: Stage, ground: Ground): Promise<Measure> {
  const ledger = openLedger(ground, (work) => work)
  const sample = await drive({ ...loadOf(stage), call: ledger.applyBatch })
  await ledger.close()
  await proveExact(ground.owner.sql)
  return toMeasure([sample])
}

async function measureInserts(stage: Stage, ground: Ground, recorded: readonly RecordedBatch[]): Promise<Measure> {
  const database = openDatabase({ url: ground.url, poolSize: 1 })
  let next = 0
  const sample = await drive({
    ...loadOf(stage),
    isDone: () => next === recorded.length,
    async call() {
      const batch = recorded[next]!
      next += 1
      await database.transaction(async (sql) => {
        for (const { text, values } of batch) sql.send(text, values)
      })
    },
  })
  await database.close()
  return toMeasure([sample])
}

function loadOf(stage: Stage) {
  return {
    callers: 1,
    callSize: batchSize,
    warmUpSeconds: Math.min(0.5, stage.warmUpSeconds),
    seconds: stage.seconds,
    watched: { processes: [process.pid], postmaster: stage.server.postmaster },
  }
}

function openLedger(ground: Ground, around: (work: Work) => Work) {
  const database = openDatabase({ url: ground.url, poolSize: 1 })
  const withWork = workOver(database)
  const nextSpend = makeSpends({ from: 0, count: 1 })
  return {
    async applyBatch() {
      const commands = Array.from({ length: batchSize }, nextSpend)
      const outcomes = await withWork(system, (work) =>
        applyTransfers(around(work), { commands, settings, wait: true }),
      )
      if (outcomes.some((outcome) => outcome.status !== 'done')) throw new Error('a spend was not done')
    },
    close: database.close,
  }
}
