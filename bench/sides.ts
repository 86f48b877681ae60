import { openDatabase } from '#platform/database'
import type { Measure } from './bench.ts'
import { openBenchLane } from './lane.ts'
import { drive, toMeasure } from './load.ts'
import { proveExact } from './proof.ts'
import type { Reference } from './references/index.ts'
import type { LedgerSeed } from './seed.ts'
import { makeSpends } from './spends.ts'
import type { Ground, Stage } from './stage.ts'

interface Play {
  readonly seed: LedgerSeed
  readonly callers: number
  readonly poolSize: number
}

/** Single spends through the ledger's lane, over all wallets of the seed at random. */
export function measureLane(stage: Stage, play: Play): Promise<Measure> {
  return measure(stage, play, (ground) => {
    const lane = openBenchLane({ url: ground.url, poolSize: play.poolSize })
    return { spend: lane.spend, close: lane.close }
  })
}

/** The same spends, each in a transaction of its own. */
export function measureReference(stage: Stage, reference: Reference, play: Play): Promise<Measure> {
  return measure(stage, play, (ground) => {
    const database = openDatabase({ url: ground.url, poolSize: play.poolSize, lockTimeoutMs: 10_000 })
    return { spend: (command) => reference(database, command), close: database.close }
  })
}

type Spender = Pick<ReturnType<typeof openBenchLane>, 'spend' | 'close'>

function measure(stage: Stage, play: Play, open: (ground: Ground) => Spender): Promise<Measure> {
  return stage.withGround(play.seed, async (ground) => {
    const spender = open(ground)
    const nextSpend = makeSpends({ from: 0, count: play.seed.wallets })
    const sample = await drive({
      callers: play.callers,
      warmUpSeconds: stage.warmUpSeconds,
      seconds: stage.seconds,
      watched: { processes: [process.pid], postmaster: stage.server.postmaster },
      call: () => spender.spend(nextSpend()),
    })
    await spender.close()
    await proveExact(ground.owner.sql)
    return toMeasure([sample])
  })
}
