import { applyTransfers } from '#modules/ledger'
import { openDatabase, type TransactionSql } from '#platform/database'
import { system, workOver } from '#platform/work'
import { settings } from './lane.ts'
import { makeSpends } from './spends.ts'
import type { Ground } from './stage.ts'

/** A statement that the ledger sent, as it sent it. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
  /** Whether the ledger waited for its rows before it went on. */
  readonly isAwaited: boolean
}

/** The statements of one batch, without `begin` and `commit`. */
export type RecordedBatch = readonly Statement[]

export const batchSize = 500

/** 200,000 transfers: a second or two of bare inserts, and as much as fits into the memory of the process. */
const batchesUsual = 400

/** Lets the ledger decide batches over one connection and keeps what it sends to the database. */
export async function recordBatches(
  ground: Ground,
  { wallets, batches: count = batchesUsual }: { wallets: number; batches?: number },
): Promise<RecordedBatch[]> {
  const database = openDatabase({ url: ground.url, poolSize: 1 })
  const withWork = workOver(database)
  const nextSpend = makeSpends({ from: 0, count: wallets })
  const batches: Statement[][] = []
  while (batches.length < count) {
    const commands = Array.from({ length: batchSize }, nextSpend)
    const statements: Statement[] = []
    await withWork(system, (work) =>
      applyTransfers({ ...work, sql: recording(work.sql, statements) }, { commands, settings, wait: true }),
    )
    batches.push(statements)
  }
  await database.close()
  return batches
}

function recording(sql: TransactionSql, statements: Statement[]): TransactionSql {
  return {
    rows(text, values = []) {
      statements.push({ text, values, isAwaited: true })
      return sql.rows(text, values)
    },
    run(text, values = []) {
      statements.push({ text, values, isAwaited: true })
      return sql.run(text, values)
    },
    send(text, values = []) {
      statements.push({ text, values, isAwaited: false })
      sql.send(text, values)
    },
  }
}
