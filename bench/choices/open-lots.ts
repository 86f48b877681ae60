import { openDatabase } from '#platform/database'
import { drive, toMeasure } from '../load.ts'
import { batchSize } from '../recording.ts'
import { spreadSeed } from '../seed.ts'
import type { Ground, Stage } from '../stage.ts'
import { readWalPosition } from '../wal.ts'
import type { Choice, Trial } from './choice.ts'

/** What the index of open lots goes by: a column that rarely changes, or what every spend changes. */
export const openLots: Choice = {
  name: 'index of open lots',
  counts: 'lots updated',
  chosen: 'where open',
  play: (stage, compare) =>
    compare({
      'where open': () => measureUpdates(stage, []),
      'where remaining > 0': () => measureUpdates(stage, byRemaining),
    }),
}

const byRemaining = [
  'drop index ledger.lot_bonus_first, ledger.lot_fifo',
  'alter table ledger.lot drop column open',
  `create index lot_bonus_first on ledger.lot (account_id, class, expires_at, issued_at, id) where remaining > 0`,
  'create index lot_fifo on ledger.lot (account_id, issued_at, id) where remaining > 0',
]

/** Batches that take a point from each of 500 of 10,000 lots. */
function measureUpdates(stage: Stage, changes: readonly string[]): Promise<Trial> {
  return stage.withGround(spreadSeed, async (ground) => {
    for (const change of changes) await ground.owner.sql.run(change)
    const database = openDatabase({ url: ground.url, poolSize: 1 })
    const lots = await ground.owner.sql.rows<Lot>(`select id, remaining from ledger.lot where class = 'bonus'`)
    let batches = 0
    const walBefore = await readWalPosition(stage.admin.sql)
    const sample = await drive({
      callers: 1,
      callSize: batchSize,
      warmUpSeconds: stage.warmUpSeconds,
      seconds: stage.seconds,
      watched: { processes: [process.pid], postmaster: stage.server.postmaster },
      async call() {
        const spent = drawLots(lots)
        for (const lot of spent) lot.remaining -= 1
        batches += 1
        await database.sql.run(
          `update ledger.lot set remaining = u.remaining, held = u.held
           from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as u (id, remaining, held) where lot.id = u.id`,
          [spent.map((lot) => lot.id), spent.map((lot) => lot.remaining), spent.map(() => 0)],
        )
      },
    })
    const walBytes = (await readWalPosition(stage.admin.sql)) - walBefore
    await database.sql.run('select pg_stat_force_next_flush()')
    const inPlace = await readShareInPlace(ground)
    await database.close()
    return {
      measure: toMeasure([sample]),
      costs: [
        { name: 'updates in place (HOT)', value: inPlace * 100, unit: '%' },
        { name: 'WAL per update', value: walBytes / (batches * batchSize), unit: 'bytes' },
      ],
    }
  })
}

interface Lot {
  readonly id: string
  remaining: number
}

function drawLots(lots: readonly Lot[]): Lot[] {
  const drawn = new Set<Lot>()
  while (drawn.size < batchSize) drawn.add(lots[Math.floor(Math.random() * lots.length)]!)
  return [...drawn]
}

async function readShareInPlace(ground: Ground): Promise<number> {
  const [updates] = await ground.owner.sql.rows<{ all: number; hot: number }>(
    `select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relid = 'ledger.lot'::regclass`,
  )
  return updates!.hot / updates!.all
}
