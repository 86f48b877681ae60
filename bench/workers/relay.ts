import { setTimeout as pause } from 'node:timers/promises'
import { journal, pointsEvents } from '#modules/points'
import { openDatabase } from '#platform/database'
import { usualPatience } from '#platform/events/delivery'
import { outbox } from '#platform/events/events'
import { findBehind, findUnnumbered } from '#platform/events/lag'
import { hearLocally, keepEventsNumbered } from '#platform/events/relay'
import { workOver } from '#platform/work'
import { serveTasks } from '../worker.ts'

/** A worker beside a storm: it numbers what the ledger does, and tells it to one subscriber. */
export interface RelayTask {
  readonly url: string
}

/** What it had not told when it was asked, and how long it took to tell it. */
export interface CaughtUp {
  readonly behind: number
  readonly seconds: number
}

const name = 'bench'

serveTasks<RelayTask, CaughtUp>(async ({ url }) => {
  const database = openDatabase({ url, poolSize: 4 })
  const sources = [outbox, journal]
  const hearing = {
    reads: database,
    withWork: workOver(database),
    sources,
    subscribers: [{ name, types: Object.values(pointsEvents).map(({ type }) => type), async handle() {} }],
    patience: usualPatience,
    onFailure: (_: string, { error }: { error: unknown }) => fail(error),
    onError: fail,
  }
  const heard = hearLocally(hearing)
  const numbering = keepEventsNumbered({ ...hearing, onNumbered: heard.wake })
  const findLag = async () =>
    (await findUnnumbered(database, sources)) + ((await findBehind(database, [name])).get(name) ?? 0)
  return {
    async run() {
      const startedAt = performance.now()
      const behind = await findLag()
      while ((await findLag()) > 0) await pause(20)
      return { behind, seconds: (performance.now() - startedAt) / 1_000 }
    },
    async close() {
      await Promise.all([numbering.close(), heard.close()])
      await database.close()
    },
  }
})

function fail(error: unknown): void {
  console.error(error)
}
