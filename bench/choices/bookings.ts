import { openDatabase } from '#platform/database'
import { writeBatch } from '../layouts/batch.ts'
import { makeBookings } from '../layouts/booking.ts'
import { legsInRow } from '../layouts/legs-in-row.ts'
import { drive, toMeasure } from '../load.ts'
import { proveExact } from '../proof.ts'
import { batchSize } from '../recording.ts'
import { spreadSeed } from '../seed.ts'
import type { Stage } from '../stage.ts'
import { readWalPosition } from '../wal.ts'
import type { Trial } from './choice.ts'

/** Batches of spends by several connections, each from wallets of its own, all at one merchant. */
export interface Booking {
  readonly connections: number
  /** What makes the schema another; nothing for the ledger's own. */
  readonly changes: readonly string[]
  /** Ends after so many, whatever the time. */
  readonly batches?: number
}

/** Books spends over 10,000 wallets with the rows of the ledger, in its schema as changed. */
export function measureBookings(stage: Stage, booking: Booking): Promise<Trial> {
  const { connections, changes, batches: batchesMax } = booking
  return stage.withGround(spreadSeed, async (ground) => {
    for (const change of changes) await ground.owner.sql.run(change)
    const database = openDatabase({ url: ground.url, poolSize: connections })
    const count = spreadSeed.wallets / connections
    const makers = Array.from({ length: connections }, (_, place) => makeBookings({ from: place * count, count }))
    let batches = 0
    const walBefore = await readWalPosition(stage.admin.sql)
    const sample = await drive({
      callers: connections,
      callSize: batchSize,
      warmUpSeconds: batchesMax ? 0 : stage.warmUpSeconds,
      seconds: batchesMax ? secondsMax : stage.seconds,
      watched: { processes: [process.pid], postmaster: stage.server.postmaster },
      isDone: () => batches === batchesMax,
      async call(caller) {
        const bookings = makers[caller]!(batchSize)
        batches += 1
        await database.transaction((sql) => writeBatch(sql, { layout: legsInRow, bookings }))
      },
    })
    const walBytes = (await readWalPosition(stage.admin.sql)) - walBefore
    await database.close()
    await proveExact(ground.owner.sql)
    return {
      measure: toMeasure([sample]),
      costs: [
        { name: 'WAL per transfer', value: walBytes / (batches * batchSize), unit: 'bytes' },
        { name: 'longest batch', value: Math.max(...sample.latenciesMs), unit: 'ms' },
      ],
    }
  })
}

const secondsMax = 60
