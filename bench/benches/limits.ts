import { randomBytes } from 'node:crypto'
import { toPublicId } from '#platform/ids'
import { quantileOf, type Step } from '../arrivals.ts'
import type { Bench, Figure, Measure } from '../bench.ts'
import { httpSpreadSeed, type Server, withServer } from '../http-ground.ts'
import { proveExact } from '../proof.ts'
import type { Ground, Stage } from '../stage.ts'
import { forkWorker } from '../worker.ts'
import type { HttpArrivalsTask, Limit } from '../workers/http-arrivals.ts'

const p99MsMax = 250
const counts = [1, 2, 4] as const
const beyond = [2, 4] as const

export const limits: Bench = {
  name: 'limits',
  compares: 'spends done at twice the knee ÷ at the knee, the load at which p99 passes 250 ms; one process',
  must: 0,
  goal: 0.8,
  async run(stage) {
    const found = new Map<number, Limit>()
    for (const count of counts) found.set(count, await findLimit(stage, count))
    const sides = [...found].map(([count, { knee }]) => [sideOf(count), toMeasure(knee)] as const)
    const { knee, beyond: past } = found.get(1)!
    return {
      ratio: past[0]!.donePerSecond / knee.donePerSecond,
      sides: Object.fromEntries(sides),
      figures: [...found].flatMap(([count, limit]) => figuresOf(count, limit)),
      musts: [],
    }
  },
}

const sideOf = (count: number) => `the knee with ${count} ${count === 1 ? 'lane and worker' : 'lanes and workers'}`

/** Processes that have a lane and a worker each, over 10,000 wallets. */
function findLimit(stage: Stage, count: number): Promise<Limit> {
  return stage.withGround(httpSpreadSeed, async (ground) => {
    const wallets = await ground.owner.sql.rows<{ id: string }>(
      `select id from ledger.account where kind = 'wallet' and owner_type = 'member' order by id`,
    )
    const limit = await withServers(ground, count, async (servers) => {
      const client = await forkWorker<HttpArrivalsTask, Limit>('http-arrivals', {
        ports: servers.map(({ port }) => port),
        token: servers[0]!.token,
        connections: 4_096,
        paths: wallets.map(({ id }) => `/v1/wallets/${toPublicId('wlt', id)}/spends`),
        warmUpSeconds: stage.warmUpSeconds,
        seconds: stage.seconds,
        firstPerSecond: 250,
        growth: 1.25,
        p99MsMax,
        beyond,
      })
      const found = await client.run()
      await client.close()
      return found
    })
    stage.say(`${sideOf(count)}: ${Math.round(limit.knee.donePerSecond).toLocaleString('en')} a second`)
    await proveExact(ground.owner.sql)
    return limit
  })
}

/** As impatient as the knee is, so that what is too much is refused in place of waiting. */
const settings = { LOG_LEVEL: 'error', PODO_LANE_AGE_MAX_MS: String(p99MsMax) }

/** So many processes that serve the same database. */
function withServers<T>(ground: Ground, count: number, run: (servers: readonly Server[]) => Promise<T>): Promise<T> {
  const alike = { ...ground, settings, withBackground: true, token: randomBytes(32).toString('hex') }
  const open = (servers: readonly Server[]): Promise<T> =>
    servers.length === count ? run(servers) : withServer(alike, (server) => open([...servers, server]))
  return open([])
}

function toMeasure({ donePerSecond, doneMs }: Step): Measure {
  return {
    rate: donePerSecond,
    p50Ms: quantileOf(doneMs, 0.5),
    p99Ms: quantileOf(doneMs, 0.99),
    p999Ms: quantileOf(doneMs, 0.999),
    cpuUs: null,
    postgresCpuUs: null,
    peakMemoryMb: null,
  }
}

/** What is done and what is refused past the knee, and how fast either is answered. */
function figuresOf(count: number, limit: Limit): Figure[] {
  return limit.beyond.flatMap(({ donePerSecond, doneMs, refusedMs }, at) => {
    const where = `${count} at ${beyond[at]} times the knee`
    const share = refusedMs.length / (doneMs.length + refusedMs.length)
    return [
      { name: `${where}: done`, value: donePerSecond, unit: '1/s' },
      { name: `${where}: p99 of what is done`, value: quantileOf(doneMs, 0.99) ?? 0, unit: 'ms' },
      { name: `${where}: refused`, value: share, unit: 'ratio' },
      { name: `${where}: p99 of what is refused`, value: quantileOf(refusedMs, 0.99) ?? 0, unit: 'ms' },
    ]
  })
}
