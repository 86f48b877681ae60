import { availableParallelism } from 'node:os'
import type { Bench, Measure } from '../bench.ts'
import { openHttpConnection } from '../http-connection.ts'
import { httpHotSeed, measureHttp, type Server, withServer } from '../http-ground.ts'
import { type Sample, toMeasure } from '../load.ts'
import { type ReadRoute, readPath } from '../read-routes.ts'
import { alternate } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { forkWorker } from '../worker.ts'
import type { Argon2Task } from '../workers/argon2.ts'
import type { HttpSenderTask } from '../workers/http-sender.ts'

const peopleCount = 64
const connections = 256
/** Enough to keep every turn of the hashing taken, and few enough that none is refused. */
const signInConnections = 32
const password = 'five grapes in a row'

const signInsMin = 0.9
const hotBesideSignInsMin = 0.5

export const identity: Bench = {
  name: 'identity',
  compares: 'requests with access tokens ÷ the same route without authentication, 256 connections',
  must: 0.85,
  goal: 0.95,
  async run(stage) {
    const sides = await alternate(stage, {
      'reads with access tokens': () => measureReads(stage, { does: 'read', access: 'member' }),
      'reads without authentication': () => measureReads(stage, { does: 'read', access: 'anonymous' }),
      'no-op with access tokens': () => measureReads(stage, { does: 'nothing', access: 'member' }),
      'no-op without authentication': () => measureReads(stage, { does: 'nothing', access: 'anonymous' }),
      'sign-ins': () => measureSignIns(stage),
      'argon2id alone': () => measureArgon2(stage),
      'spends on one wallet': () => measureHttp(stage, { seed: httpHotSeed, connections, traffic: 'spends' }),
      'the same beside sign-ins': () => measureSpendsBesideSignIns(stage),
    })
    const rate = (side: keyof typeof sides) => sides[side].rate
    const signIns = rate('sign-ins') / rate('argon2id alone')
    const beside = rate('the same beside sign-ins') / rate('spends on one wallet')
    return {
      ratio: rate('reads with access tokens') / rate('reads without authentication'),
      sides,
      figures: [
        {
          name: 'no-op with tokens ÷ without',
          value: rate('no-op with access tokens') / rate('no-op without authentication'),
          unit: 'ratio',
        },
        { name: 'sign-ins ÷ argon2id alone', value: signIns, unit: 'ratio' },
        { name: 'spends beside sign-ins ÷ alone', value: beside, unit: 'ratio' },
        { name: 'processors', value: availableParallelism(), unit: '' },
      ],
      musts: [
        { says: `sign-ins are at least ${signInsMin} of argon2id alone`, holds: signIns >= signInsMin },
        {
          says: `spends beside saturated sign-ins are at least ${hotBesideSignInsMin} of themselves without`,
          holds: beside >= hotBesideSignInsMin,
        },
      ],
    }
  },
}

/** One row by its key, or nothing, for people who are signed in, or for anybody. */
function measureReads(stage: Stage, route: ReadRoute): Promise<Measure> {
  return withPeople(stage, async ({ server, walletId }) => {
    const tokens = await signIn(server)
    const path = readPath(route).replace(':id', walletId)
    const requests = tokens.map(
      (token) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    return send(stage, { server, requests, connections, status: 200 })
  })
}

function measureSignIns(stage: Stage): Promise<Measure> {
  return withPeople(stage, ({ server }) =>
    send(stage, { server, requests: signInRequests(), connections: signInConnections, status: 201 }),
  )
}

async function measureArgon2(stage: Stage): Promise<Measure> {
  const { warmUpSeconds, seconds, server } = stage
  const worker = await forkWorker<Argon2Task, Sample>('argon2', {
    warmUpSeconds,
    seconds,
    postmaster: server.postmaster,
  })
  const sample = await worker.run()
  await worker.close()
  return toMeasure([sample])
}

/** The hot wallet of `http-hot`, with every turn of the hashing taken meanwhile. */
async function measureSpendsBesideSignIns(stage: Stage): Promise<Measure> {
  return measureHttp(stage, {
    seed: httpHotSeed,
    connections,
    traffic: 'spends',
    async beside(server) {
      await signUp(server)
      const requests = signInRequests()
      const sender = await openSender(stage, { server, requests, connections: signInConnections, status: 201 })
      const signIns = sender.run()
      return async () => {
        await signIns
        await sender.close()
      }
    },
  })
}

function withPeople(
  stage: Stage,
  run: (on: { server: Server; walletId: string }) => Promise<Measure>,
): Promise<Measure> {
  return stage.withGround(httpHotSeed, (ground) =>
    withServer(ground, async (server) => run({ server, walletId: await signUp(server) })),
  )
}

const addressOf = (place: number) => `person${place}@example.com`

/** Answers the id of a wallet of one of them. */
async function signUp(server: Server): Promise<string> {
  const bodies = Array.from({ length: peopleCount }, (_, place) =>
    JSON.stringify({ email: addressOf(place), password, nickname: `person ${place}` }),
  )
  const answers = await post(server, { path: '/v1/accounts', bodies })
  return JSON.parse(answers[0]!).member.wallet.id
}

async function signIn(server: Server): Promise<string[]> {
  const answers = await post(server, { path: '/v1/sessions', bodies: signInBodies() })
  return answers.map((answer) => JSON.parse(answer).accessToken)
}

function signInBodies(): string[] {
  return Array.from({ length: peopleCount }, (_, place) => JSON.stringify({ email: addressOf(place), password }))
}

function signInRequests(): string[] {
  return signInBodies().map((body) => toRequest('/v1/sessions', body))
}

function toRequest(path: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

async function post(
  { port }: Server,
  { path, bodies }: { path: string; bodies: readonly string[] },
): Promise<string[]> {
  const connection = await openHttpConnection(port)
  const answers: string[] = []
  for (const body of bodies) {
    const status = await connection.send(toRequest(path, body))
    if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${connection.body()}`)
    answers.push(connection.body())
  }
  connection.close()
  return answers
}

type Sending = Pick<HttpSenderTask, 'requests' | 'connections' | 'status'> & { readonly server: Server }

function openSender(stage: Stage, { server, ...sending }: Sending) {
  return forkWorker<HttpSenderTask, Sample>('http-sender', {
    ...sending,
    port: server.port,
    serverPid: server.pid,
    postmaster: stage.server.postmaster,
    warmUpSeconds: stage.warmUpSeconds,
    seconds: stage.seconds,
  })
}

async function send(stage: Stage, sending: Sending): Promise<Measure> {
  const sender = await openSender(stage, sending)
  const sample = await sender.run()
  await sender.close()
  return toMeasure([sample])
}
