import { openDatabase } from '#platform/database'
import { drive, toMeasure } from '../load.ts'
import { batchSize, recordBatches } from '../recording.ts'
import { manyLotsSeed, walletId } from '../seed.ts'
import type { Ground, Stage } from '../stage.ts'
import type { Choice, Trial } from './choice.ts'

/** How the lots for a batch of spends are read from a wallet of 10,000 open ones. */
export const lotPages: Choice = {
  name: 'lots of a batch',
  counts: 'reads',
  chosen: 'limit 64',
  play: (stage, compare) =>
    stage.withGround(manyLotsSeed, async (ground) => {
      const page = await recordPage(ground)
      await compare({
        'limit 64': () => measureReads(stage, { ground, ...page }),
        'running sum': () => measureReads(stage, { ground, text: runningSum, values: [[walletId(0)], [batchPoints]] }),
      })
    }),
}

/** Of spends of 1 to 10 points. */
const batchPoints = batchSize * 5.5

const runningSum = `
  select l.* from unnest($1::uuid[], $2::numeric[]) as wanted (id, points)
  cross join lateral (
    select * from (
      select *, sum(remaining - held) over (order by class, expires_at, issued_at, id rows unbounded preceding)
        - (remaining - held) as before
      from ledger.lot where account_id = wanted.id and open
    ) counted where before < wanted.points
  ) l`

interface Read {
  readonly text: string
  readonly values: readonly unknown[]
}

/** The statement by which the ledger itself reads them. */
async function recordPage(ground: Ground): Promise<Read> {
  const [batch] = await recordBatches(ground, { wallets: 1, batches: 1 })
  const page = batch!.find(({ text, isAwaited }) => isAwaited && text.includes('from ledger.lot'))
  if (!page) throw new Error('the ledger read no lots')
  return page
}

async function measureReads(stage: Stage, { ground, text, values }: Read & { ground: Ground }): Promise<Trial> {
  const database = openDatabase({ url: ground.url, poolSize: 1 })
  let lots = 0
  const sample = await drive({
    callers: 1,
    warmUpSeconds: stage.warmUpSeconds,
    seconds: stage.seconds,
    watched: { processes: [process.pid], postmaster: stage.server.postmaster },
    async call() {
      lots = (await database.sql.rows(text, values)).length
      if (lots === 0) throw new Error('no lots were found')
    },
  })
  await database.close()
  return { measure: toMeasure([sample]), costs: [{ name: 'read', value: lots, unit: 'lots' }] }
}
