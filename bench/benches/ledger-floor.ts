import { applyTransfers } from '#modules/ledger'
import { openDatabase } from '#platform/database'
import { system, workOver } from '#platform/work'
import type { Bench, Measure } from '../bench.ts'
import { settings } from '../lane.ts'
import { drive, toMeasure } from '../load.ts'
import { proveExact } from '../proof.ts'
import { batchSize, type RecordedBatch, recordBatches } from '../recording.ts'
import { alternate } from '../rounds.ts'
import { hotSeed } from '../seed.ts'
import { makeSpends } from '../spends.ts'
import type { Ground, Stage } from '../stage.ts'

export const ledgerFloor: Bench = {
  name: 'ledger-floor',
  compares: 'batches of 500 spends by the ledger ÷ bare inserts of the very same rows, one connection each',
  must: 0.4,
  goal: 0.6,
  async run(stage) {
    const recorded = await stage.withGround(hotSeed, (ground) => recordBatches(ground, hotSeed))
    const inserts = recorded.map((batch) => batch.filter((statement) => /^\s*insert /.test(statement.text)))
    const sides = await alternate(stage, {
      'batches of the ledger': () => stage.withGround(hotSeed, (ground) => measureLedger(stage, ground)),
      'bare inserts': () => stage.withGround(hotSeed, (ground) => measureInserts(stage, ground, inserts)),
    })
    return {
      ratio: sides['batches of the ledger'].rate / sides['bare inserts'].rate,
      sides,
      figures: [{ name: 'rows recorded', value: recorded.length * batchSize, unit: 'transfers' }],
      musts: [],
    }
  },
}

async function measureLedger(stage: Stage, ground: Ground): Promise<Measure> {
  const ledger = openLedger(ground)
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

function openLedger(ground: Ground) {
  const database = openDatabase({ url: ground.url, poolSize: 1 })
  const withWork = workOver(database)
  const nextSpend = makeSpends({ from: 0, count: 1 })
  return {
    async applyBatch() {
      const commands = Array.from({ length: batchSize }, nextSpend)
      const outcomes = await withWork(system, (work) => applyTransfers(work, { commands, settings, wait: true }))
      if (outcomes.some((outcome) => outcome.status !== 'done')) throw new Error('a spend was not done')
    },
    close: database.close,
  }
}
