import { setTimeout as pause } from 'node:timers/promises'
import Type from 'typebox'
import { defineEvents } from '#platform/events/kinds'
import { newId } from '#platform/ids'
import type { Measure } from './bench.ts'
import { toMeasure } from './load.ts'
import type { Seed } from './seed.ts'
import type { Stage } from './stage.ts'
import { watch } from './usage.ts'

/** What is said in benches of events. */
export const { said } = defineEvents('bench', {
  said: {
    description: { ko: '잽니다.', en: 'Something to measure.' },
    key: 'mem',
    data: Type.Object({ at: Type.Number(), note: Type.String() }),
  },
})

/** As much as events tell, about. */
export const note = 'about as much as a line of a statement says of a transfer, '.repeat(5)
/** How many events are taken in together, on each side. */
export const batchSize = 500

/** Events of 20,000 keys, 500 said in each unit of work: for five seconds 200,000. */
export function saidSeed(stage: Stage): Seed & { readonly events: number } {
  const works = Math.ceil(stage.seconds * 80)
  return {
    name: `said_${works}`,
    events: works * batchSize,
    async plant({ owner }) {
      // For the bare cursor: ours goes by position.
      await owner.sql.run('create unique index outbox_seq on platform.outbox (seq)')
      for (let at = 0; at < works; at += 1) {
        await owner.sql.run(
          `insert into platform.outbox (id, type, key, data, at)
           select id, $1, ('00000000-0000-7000-9000-' || lpad(to_hex(n * 7 % 20000), 12, '0'))::uuid,
             jsonb_build_object('at', 0, 'note', $2::text), now()
           from unnest($3::uuid[]) with ordinality as said (id, n)`,
          [said.type, note, Array.from({ length: batchSize }, newId)],
        )
      }
      for (const table of ['outbox', 'inbox', 'event'])
        await owner.sql.run(`vacuum (freeze, analyze) platform.${table}`)
    },
  }
}

/** How fast so many were done, from the first to the last: who does something ahead for all of them has no advantage. */
export async function timeAll(
  stage: Stage,
  { events, done }: { events: number; done: () => number },
): Promise<Measure> {
  const startedAt = performance.now()
  const endWatch = watch({ processes: [process.pid], postmaster: stage.server.postmaster })
  while (done() < events) await pause(5)
  const seconds = (performance.now() - startedAt) / 1_000
  return toMeasure([{ calls: events, seconds, latenciesMs: new Float64Array(), usage: endWatch() }])
}
