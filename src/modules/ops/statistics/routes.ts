import Type from 'typebox'
import { findProgrammeTime, isDate } from '#platform/clock'
import type { RoutesPlugin } from '#platform/http'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, nullable } from '#platform/http-schema'
import type { Ops } from '../ops.ts'
import { findStatistics, flowNames, type Statistics, statisticsAgeSeconds } from './statistics.ts'

const bound = Type.Optional(Type.String({ format: 'date-or-date-time' }))
const count = Type.Integer()
const decimal = Type.String({ description: 'Points, as decimal text.', examples: ['120000'] })
const byClass = Type.Object({ paid: decimal, bonus: decimal, prize: decimal })
const day = Type.String({ format: 'date', examples: ['2026-11-20'] })

const statisticsSchema = Type.Object({
  computedAt: nullable(Type.String({ format: 'date-time', description: 'Null before the first time.' })),
  from: day,
  to: day,
  members: Type.Object({
    total: count,
    withLogin: count,
    left: count,
    activeSessions: count,
    byDay: Type.Array(Type.Object({ day, joined: count, left: count })),
  }),
  points: Type.Object({
    issued: byClass,
    cancelled: byClass,
    spent: byClass,
    refunded: byClass,
    expired: byClass,
  }),
})

const none = { paid: '0', bonus: '0', prize: '0' }
const example = {
  computedAt: '2026-11-20T09:00:00.000Z',
  from: '2026-11-19',
  to: '2026-11-20',
  members: {
    total: 1_204,
    withLogin: 320,
    left: 4,
    activeSessions: 57,
    byDay: [{ day: '2026-11-20', joined: 12, left: 0 }],
  },
  points: {
    issued: { ...none, paid: '120000' },
    cancelled: none,
    spent: { ...none, paid: '86000', bonus: '1500' },
    refunded: none,
    expired: none,
  },
}

/** The route of statistics. */
export function statisticsRoutes({ database, timeZone }: Ops): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/ops/statistics',
      config: { access: ['operator', 'admin'], example: { answer: example } },
      schema: {
        operationId: 'getStatistics',
        tags: ['Operations'],
        summary: 'How many members there are, and what became of points',
        description:
          'Counted each minute by a job, and as old as `Age` says. `byDay` and `points` are of whole days of the ' +
          'programme’s zone, the last 30 where nothing is asked for; an instant stands for its day. Days on which ' +
          'nobody joined or left are left out. A hold counts as spent when it is posted; moves count nowhere.',
        querystring: closedObject({ from: bound, to: bound }),
        response: { 200: statisticsSchema },
      },
      async handler({ query }, reply) {
        const period = toDays(query, { now: await findProgrammeTime(database), timeZone })
        const statistics = await findStatistics(database, period)
        reply.header('cache-control', `private, max-age=${statisticsAgeSeconds}`)
        reply.headers({ age: statistics.ageSeconds, vary: 'authorization, cookie' })
        return toBody(statistics, period)
      },
    })
  }
}

const daysUsual = 30
const daysMax = 366

/** The days that are asked for, both inclusive; throws a 400 where they are too many. */
function toDays(
  query: { from?: string; to?: string },
  { now, timeZone }: { now: Date; timeZone: string },
): { from: string; to: string } {
  const dayOf = (instant: Temporal.Instant) => instant.toZonedDateTimeISO(timeZone).toPlainDate()
  const read = (text: string, before: number) =>
    isDate(text) ? Temporal.PlainDate.from(text) : dayOf(Temporal.Instant.from(text).subtract({ nanoseconds: before }))
  const to = query.to === undefined ? dayOf(now.toTemporalInstant()) : read(query.to, 1)
  const from = query.from === undefined ? to.subtract({ days: daysUsual - 1 }) : read(query.from, 0)
  if (from.until(to).days >= daysMax) throw invalidRequest([{ pointer: '/from', detail: tooManyDays }])
  return { from: from.toString(), to: to.toString() }
}

const tooManyDays = {
  ko: `한 번에 ${daysMax}일까지 볼 수 있습니다. 기간을 나누어 요청해 주십시오.`,
  en: `At most ${daysMax} days at a time: ask for less.`,
}

function toBody({ totals, days, flows }: Statistics, period: { from: string; to: string }) {
  const { computedAt, members: total, withLogin, left, activeSessions } = totals
  const sumOf = (name: string) => {
    const { paid = '0', bonus = '0', prize = '0' } = flows.find(({ flow }) => flow === name) ?? {}
    return { paid, bonus, prize }
  }
  return {
    computedAt: computedAt?.toISOString() ?? null,
    ...period,
    members: { total, withLogin, left, activeSessions, byDay: [...days] },
    points: Object.fromEntries(flowNames.map((name) => [name, sumOf(name)])) as Record<
      (typeof flowNames)[number],
      typeof none
    >,
  }
}
