import type { Bench, Measure } from '../bench.ts'
import { openBenchLane } from '../lane.ts'
import { drive, toMeasure } from '../load.ts'
import { proveExact } from '../proof.ts'
import { alternate, median } from '../rounds.ts'
import { hotSeed } from '../seed.ts'
import { makeSpends } from '../spends.ts'
import type { Stage } from '../stage.ts'
import { forkWorker } from '../worker.ts'
import type { CaughtUp, RelayTask } from '../workers/relay.ts'

export const hotPathTax: Bench = {
  name: 'hot-path-tax',
  compares: 'spends on one wallet with the relay and a subscriber running in a worker ÷ without',
  must: 0.8,
  goal: 0.95,
  async run(stage) {
    const caughtUp: CaughtUp[] = []
    const sides = await alternate(stage, {
      'with the relay': () => measure(stage, (behind) => caughtUp.push(behind)),
      'without it': () => measure(stage, null),
    })
    const storm = stage.warmUpSeconds + stage.seconds
    const seconds = median(caughtUp.map((each) => each.seconds))
    return {
      ratio: sides['with the relay'].rate / sides['without it'].rate,
      sides,
      figures: [
        { name: 'behind at the end', value: median(caughtUp.map(({ behind }) => behind)), unit: 'events' },
        { name: 'to catch up', value: seconds, unit: 's' },
        { name: 'the storm', value: storm, unit: 's' },
      ],
      musts: [{ says: 'catching up takes no longer than the storm', holds: seconds <= storm }],
    }
  },
}

function measure(stage: Stage, onEnd: ((caughtUp: CaughtUp) => void) | null): Promise<Measure> {
  return stage.withGround(hotSeed, async (ground) => {
    const relay = onEnd && (await forkWorker<RelayTask, CaughtUp>('relay', { url: ground.url }))
    const lane = openBenchLane({ url: ground.url, poolSize: 8 })
    const nextSpend = makeSpends({ from: 0, count: hotSeed.wallets })
    const sample = await drive({
      callers: 256,
      warmUpSeconds: stage.warmUpSeconds,
      seconds: stage.seconds,
      watched: { processes: [process.pid], postmaster: stage.server.postmaster },
      call: () => lane.spend(nextSpend()),
    })
    if (relay) {
      onEnd(await relay.run())
      await relay.close()
    }
    await lane.close()
    await proveExact(ground.owner.sql)
    return toMeasure([sample])
  })
}
