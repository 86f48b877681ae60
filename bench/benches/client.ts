import postgres from 'postgres'
import { openDatabase } from '#platform/database'
import type { Bench, Measure } from '../bench.ts'
import { drive, toMeasure } from '../load.ts'
import { proveExact } from '../proof.ts'
import { batchSize, type RecordedBatch, recordBatches } from '../recording.ts'
import { alternate } from '../rounds.ts'
import { hotSeed, type LedgerSeed, spreadSeed } from '../seed.ts'
import type { Stage } from '../stage.ts'

export const client: Bench = {
  name: 'client',
  compares: `the statements of the ledger's batches through pg ÷ through postgres.js at its best, one connection`,
  must: 1,
  goal: 1,
  isForDecision: true,
  async run(stage) {
    const hot = await stage.withGround(hotSeed, (ground) => recordBatches(ground, hotSeed))
    const spread = await stage.withGround(spreadSeed, (ground) => recordBatches(ground, spreadSeed))
    const replay = (seed: LedgerSeed, open: OpenClient) => () =>
      measureReplay(stage, { seed, open, recorded: seed === hotSeed ? hot : spread })
    const sides = await alternate(stage, {
      'pg, one wallet': replay(hotSeed, openPg),
      'postgres.js begin, one wallet': replay(hotSeed, openPostgresJs),
      'postgres.js reserved, one wallet': replay(hotSeed, openPostgresJsReserved),
      'pg, 10,000': replay(spreadSeed, openPg),
      'postgres.js begin, 10,000': replay(spreadSeed, openPostgresJs),
      'postgres.js reserved, 10,000': replay(spreadSeed, openPostgresJsReserved),
    })
    const best = Math.max(sides['postgres.js begin, one wallet'].rate, sides['postgres.js reserved, one wallet'].rate)
    const bestSpread = Math.max(sides['postgres.js begin, 10,000'].rate, sides['postgres.js reserved, 10,000'].rate)
    return {
      ratio: sides['pg, one wallet'].rate / best,
      sides,
      figures: [{ name: 'over 10,000 wallets', value: sides['pg, 10,000'].rate / bestSpread, unit: 'ratio' }],
      musts: [],
    }
  },
}

interface Client {
  replay(batch: RecordedBatch): Promise<void>
  close(): Promise<void>
}
type OpenClient = (url: string) => Promise<Client>

/** Every batch once, in its order, into a database as it was when they were recorded. */
function measureReplay(
  stage: Stage,
  trial: { seed: LedgerSeed; open: OpenClient; recorded: readonly RecordedBatch[] },
): Promise<Measure> {
  return stage.withGround(trial.seed, async (ground) => {
    const opened = await trial.open(ground.url)
    let next = 0
    const sample = await drive({
      callers: 1,
      callSize: batchSize,
      warmUpSeconds: Math.min(0.5, stage.warmUpSeconds),
      seconds: stage.seconds,
      watched: { processes: [process.pid], postmaster: stage.server.postmaster },
      isDone: () => next === trial.recorded.length,
      async call() {
        const batch = trial.recorded[next]!
        next += 1
        await opened.replay(batch)
      },
    })
    await opened.close()
    await proveExact(ground.owner.sql)
    return toMeasure([sample])
  })
}

/** As the house uses it: pipelined, so `begin` goes with the reads and `commit` with the writes. */
const openPg: OpenClient = async (url) => {
  const database = openDatabase({ url, poolSize: 1 })
  return {
    replay: (batch) =>
      database.transaction(async (sql) => {
        const reads = batch.filter((statement) => statement.isAwaited)
        await Promise.all(reads.map(({ text, values }) => sql.rows(text, values)))
        for (const { text, values, isAwaited } of batch) if (!isAwaited) sql.send(text, values)
      }),
    close: database.close,
  }
}

type Values = Parameters<postgres.Sql['unsafe']>[1]

/** As it is meant to be used: `begin` and `commit` are waits of their own. */
const openPostgresJs: OpenClient = async (url) => {
  const sql = openPostgres(url)
  return {
    async replay(batch) {
      await sql.begin(async (transaction) => {
        const send = ({ text, values }: RecordedBatch[number]) =>
          transaction.unsafe(text, values as Values, { prepare: true })
        await Promise.all(batch.filter((statement) => statement.isAwaited).map(send))
        await Promise.all(batch.filter((statement) => !statement.isAwaited).map(send))
      })
    },
    close: () => sql.end(),
  }
}

/** Against its grain: a reserved connection on which `begin` and `commit` are statements like others. */
const openPostgresJsReserved: OpenClient = async (url) => {
  const sql = openPostgres(url)
  const reserved = await sql.reserve()
  return {
    async replay(batch) {
      const send = ({ text, values }: RecordedBatch[number]) =>
        reserved.unsafe(text, values as Values, { prepare: true })
      const begun = reserved.unsafe('begin')
      await Promise.all([begun, ...batch.filter((statement) => statement.isAwaited).map(send)])
      const writes = batch.filter((statement) => !statement.isAwaited).map(send)
      await Promise.all([...writes, reserved.unsafe('commit')])
    },
    async close() {
      reserved.release()
      await sql.end()
    },
  }
}

function openPostgres(url: string): postgres.Sql {
  const address = new URL(url)
  return postgres({
    host: address.hostname,
    port: Number(address.port),
    user: address.username,
    password: decodeURIComponent(address.password),
    database: address.pathname.slice(1),
    max: 1,
    connection: { synchronous_commit: 'on', enable_hashjoin: 'off', enable_mergejoin: 'off' } as Record<string, string>,
    types: { safeInteger: { to: 20, from: [20], serialize: String, parse: Number } } as never,
  })
}
