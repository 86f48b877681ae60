import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis as Client } from 'ioredis'
import { freePorts } from '#sandbox/kafka/brokers'
import { type Scope, until } from '../harness.ts'
import { findRedisServer } from './installed.ts'

/** A real Redis on this machine, which keeps nothing on the disk. */
export interface TestRedis {
  readonly url: string
  /** For looking behind the service's back. */
  readonly client: Client
  /** Ends it with `kill -9`. */
  kill(): Promise<void>
  /** Starts it after a kill, empty, on the port that it had. */
  start(): Promise<void>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
}

export interface RedisOptions {
  readonly password?: string
  /** More of its command line. */
  readonly settings?: readonly string[]
}

/** Starts a Redis for this scope: some 20 ms and 12 MB. */
export async function openRedisServer(scope: Scope, options: RedisOptions = {}): Promise<TestRedis> {
  const server = findRedisServer()
  if (!server) throw new Error('Redis is not installed; it is by: npm run engines')
  const { path, name } = server
  const [port] = await freePorts(1)
  const secret = options.password ? ['--requirepass', options.password] : []
  // By its note and its command line it is found and ended where a test is killed.
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const noted = ['--dir', folder, '--set-proc-title', 'no']
  const empty = ['--save', '', '--appendonly', 'no']
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    ...noted,
    ...empty,
    ...secret,
    ...(options.settings ?? []),
  ]
  let running: { kill(signal: NodeJS.Signals): boolean; ended: Promise<unknown> } | null = null

  const start = async () => {
    const child = spawn(path, settings, { argv0: name, stdio: 'ignore' })
    writeFileSync(join(folder, 'broker-redis.pid'), String(child.pid))
    const end = () => child.kill('SIGKILL')
    process.once('exit', end)
    const ended = once(child, 'exit').then(() => process.off('exit', end))
    running = { kill: (signal) => child.kill(signal), ended }
    await until('Redis answered', () => client.ping().catch(() => null))
  }
  const kill = async () => {
    running?.kill('SIGKILL')
    await running?.ended
    running = null
  }
  const url = `redis://${options.password ? `:${options.password}@` : ''}127.0.0.1:${port}`
  const client = new Client(url, { retryStrategy: () => 10, maxRetriesPerRequest: 0, commandTimeout: 10_000 })
  client.on('error', () => {})
  scope.after(async () => {
    client.disconnect()
    await kill()
    rmSync(folder, { recursive: true })
  })
  await start()
  return { url, client, kill, start, signal: (signal) => void running!.kill(signal) }
}
