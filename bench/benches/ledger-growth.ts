import type { Bench, Measure } from '../bench.ts'
import { everyWallet, type GrownGround, openGrown } from '../grown.ts'
import { openBenchLane } from '../lane.ts'
import { drive, toMeasure } from '../load.ts'
import { alternate, median } from '../rounds.ts'
import { spreadSeed } from '../seed.ts'
import { makeSpends } from '../spends.ts'
import type { Stage } from '../stage.ts'
import { readWalPosition } from '../wal.ts'

const walletsSpentFrom = 10_000
const billion = 1_000_000_000
const checkpointSeconds = 15 * 60
const pageBytes = 8_192

export const ledgerGrowth: Bench = {
  name: 'ledger-growth',
  compares: 'spends with millions of transfers and a tenth as many wallets present ÷ with none, over 10,000 wallets',
  must: 0.7,
  goal: 0.9,
  async run(stage) {
    const grown = await openGrown(stage)
    await passFirstTouches(grown)
    const walBytes: Record<'grown' | 'empty' | 'cold', number[]> = { grown: [], empty: [], cold: [] }
    try {
      // One database for all rounds: to drop one is to checkpoint, and what comes after it logs every page whole.
      const sides = await stage.withGround(spreadSeed, (ground) =>
        alternate(stage, {
          grown: () => measureSpends(stage, { ...onGrown(grown), onWal: (bytes) => walBytes.grown.push(bytes) }),
          empty: () =>
            measureSpends(stage, { url: ground.url, every: 1, onWal: (bytes) => walBytes.empty.push(bytes) }),
        }),
      )
      const keys = await readKeyIndex(grown)
      const buffersMb = Math.max(16, Math.round(keys.bytes / 4 / 2 ** 20))
      const cold = await measureCold(stage, { grown, buffersMb, onWal: (bytes) => walBytes.cold.push(bytes) })
      const billionKeys = foreseeBillion({ ...keys, rate: cold.rate })
      return {
        ratio: sides.grown.rate / sides.empty.rate,
        sides: { ...sides, 'grown, cold, right after a checkpoint': cold },
        figures: [
          { name: 'WAL per spend, empty', value: median(walBytes.empty), unit: 'bytes' },
          { name: 'WAL per spend, grown', value: median(walBytes.grown), unit: 'bytes' },
          { name: 'WAL per spend, cold, right after a checkpoint', value: median(walBytes.cold), unit: 'bytes' },
          { name: 'grown, on the disk', value: grown.bytes / 2 ** 20, unit: 'MiB' },
          { name: 'key index', value: keys.bytes / 2 ** 20, unit: 'MiB' },
          { name: 'shared_buffers of the cold run', value: buffersMb, unit: 'MB' },
          { name: 'key index of a billion', value: billionKeys.indexGib, unit: 'GiB' },
        ],
        notes: [billionKeys.says],
        musts: [],
      }
    } finally {
      await grown.close()
    }
  },
}

/**
 * Spends until 19 of 20 pages of the key index were touched since the checkpoint: the first touch of a page logs it
 * whole. Of the fifteen minutes between two checkpoints that takes the first seconds; they are measured by themselves.
 */
async function passFirstTouches(grown: GrownGround): Promise<void> {
  const { bytes } = await readKeyIndex(grown)
  const lane = openBenchLane({ url: grown.url, poolSize: 8 })
  const nextSpend = makeSpends({ from: 0, count: walletsSpentFrom, every: everyWallet(grown, walletsSpentFrom) })
  let left = 3 * Math.ceil(bytes / pageBytes)
  const work = async () => {
    for (; left > 0; left -= 1) await lane.spend(nextSpend())
  }
  await Promise.all(Array.from({ length: 256 }, work))
  await lane.close()
}

function onGrown(grown: GrownGround) {
  return { url: grown.url, every: everyWallet(grown, walletsSpentFrom) }
}

interface Spending {
  readonly url: string
  /** Spends go to one wallet in so many. */
  readonly every: number
  readonly warmUpSeconds?: number
  onWal(bytesPerSpend: number): void
}

async function measureSpends(stage: Stage, spending: Spending): Promise<Measure> {
  const lane = openBenchLane({ url: spending.url, poolSize: 8 })
  const nextSpend = makeSpends({ from: 0, count: walletsSpentFrom, every: spending.every })
  let spends = 0
  const before = await readWalPosition(stage.admin.sql)
  const sample = await drive({
    callers: 256,
    warmUpSeconds: spending.warmUpSeconds ?? stage.warmUpSeconds,
    seconds: stage.seconds,
    watched: { processes: [process.pid], postmaster: stage.server.postmaster },
    call() {
      spends += 1
      return lane.spend(nextSpend())
    },
  })
  await lane.close()
  spending.onWal(((await readWalPosition(stage.admin.sql)) - before) / spends)
  return toMeasure([sample])
}

/** The worst moment: no page of the index logged since the checkpoint, and three of four not in PostgreSQL's memory. */
async function measureCold(
  stage: Stage,
  { grown, buffersMb, onWal }: { grown: GrownGround; buffersMb: number; onWal: Spending['onWal'] },
): Promise<Measure> {
  await stage.server.restart({ shared_buffers: `${buffersMb}MB` })
  try {
    const { cold } = await alternate(stage, {
      async cold() {
        await stage.admin.sql.run('checkpoint')
        return measureSpends(stage, { ...onGrown(grown), warmUpSeconds: 0, onWal })
      },
    })
    return cold
  } finally {
    await stage.server.restart()
  }
}

async function readKeyIndex(grown: GrownGround): Promise<{ keys: number; bytes: number }> {
  const [row] = await grown.owner.sql.rows<{ keys: number; bytes: string }>(
    `select (select count(*) from platform.idempotency_key) as keys, sum(pg_relation_size(i.indexrelid)) as bytes
     from pg_inherits h join pg_index i on i.indrelid = h.inhrelid
     where h.inhparent = 'platform.idempotency_key'::regclass`,
  )
  return { keys: row!.keys, bytes: Number(row!.bytes) }
}

/** How many pages of the index the spends between two checkpoints touch for the first time, and log whole. */
function foreseeBillion(seen: { keys: number; bytes: number; rate: number }): { indexGib: number; says: string } {
  const indexBytes = (seen.bytes / seen.keys) * billion
  const pages = indexBytes / pageBytes
  const spends = seen.rate * checkpointSeconds
  const imagesPerSpend = (pages * (1 - Math.exp(-spends / pages))) / spends
  const indexGib = indexBytes / 2 ** 30
  const imageBytes = Math.round(imagesPerSpend * pageBytes).toLocaleString('en')
  return {
    indexGib,
    says:
      `A billion keys: an index of ${indexGib.toFixed(0)} GiB; at ${Math.round(seen.rate).toLocaleString('en')} spends ` +
      `a second and a checkpoint every 15 minutes, ${imagesPerSpend.toFixed(2)} of its pages are logged whole ` +
      `per spend, ${imageBytes} bytes of WAL on top, and as many pages are read and written back.`,
  }
}
