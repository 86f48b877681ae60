import { randomBytes } from 'node:crypto'
import { toPublicId } from '#platform/ids'
import type { Measure } from './bench.ts'
import { type HttpConnection, openHttpConnection, postHead, postTail } from './http-connection.ts'
import { type Sample, toMeasure } from './load.ts'
import { proveExact } from './proof.ts'
import type { Seed } from './seed.ts'
import type { Ground, Stage } from './stage.ts'
import { forkWorker } from './worker.ts'
import type { HttpClientTask } from './workers/http-client.ts'
import type { HttpServerGreeting, HttpServerTask } from './workers/http-server.ts'

/** One company and its members, each with points to spend: made through the API, as everybody makes them. */
export interface HttpSeed extends Seed {
  readonly members: number
}

export const httpHotSeed = httpSeed('http_hot', 1)
export const httpSpreadSeed = httpSeed('http_spread', 10_000)

function httpSeed(name: string, members: number): HttpSeed {
  return { name, members, plant: (ground) => withServer(ground, (server) => plantThroughApi(server, members)) }
}

/** A Podo that serves a database of a bench. */
export interface Server {
  readonly pid: number
  readonly port: number
  readonly token: string
}

type Settings = HttpServerTask['settings']

// What a spend is answered with, so that the route that does nothing sends as much.
const spendAnswerLength = 510

/** Serves a database while `run` runs, with settings beside those of every bench. */
export async function withServer<T>(
  ground: Ground & {
    readonly settings?: Settings | undefined
    readonly withBackground?: boolean
    /** The operator's key, where several servers have the same. */
    readonly token?: string
  },
  run: (server: Server) => Promise<T>,
): Promise<T> {
  const { token = randomBytes(32).toString('hex'), withBackground = false } = ground
  const worker = await forkWorker<HttpServerTask, never>('http-server', {
    databaseUrl: ground.url,
    operatorKey: token,
    answerLength: spendAnswerLength,
    settings: ground.settings ?? {},
    withBackground,
  })
  try {
    return await run({ pid: worker.pid, port: (worker.greeting as HttpServerGreeting).port, token })
  } finally {
    await worker.close()
  }
}

const pointsEach = 1_000_000_000

async function plantThroughApi(server: Server, members: number): Promise<void> {
  const connections = await Promise.all(Array.from({ length: 32 }, () => openHttpConnection(server.port)))
  const post = poster(server)
  const company = await post(connections[0]!, '/v1/companies', { name: 'Bench', registrationNumber: '1234567891' })
  let made = 0
  await Promise.all(
    connections.map(async (connection) => {
      while (made < members) {
        made += 1
        const member = await post(connection, `/v1/companies/${company.id}/members`, { nickname: `member ${made}` })
        for (const kind of ['bonus', 'paid']) {
          await post(connection, `/v1/wallets/${member.wallet.id}/charges`, { amount: pointsEach, class: kind })
        }
      }
    }),
  )
  for (const connection of connections) connection.close()
}

interface Made {
  readonly id: string
  readonly wallet: { readonly id: string }
  /** Of a key. */
  readonly secret?: string
}

function poster({ token }: Server): (connection: HttpConnection, path: string, body: object) => Promise<Made> {
  return async (connection, path, body) => {
    const request = postHead(path, token) + postTail(randomBytes(12).toString('hex'), JSON.stringify(body))
    const status = await connection.send(request)
    if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${connection.body()}`)
    return JSON.parse(connection.body()) as Made
  }
}

/** What the client sends: spends, at once or for later, the route that does nothing, or batches of spends. */
export type Traffic = 'spends' | 'later' | 'no-ops' | { readonly batchesOf: number }

/** One server and one client, each in a process of its own. */
export function measureHttp(
  stage: Stage,
  play: {
    seed: HttpSeed
    connections: number
    traffic: Traffic
    settings?: Settings
    /** Whether the company asks with a key of its own, which is counted, and not the operator. */
    byKey?: boolean
    /** Begins something that goes on beside it for as long; answers how to wait for its end. */
    beside?: (server: Server) => Promise<() => Promise<void>>
    /** Runs when the server has gone, before it is looked whether all is exact. */
    afterwards?: (ground: Ground) => Promise<void>
  },
): Promise<Measure> {
  return stage.withGround(play.seed, async (ground) => {
    const wallets = await ground.owner.sql.rows<{ id: string }>(
      `select id from ledger.account where kind = 'wallet' and owner_type = 'member' order by id`,
    )
    const sample = await withServer({ ...ground, settings: play.settings }, async (server) => {
      const token = play.byKey ? await makeKey(server, ground) : server.token
      const client = await forkWorker<HttpClientTask, Sample>('http-client', {
        ...server,
        token,
        serverPid: server.pid,
        postmaster: stage.server.postmaster,
        connections: play.connections,
        warmUpSeconds: stage.warmUpSeconds,
        seconds: stage.seconds,
        ...requestsOf(
          play.traffic,
          wallets.map(({ id }) => toPublicId('wlt', id)),
        ),
      })
      const end = await play.beside?.(server)
      const sample = await client.run()
      await client.close()
      await end?.()
      return sample
    })
    await play.afterwards?.(ground)
    await proveExact(ground.owner.sql)
    return toMeasure([sample])
  })
}

async function makeKey(server: Server, { owner }: Ground): Promise<string> {
  const [company] = await owner.sql.rows<{ id: string }>('select id from companies.company')
  const connection = await openHttpConnection(server.port)
  const path = `/v1/companies/${toPublicId('cmp', company!.id)}/api-keys`
  const { secret } = await poster(server)(connection, path, { name: 'of the bench', scopes: ['read', 'points'] })
  connection.close()
  return secret!
}

const preferLater = 'Prefer: respond-async\r\n'

type Requests = Pick<HttpClientTask, 'paths' | 'body' | 'status' | 'headers' | 'batch'>

function requestsOf(traffic: Traffic, walletIds: readonly string[]): Requests {
  if (traffic === 'spends' || traffic === 'later') {
    const spends = { paths: walletIds.map((id) => `/v1/wallets/${id}/spends`), body: ['{"amount":', '}'] as const }
    return traffic === 'spends' ? { ...spends, status: 201 } : { ...spends, status: 202, headers: preferLater }
  }
  if (traffic === 'no-ops') {
    return { paths: walletIds.map((id) => `/v1/bench/wallets/${id}/no-ops`), body: ['{"amount":', '}'], status: 201 }
  }
  const item = [`{"kind":"spend","walletId":"${walletIds[0]}","amount":`, '}'] as const
  const body = ['{"transfers":[', ']}'] as const
  return { paths: ['/v1/transfers/batch'], body, status: 200, batch: { size: traffic.batchesOf, item } }
}
