import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Fault, Faults } from './faults.ts'
import type { Store } from './store.ts'

/** How a provider sends. */
export interface Sending {
  /** Waits before each further attempt; as many as there are, and it has failed. */
  readonly waitsMs: readonly number[]
  readonly timeoutMs: number
  isTaken(status: number): boolean
  headersOf(attempt: { id: string; body: string; nowMs: number; retried: number }): Readonly<Record<string, string>>
  /** The body as somebody writes it who knows no secret. */
  forge(body: string): string
}

/** What is told. */
export interface Notice {
  /** What it is about: an order. */
  readonly orderId: string
  readonly paymentKey: string
  readonly body: object
}

/** One attempt; the status is null where nothing was answered. */
export interface Attempt {
  readonly at: string
  readonly status: number | null
}

/** A notice on its way to one address. */
export interface Delivery {
  readonly id: string
  readonly url: string
  readonly orderId: string
  readonly body: string
  readonly state: 'sending' | 'held' | 'taken' | 'failed' | 'lost'
  readonly attempts: readonly Attempt[]
  readonly dueMs: number
  /** How far the time that it says is from the true one. */
  readonly skewMs: number
}

/** Sends to every address, and tries again by the provider's table. */
export interface Webhooks {
  send(notice: Notice): void
  list(): Delivery[]
  /** Sends now what was taken, lost or given up; false where there is no such delivery. */
  redeliver(id: string): boolean
  /** Resolves when whatever was due for an order has been tried. */
  settle(orderId: string): Promise<void>
  close(): Promise<void>
}

interface WebhooksOptions {
  readonly urls: readonly string[]
  readonly sending: Sending
  /** What the waits are multiplied by: 0.001 makes minutes of days. */
  readonly scale: number
  readonly clock: Clock
  readonly store: Store
  readonly faults: Faults
}

/** Webhooks that go on from what is stored. */
export function openWebhooks({ urls, sending, scale, clock, store, faults }: WebhooksOptions): Webhooks {
  const deliveries = openDeliveries(store)
  const waiting = new Map<string, () => void>()
  const running = new Map<string, Promise<void>>()
  const closing = new AbortController()
  const arrange = (delivery: Delivery) => {
    const { id, state, dueMs } = delivery
    deliveries.keep(delivery)
    waiting.get(id)?.()
    waiting.delete(id)
    if (state !== 'held' && state !== 'sending') return
    const callOff = clock.at(dueMs, () => start(id))
    waiting.set(id, callOff)
  }
  const start = (id: string) => {
    waiting.delete(id)
    const run = attempt(deliveries.get(id)!).finally(() => running.delete(id))
    running.set(id, run)
  }
  const attempt = async (delivery: Delivery) => {
    const { id, url, body, attempts, skewMs, orderId } = delivery
    const headers = sending.headersOf({ id, body, nowMs: clock.nowMs() + skewMs, retried: attempts.length })
    const status = await post(url, { headers, body, signal: closing.signal, timeoutMs: sending.timeoutMs })
    if (closing.signal.aborted) return
    const tried = [...attempts, { at: new Date(clock.nowMs()).toISOString(), status }]
    const isTaken = status !== null && sending.isTaken(status)
    const waitMs = sending.waitsMs[attempts.length]
    const state = isTaken ? 'taken' : waitMs === undefined ? 'failed' : 'sending'
    arrange({ ...delivery, state, attempts: tried, dueMs: clock.nowMs() + (waitMs ?? 0) * scale })
    // What was to come after the next one may go, when the next one has gone.
    for (const held of isTaken ? deliveries.listOf(orderId) : []) {
      const isNext = held.state === 'held' && held.url === url && held.id !== id
      if (isNext) arrange({ ...held, state: 'sending', dueMs: clock.nowMs() })
    }
  }
  for (const delivery of deliveries.list()) arrange(delivery)

  const sendTo = (url: string, { orderId, paymentKey, body }: Notice) => {
    const asked = {
      operation: 'webhook',
      orderId,
      paymentKey,
      amount: null,
      payMethod: null,
      issuer: null,
      header: null,
    }
    const fault = faults.plan(asked).take('webhook')
    const text = JSON.stringify(body)
    const changes = changesOf(fault, { text, nowMs: clock.nowMs(), sending })
    const copies = fault?.kind === 'repeat' ? (fault.count ?? 2) : 1
    for (let copy = 0; copy < copies; copy += 1) {
      const id = randomBytes(13).toString('hex')
      const delivery = { id, url, orderId, body: text, attempts: [], dueMs: clock.nowMs(), skewMs: 0 }
      arrange({ ...delivery, state: 'sending', ...changes })
    }
  }
  return {
    send(notice) {
      for (const url of urls) sendTo(url, notice)
    },
    list: () => deliveries.list(),
    redeliver(id) {
      const found = deliveries.get(id)
      if (found) arrange({ ...found, state: 'sending', dueMs: clock.nowMs() })
      return found !== undefined
    },
    async settle(orderId) {
      for (const { id, state, dueMs } of deliveries.listOf(orderId)) {
        if (state !== 'sending' || dueMs > clock.nowMs()) continue
        waiting.get(id)?.()
        if (!running.has(id)) start(id)
        await running.get(id)
      }
    },
    async close() {
      closing.abort()
      for (const callOff of waiting.values()) callOff()
      await Promise.all(running.values())
    },
  }
}

