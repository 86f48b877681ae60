import { setTimeout as pause } from 'node:timers/promises'
import { type HttpConnection, openHttpConnection } from './http-connection.ts'

/**
 * An open loop: calls begin when they are due, whatever has become of those before, as those of people do. Each is told
 * when it was due: measured from then, what waits for a free connection or for a late loop is not left out.
 */
export async function arrive(load: {
  readonly perSecond: number
  readonly seconds: number
  call(dueAt: number): Promise<unknown>
}): Promise<void> {
  const { perSecond, seconds, call } = load
  const startedAt = performance.now()
  const total = Math.floor(perSecond * seconds)
  const calls: Promise<unknown>[] = []
  while (calls.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - startedAt) * perSecond) / 1_000))
    while (calls.length < due) calls.push(call(startedAt + (calls.length * 1_000) / perSecond))
    await pause(1)
  }
  await Promise.all(calls)
}

/** Connections to a few servers alike, each lent for one request. */
export interface Crossing {
  /** Sends a request over the first connection that is free; answers its status, and throws away its body. */
  send(request: string): Promise<number>
  close(): void
}

// A service closes what has asked for nothing in its first seconds, and keeps what has for longer than a round.
const greeting = 'GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

/** Opens so many to each port. */
export async function openCrossing(ports: readonly number[], each: number): Promise<Crossing> {
  const opening = Array.from({ length: each }, () => ports.map(openHttpConnection)).flat()
  const all = await Promise.all(opening)
  await Promise.all(all.map((connection) => connection.send(greeting)))
  const free = [...all]
  const waiting: ((connection: HttpConnection) => void)[] = []
  return {
    async send(request) {
      const connection = free.shift() ?? (await new Promise<HttpConnection>((resolve) => waiting.push(resolve)))
      const status = await connection.send(request)
      const next = waiting.shift()
      if (next) next(connection)
      else free.push(connection)
      return status
    },
    close() {
      for (const connection of all) connection.close()
    },
  }
}

/** What a server did under a load. */
export interface Step {
  readonly offeredPerSecond: number
  readonly donePerSecond: number
  /** Of what was done, in milliseconds since it was due, in order. */
  readonly doneMs: readonly number[]
  /** Of what was refused. */
  readonly refusedMs: readonly number[]
}

/** Offers so many a second: 201 is done, 503 refused; throws at anything else. */
export async function offer(
  crossing: Crossing,
  load: { readonly perSecond: number; readonly seconds: number; nextRequest(): string },
): Promise<Step> {
  const { perSecond, seconds, nextRequest } = load
  const [doneMs, refusedMs]: [number[], number[]] = [[], []]
  const startedAt = performance.now()
  await arrive({
    perSecond,
    seconds,
    async call(dueAt) {
      const status = await crossing.send(nextRequest())
      if (status !== 201 && status !== 503) throw new Error(`answered ${status}`)
      const into = status === 201 ? doneMs : refusedMs
      into.push(performance.now() - dueAt)
    },
  })
  const donePerSecond = doneMs.length / ((performance.now() - startedAt) / 1_000)
  for (const latencies of [doneMs, refusedMs]) latencies.sort((a, b) => a - b)
  return { offeredPerSecond: perSecond, donePerSecond, doneMs, refusedMs }
}

/** The latency below which this share of them stays; null of none. */
export function quantileOf(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}
