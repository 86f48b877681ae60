import { openDatabase, type Sql } from '#platform/database'
import type { Bench, Figure, Measure } from '../bench.ts'
import { writeBatch } from '../layouts/batch.ts'
import { makeBookings } from '../layouts/booking.ts'
import type { Layout } from '../layouts/layout.ts'
import { legsInRow } from '../layouts/legs-in-row.ts'
import { rowPerBatch } from '../layouts/row-per-batch.ts'
import { rowPerLeg } from '../layouts/row-per-leg.ts'
import { drive, toMeasure } from '../load.ts'
import { alternate, median } from '../rounds.ts'
import { hotSeed, type LedgerSeed, spreadSeed } from '../seed.ts'
import type { Ground, Stage } from '../stage.ts'
import { readWalPosition } from '../wal.ts'

const batchSize = 500

export const layout: Bench = {
  name: 'layout',
  compares: 'the journal with legs in the row ÷ a row per leg, one wallet; beside a row per batch, and over 10,000',
  must: 1,
  goal: 1.2,
  isForDecision: true,
  async run(stage) {
    const costs = new Map<string, Cost[]>()
    const side = (layout: Layout, place: string, seed: LedgerSeed) => {
      const name = `${layout.name}, ${place}`
      costs.set(name, [])
      return [
        name,
        () => measureLayout(stage, { layout, seed, onCost: (cost) => costs.get(name)!.push(cost) }),
      ] as const
    }
    const layouts = [rowPerLeg, legsInRow, rowPerBatch]
    const sides = await alternate<string>(
      stage,
      Object.fromEntries([
        ...layouts.map((layout) => side(layout, 'one wallet', hotSeed)),
        ...layouts.map((layout) => side(layout, '10,000', spreadSeed)),
      ]),
    )
    return {
      ratio: sides['legs in the row, one wallet']!.rate / sides['a row per leg, one wallet']!.rate,
      sides,
      figures: [...costs].flatMap(([name, rounds]) => toFigures(name, rounds)),
      musts: [],
    }
  },
}

/** What a layout costs besides time. */
interface Cost {
  readonly walBytes: number
  readonly diskBytes: number
  readonly statementMs: number
}

function toFigures(name: string, rounds: readonly Cost[]): Figure[] {
  const of = (pick: (cost: Cost) => number) => median(rounds.map(pick))
  return [
    { name: `${name}: WAL per transfer`, value: of((cost) => cost.walBytes), unit: 'bytes' },
    { name: `${name}: journal on disk per transfer`, value: of((cost) => cost.diskBytes), unit: 'bytes' },
    { name: `${name}: a page of 50 of a statement`, value: of((cost) => cost.statementMs), unit: 'ms' },
  ]
}

async function measureLayout(
  stage: Stage,
  trial: { layout: Layout; seed: LedgerSeed; onCost: (cost: Cost) => void },
): Promise<Measure> {
  const { layout, seed } = trial
  return stage.withGround(seed, async (ground) => {
    await layout.create(ground.owner.sql)
    const database = openDatabase({ url: ground.url, poolSize: 1 })
    const makeBatch = makeBookings({ from: 0, count: seed.wallets })
    const before = await usedBytes(stage, ground, layout)
    let batches = 0
    let lastPayer = ''
    const sample = await drive({
      callers: 1,
      callSize: batchSize,
      warmUpSeconds: stage.warmUpSeconds,
      seconds: stage.seconds,
      watched: { processes: [process.pid], postmaster: stage.server.postmaster },
      async call() {
        const bookings = makeBatch(batchSize)
        batches += 1
        lastPayer = bookings[0]!.payerId
        await database.transaction(async (sql) => writeBatch(sql, { layout, bookings }))
      },
    })
    const after = await usedBytes(stage, ground, layout)
    const perTransfer = (bytes: number) => bytes / (batches * batchSize)
    trial.onCost({
      walBytes: perTransfer(after.wal - before.wal),
      diskBytes: perTransfer(after.disk - before.disk),
      statementMs: await timeStatement(database.sql, layout, lastPayer),
    })
    await database.close()
    return toMeasure([sample])
  })
}

async function usedBytes(stage: Stage, ground: Ground, layout: Layout): Promise<{ wal: number; disk: number }> {
  const [disk] = await ground.owner.sql.rows<{ bytes: string }>(
    'select sum(pg_total_relation_size(name::regclass)) as bytes from unnest($1::text[]) as u (name)',
    [layout.tables],
  )
  return { wal: await readWalPosition(stage.admin.sql), disk: Number(disk!.bytes) }
}

async function timeStatement(sql: Sql, layout: Layout, walletId: string): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < 21; turn += 1) {
    const startedAt = performance.now()
    const rows = await layout.readStatement(sql, walletId)
    if (turn === 0 && rows.length === 0) throw new Error(`${layout.name}: the statement is empty`)
    times.push(performance.now() - startedAt)
  }
  return median(times)
}
