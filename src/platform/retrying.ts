import { setTimeout as delay } from 'node:timers/promises'
import type { Patience } from './events/delivery.ts'
import { type Outage, openOutage } from './outage.ts'
import type { Claimed, RetryQueue } from './retry-queue.ts'

export interface RetryingOptions {
  readonly queue: RetryQueue
  readonly patience: Patience
  /**
   * Tries one item; where it throws, it is tried again after a delay. The signal ends it when its claim runs out. What
   * succeeded may come again: where its worker ended, or could not tell so.
   */
  handle(item: Claimed, signal: AbortSignal): Promise<void>
  /**
   * Told of an item whose last attempt failed, before it is forgotten; again where this throws. Without an error, the
   * attempt ended with its worker.
   */
  onGivenUp(item: Claimed, error: unknown): Promise<void>
  /** Told of each attempt that failed. */
  readonly onFailure?: (item: Claimed, error: unknown) => void
  /** Told once for each time that the queue is away. */
  readonly onError: (error: Error) => void
  /** How many are claimed together. */
  readonly batchMax?: number
  /** How many are tried at once. */
  readonly concurrentMax?: number
  /** For how long they are claimed: what was not begun by then is somebody else's. */
  readonly leaseMs?: number
  /** The pause between two looks where nothing more is due. */
  readonly intervalMs?: number
}

/** A worker on a retry queue. */
export interface Retrying {
  /** Ends the pause between two looks: something is due. */
  wake(): void
  /** Waits for what is being tried, and gives back what is not. */
  close(): Promise<void>
}

/** Tries what falls due in a queue, each item until it succeeds or has been tried as often as it may. */
export function keepRetrying(options: RetryingOptions): Retrying {
  const { queue, onError, batchMax = 100, concurrentMax = 10, leaseMs = 60_000, intervalMs = 500 } = options
  const stop = new AbortController()
  const outage = openOutage(onError)
  const telling = openTelling(queue, { stop: stop.signal, outage })
  let nap = new AbortController()
  let isWoken = false
  let running = 0
  let onFree = () => {}

  const claim = async (): Promise<Claimed[]> => {
    try {
      const items = await queue.claim({ max: batchMax, leaseMs })
      outage.reached()
      return items
    } catch (error) {
      outage.noticed(error as Error)
      return []
    }
  }
  const begin = async (item: Claimed, held: Held) => {
    running += 1
    const isBegun = !stop.signal.aborted && performance.now() < held.endsAt
    const outcome: Outcome = isBegun ? await attempt(options, { item, signal: held.signal }) : { kind: 'unbegun', item }
    telling.add(outcome, held.endsAt)
    running -= 1
    onFree()
  }
  const untilRunning = async (max: number) => {
    while (running > max) await new Promise<void>((resolve) => (onFree = resolve))
  }
  const loop = async () => {
    while (!stop.signal.aborted) {
      isWoken = false
      const endsAt = performance.now() + leaseMs
      const items = await claim()
      const held = { endsAt, signal: AbortSignal.timeout(leaseMs) }
      for (const item of items) {
        void begin(item, held)
        await untilRunning(concurrentMax - 1)
      }
      if (telling.size() > batchMax) await telling.end()
      if (items.length === 0 && !isWoken) await delay(intervalMs, undefined, { signal: nap.signal }).catch(() => {})
    }
    await untilRunning(0)
    await telling.end()
  }
  const ended = loop()
  const wake = () => {
    isWoken = true
    nap.abort()
    nap = new AbortController()
  }
  return {
    wake,
    close() {
      stop.abort()
      wake()
      return ended
    },
  }
}

/** Until when a claim is this worker's for sure, by a clock that only grows; it began to run out later. */
interface Held {
  readonly endsAt: number
  readonly signal: AbortSignal
}

type Outcome =
  | { readonly kind: 'done'; readonly item: Claimed }
  | { readonly kind: 'failed'; readonly item: Claimed; readonly delayMs: number }
  | { readonly kind: 'unbegun'; readonly item: Claimed }

async function attempt(
  { patience, handle, onGivenUp, onFailure }: RetryingOptions,
  { item, signal }: { item: Claimed; signal: AbortSignal },
): Promise<Outcome> {
  const isOver = item.attempt > patience.attemptsMax
  const failed = isOver ? { error: null } : await failureOf(() => handle(item, signal))
  if (failed === null) return { kind: 'done', item }
  if (!isOver) onFailure?.(item, failed.error)
  const isLast = item.attempt >= patience.attemptsMax
  if (isLast && (await failureOf(() => onGivenUp(item, failed.error))) === null) return { kind: 'done', item }
  return { kind: 'failed', item, delayMs: patience.delayMs(Math.min(item.attempt, patience.attemptsMax)) }
}

async function failureOf(run: () => Promise<void>): Promise<{ error: unknown } | null> {
  try {
    await run()
    return null
  } catch (error) {
    return { error }
  }
}

const againMs = 250

/** Tells a queue what came of claims, all that there is at once, until it is told or the claim has run out. */
function openTelling(queue: RetryQueue, { stop, outage }: { stop: AbortSignal; outage: Outage }) {
  let untold: { readonly outcome: Outcome; readonly endsAt: number }[] = []
  let telling: Promise<void> | null = null

  const tell = async () => {
    while (untold.length > 0) {
      const told = untold.filter(({ endsAt }) => performance.now() < endsAt)
      untold = []
      try {
        await tellAll(
          queue,
          told.map(({ outcome }) => outcome),
        )
      } catch (error) {
        outage.noticed(error as Error)
        // Who ends leaves the rest to whoever claims it next.
        untold = stop.aborted ? [] : [...told, ...untold]
        await delay(againMs, undefined, { signal: stop }).catch(() => {})
      }
    }
    telling = null
  }
  return {
    add(outcome: Outcome, endsAt: number) {
      untold.push({ outcome, endsAt })
      telling ??= tell()
    },
    size: () => untold.length,
    /** Ends when all was told, or need not be. */
    end: () => telling,
  }
}

async function tellAll(queue: RetryQueue, outcomes: readonly Outcome[]): Promise<void> {
  const done = outcomes.filter(({ kind }) => kind === 'done').map(({ item }) => item)
  const unbegun = outcomes.filter(({ kind }) => kind === 'unbegun').map(({ item }) => item)
  const failed = outcomes.flatMap((each) => (each.kind === 'failed' ? [{ ...each.item, delayMs: each.delayMs }] : []))
  await Promise.all([queue.done(done), queue.again(failed), queue.giveBack(unbegun)])
}