interface Deliveries {
  get(id: string): Delivery | undefined
  /** Also in place of what it was before. */
  keep(delivery: Delivery): void
  list(): Delivery[]
  listOf(orderId: string): Delivery[]
}

/** Deliveries by order too; of those that were taken, the last ones. */
function openDeliveries(store: Store): Deliveries {
  const kept = store.table<Delivery>('webhooks')
  const byOrder = new Map<string, Set<string>>()
  const taken = new Set<string>()
  const index = ({ id, orderId, state }: Delivery) => {
    const ids = byOrder.get(orderId) ?? new Set()
    byOrder.set(orderId, ids.add(id))
    if (state === 'taken') taken.add(id)
    else taken.delete(id)
  }
  const forget = (id: string) => {
    const { orderId } = kept.get(id)!
    const ids = byOrder.get(orderId)!
    ids.delete(id)
    if (ids.size === 0) byOrder.delete(orderId)
    taken.delete(id)
    kept.delete(id)
  }
  for (const delivery of kept.values()) index(delivery)
  return {
    get: (id) => kept.get(id),
    keep(delivery) {
      kept.set(delivery.id, delivery)
      index(delivery)
      if (taken.size > takenMax) forget(taken.values().next().value!)
    },
    list: () => kept.values(),
    listOf: (orderId) => [...(byOrder.get(orderId) ?? [])].map((id) => kept.get(id)!),
  }
}

/** So many that were taken are remembered. */
const takenMax = 10_000
/** Longest that a notice waits for the one that is to come before it. */
const heldMs = 600_000

function changesOf(fault: Fault | null, by: { text: string; nowMs: number; sending: Sending }): Partial<Delivery> {
  switch (fault?.kind) {
    case 'lose':
      return { state: 'lost' }
    case 'delay':
      return { dueMs: by.nowMs + (fault.ms ?? heldMs) }
    case 'swap':
      return { state: 'held', dueMs: by.nowMs + heldMs }
    case 'forge':
      return { body: by.sending.forge(by.text) }
    case 'skew':
      return { skewMs: fault.ms ?? 0 }
    default:
      return {}
  }
}

/** The status of the answer; null where there was none in time. */
async function post(
  url: string,
  by: { headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal; timeoutMs: number },
): Promise<number | null> {
  const signal = AbortSignal.any([by.signal, AbortSignal.timeout(by.timeoutMs)])
  const headers = { 'content-type': 'application/json', ...by.headers }
  try {
    const answer = await fetch(url, { method: 'POST', headers, body: by.body, redirect: 'manual', signal })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return null
  }
}
