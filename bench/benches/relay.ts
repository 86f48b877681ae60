import { setTimeout as pause } from 'node:timers/promises'
import { openDatabase } from '#platform/database'
import { usualPatience } from '#platform/events/delivery'
import { type Event, emit, outbox } from '#platform/events/events'
import { hearLocally, keepEventsNumbered } from '#platform/events/relay'
import { newId } from '#platform/ids'
import { system, workOver } from '#platform/work'
import type { Bench, Measure } from '../bench.ts'
import { batchSize, note, said, saidSeed, timeAll } from '../events.ts'
import { alternate } from '../rounds.ts'
import type { Ground, Stage } from '../stage.ts'

export const relay: Bench = {
  name: 'relay',
  compares:
    'events delivered through the relay ÷ rows read from the same table by a bare cursor, an inbox row for each',
  must: 0.3,
  goal: 0.6,
  async run(stage) {
    const sides = await alternate(stage, {
      relay: () => measureRelay(stage),
      'bare cursor': () => measureCursor(stage),
    })
    const perSecond = Math.round(sides.relay.rate / 10)
    const { p50, p99 } = await measureDelay(stage, perSecond)
    return {
      ratio: sides.relay.rate / sides['bare cursor'].rate,
      sides,
      figures: [
        { name: `commit to handler, p50, at ${perSecond} a second`, value: p50, unit: 'ms' },
        { name: `commit to handler, p99, at ${perSecond} a second`, value: p99, unit: 'ms' },
      ],
      musts: [{ says: 'p99 from commit to handler is under 250 ms', holds: p99 < 250 }],
    }
  },
}

function openRelay(ground: Ground, hear: (events: readonly Event[]) => void) {
  const database = openDatabase({ url: ground.url, poolSize: 4 })
  const hearing = {
    reads: database,
    withWork: workOver(database),
    sources: [outbox],
    subscribers: [
      { name: 'bench', types: [said.type], handle: async (_: unknown, events: readonly Event[]) => hear(events) },
    ],
    patience: usualPatience,
    onFailure: (_: string, { error }: { error: unknown }) => fail(error),
    onError: fail,
  }
  const heard = hearLocally(hearing)
  const numbering = keepEventsNumbered({ ...hearing, onNumbered: heard.wake })
  return {
    async close() {
      await Promise.all([numbering.close(), heard.close()])
      await database.close()
    },
  }
}

function measureRelay(stage: Stage): Promise<Measure> {
  return stage.withGround(saidSeed(stage), async (ground) => {
    let delivered = 0
    const opened = openRelay(ground, (events) => {
      delivered += events.length
    })
    const measure = await timeAll(stage, { events: saidSeed(stage).events, done: () => delivered })
    await opened.close()
    return measure
  })
}

/** The next rows after the last, in batches: each with its inbox row, and the place, in one unit of work. */
function measureCursor(stage: Stage): Promise<Measure> {
  return stage.withGround(saidSeed(stage), async (ground) => {
    const database = openDatabase({ url: ground.url, poolSize: 4 })
    const withWork = workOver(database)
    await database.sql.run(`insert into platform.subscription (name, number) values ('bare', 0)`)
    let [last, read, isOver] = [0, 0, false]
    const reading = (async () => {
      while (!isOver) {
        const rows = await database.sql.rows<{ id: string; seq: number; data: object; at: Date }>(
          `select id, type, key, data, at, seq from platform.outbox where seq > $1 order by seq limit ${batchSize}`,
          [last],
        )
        if (rows.length === 0) return
        last = rows.at(-1)!.seq
        await withWork(system, async (work) => {
          const ids = rows.map(({ id }) => id)
          work.sql.send(`insert into platform.inbox (subscription, event_id) select 'bare', unnest($1::uuid[])`, [ids])
          work.sql.send(`update platform.subscription set number = $1 where name = 'bare'`, [last])
        })
        read += rows.length
      }
    })()
    const measure = await timeAll(stage, { events: saidSeed(stage).events, done: () => read })
    isOver = true
    await reading
    await database.close()
    return measure
  })
}

/** How long it takes from the commit of what is said until it is heard, at an even load from four callers. */
function measureDelay(stage: Stage, perSecond: number): Promise<{ p50: number; p99: number }> {
  return stage.withGround({ name: 'silence', async plant() {} }, async (ground) => {
    const committedAt = new Map<string, number>()
    const heardAt = new Map<string, number>()
    const opened = openRelay(ground, (events) => {
      const now = performance.now()
      for (const { data } of events) heardAt.set(String(data.note), now)
    })
    const database = openDatabase({ url: ground.url, poolSize: 4 })
    const withWork = workOver(database)
    const perWork = 5
    const endsAt = performance.now() + stage.seconds * 1_000
    const speak = async () => {
      let next = performance.now()
      while (performance.now() < endsAt) {
        next += (4 * perWork * 1_000) / perSecond
        await pause(Math.max(0, next - performance.now()))
        const name = newId()
        await withWork(system, async (work) => {
          for (let at = 0; at < perWork; at += 1)
            emit(work, { kind: said, key: newId(), data: { at, note: at === 0 ? name : note } })
        })
        committedAt.set(name, performance.now())
      }
    }
    await Promise.all([speak(), speak(), speak(), speak()])
    while ([...committedAt.keys()].some((name) => !heardAt.has(name))) await pause(20)
    await opened.close()
    await database.close()
    const delays = [...committedAt].map(([name, at]) => heardAt.get(name)! - at).toSorted((a, b) => a - b)
    const quantile = (share: number) => Math.max(0, delays[Math.floor(delays.length * share)]!)
    return { p50: quantile(0.5), p99: quantile(0.99) }
  })
}

function fail(error: unknown): void {
  console.error(error)
}
