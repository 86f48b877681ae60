import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Body, operatorKey } from '../api-house.ts'
import { type House, until } from '../harness.ts'

/** What a caller asks of the service; `key` is its idempotency key. */
export interface Ask {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
  readonly key?: string
  /** Who asks; the operator where it is not said, nobody where it is null. */
  readonly credential?: string | null
  /** It may be done later. */
  readonly later?: boolean
}

/** What came back over the wire. */
export interface Heard {
  readonly status: number
  readonly text: string
  readonly body: Body
  readonly headers: IncomingHttpHeaders
}

/** A real process of the service on a house's database, spoken to through a port of this machine. */
export interface Service {
  /** Its address, as soon as it has one; another one after each start. */
  url(): Promise<string>
  /** Number of the process that runs now. */
  pid(): number
  /** One request and its answer; throws when the connection breaks before the answer is whole. */
  send(ask: Ask): Promise<Heard>
  /** Ends it with `kill -9`. */
  kill(): Promise<void>
  /** Starts it again after a kill, and resolves when it takes requests. */
  start(): Promise<void>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Sets its clock so far ahead of the machine's, or behind; only where it was started with a clock of its own. */
  setClock(aheadMs: number): Promise<void>
}

export interface ServiceOptions {
  /** Leads it another way to the database than the house's own. */
  readonly databaseUrl?: string
  readonly settings?: Readonly<Record<string, string>>
  /** Gives it a clock of its own, so far ahead of the machine's. */
  readonly clockAheadMs?: number
}

/** Starts a process of the service. */
export async function startService(house: House, options: ServiceOptions = {}): Promise<Service> {
  const environment = {
    PATH: process.env.PATH,
    LANG: 'C',
    PORT: '0',
    PODO_LANGUAGE: 'en',
    PODO_OPERATOR_KEY: operatorKey,
    PODO_DATA_DIR: join(tmpdir(), 'podo-of-no-simulation'),
    DATABASE_URL: options.databaseUrl ?? house.serviceUrl,
    DATABASE_OWNER_URL: house.ownerUrl,
    // What is asked on a machine that others starve is to be done all the same.
    PODO_LANE_AGE_MAX_MS: '60000',
    ...(options.clockAheadMs === undefined ? {} : { CLOCK_AHEAD_MS: String(options.clockAheadMs) }),
    ...options.settings,
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 2_000, maxFreeSockets: 2_000 })
  let running = launch(environment)
  const end = async () => {
    // A stopped process takes no other signal than this one.
    running.child.kill('SIGKILL')
    await running.ended
  }
  house.onClose(async () => {
    agent.destroy()
    await end()
  })
  await running.url

  return {
    url: () => running.url,
    pid: () => running.child.pid!,
    send: async (ask) => send(agent, await running.url, ask),
    async kill() {
      const gone = Promise.withResolvers<string>()
      gone.promise.catch(() => {})
      const { child, ended } = running
      running = { child, ended, url: gone.promise, settle: gone.resolve }
      await end()
    },
    async start() {
      const { settle } = running
      running = launch(environment)
      settle?.(await running.url)
    },
    signal: (signal) => void running.child.kill(signal),
    async setClock(aheadMs) {
      const told = once(running.child, 'message')
      running.child.send({ aheadMs })
      const [{ nowMs }] = (await told) as [{ nowMs: number }]
      assert.ok(Math.abs(nowMs - Date.now() - aheadMs) < 1_000, 'its clock is set')
    },
  }
}

interface Running {
  readonly child: ChildProcess
  readonly url: Promise<string>
  readonly ended: Promise<unknown>
  /** Tells those who wait for a killed process where the next one is. */
  readonly settle?: (url: string) => void
}

const main = join(import.meta.dirname, '../../src/main.ts')
const clock = join(import.meta.dirname, 'shifted-clock.ts')

function launch(environment: NodeJS.ProcessEnv): Running {
  const ownClock = environment.CLOCK_AHEAD_MS === undefined ? [] : ['--import', clock]
  // This folder holds no .env, so a developer's own settings don't reach the tests.
  const child = spawn(process.execPath, [...ownClock, main, 'serve'], {
    cwd: import.meta.dirname,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', ...(ownClock.length > 0 ? (['ipc'] as const) : [])],
  })
  let output = ''
  let address: string | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream!.setEncoding('utf8').on('data', (text: string) => {
      if (address) return
      output += text
      address = /"url":"(http:[^"]+)"/.exec(output)?.[1]
    })
  }
  const ended = once(child, 'close')
  const url = until(
    'the service had an address',
    () => {
      if (child.exitCode !== null) throw new Error(`The service ended instead of serving:\n${output}`)
      return address
    },
    { timeoutMs: 60_000 },
  )
  url.catch(() => {})
  return { child, url, ended }
}

function send(agent: Agent, url: string, ask: Ask): Promise<Heard> {
  const { method = 'POST', path, body, key, credential = operatorKey, later = false } = ask
  const payload = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers = {
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(later ? { prefer: 'respond-async' } : {}),
    }
    const request = httpRequest(`${url}${path}`, { agent, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('error', reject)
      response.on('end', () => {
        try {
          const { statusCode: status = 0, headers } = response
          resolve({ status, text, body: text === '' ? {} : JSON.parse(text), headers })
        } catch (error) {
          reject(error)
        }
      })
    })
    request.on('error', reject)
    request.end(payload)
  })
}
