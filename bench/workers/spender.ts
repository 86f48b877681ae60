import { setTimeout as pause } from 'node:timers/promises'
import type { WithWork } from '#platform/work'
import { openBenchLane } from '../lane.ts'
import { drive, type Sample } from '../load.ts'
import { makeSpends } from '../spends.ts'
import { serveTasks } from '../worker.ts'

/** One process of several that spend through a lane of their own. */
export interface SpenderTask {
  readonly url: string
  readonly poolSize: number
  readonly callers: number
  readonly wallets: { readonly from: number; readonly count: number; readonly every?: number }
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly patienceMs?: number
  /** Spends no faster than this: work in the background of another measure. */
  readonly perSecond?: number
  /** One of the processes counts PostgreSQL's cost for all. */
  readonly postmaster: number | null
  /** Stops itself when it has warmed up, inside a batch: locks held, nothing committed. */
  readonly stopsInside: boolean
}

serveTasks<SpenderTask, Sample>(async (task) => {
  let isStopDue = false
  const stopping =
    (withWork: WithWork): WithWork =>
    (actor, run) =>
      withWork(actor, async (work) => {
        const result = await run(work)
        if (isStopDue) process.kill(process.pid, 'SIGSTOP')
        return result
      })
  const lane = openBenchLane({
    url: task.url,
    poolSize: task.poolSize,
    ...(task.stopsInside ? { around: stopping } : {}),
  })
  const nextSpend = makeSpends(task.wallets)
  const turn = task.perSecond ? paced(task.perSecond) : () => {}
  return {
    async run() {
      const stop = task.stopsInside ? setTimeout(() => (isStopDue = true), task.warmUpSeconds * 1_000) : undefined
      const sample = await drive({
        callers: task.callers,
        warmUpSeconds: task.warmUpSeconds,
        seconds: task.seconds,
        ...(task.patienceMs ? { patienceMs: task.patienceMs } : {}),
        watched: { processes: [process.pid], postmaster: task.postmaster },
        async call() {
          await turn()
          await lane.spend(nextSpend())
        },
      })
      clearTimeout(stop)
      return sample
    },
    close: lane.close,
  }
})

/** Lets one call through every so many milliseconds; who comes early waits for its turn. */
function paced(perSecond: number): () => Promise<void> {
  let next = performance.now()
  return async () => {
    next = Math.max(next + 1_000 / perSecond, performance.now())
    const waitMs = next - performance.now()
    if (waitMs > 0) await pause(waitMs)
  }
}
