import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  ExponentialBackoff,
  fullJitterGenerator,
  handleAll,
  handleWhen,
  type IBackoff,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
} from 'cockatiel'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { openOutage } from './outage.ts'

/** Nothing is known of what was asked: the service was known to be away, its guard had no room, or the time was up. */
export class Unavailable extends Error {
  /** When it is worth asking again. */
  readonly retryAfterSeconds: number

  constructor(message: string, retryAfterSeconds: number) {
    super(message)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export interface GuardOptions {
  /** What metrics and errors call the service. */
  readonly name: string
  /** How long a call may take: waiting for room, every attempt and the pauses between them. */
  readonly timeoutMs: number
  /** Calls that may be under way at once. */
  readonly concurrentMax: number
  /** Calls that may wait for room, besides; one more is refused at once. */
  readonly waitingMax: number
  /** How often what fails is tried, as far as the budget goes; once, where nothing is said. */
  readonly attemptsMax?: number
  /** How long nothing is asked of a service that is away, until one call tries it. */
  readonly openMs?: number | undefined
  /** Whether an error says that the service is away, not that it refused; without it, each does. */
  readonly isFailure?: (error: unknown) => boolean
  /** Told when the service is found to be away, tried again, or back. */
  readonly onState?: (state: GuardState) => void
  readonly metrics?: Metrics
  /** Milliseconds that only grow; without it, those of this process. */
  readonly now?: () => number
}

export type GuardState = 'closed' | 'half-open' | 'open'

/** What stands between this process and one service that may be away, slow, or both. */
export interface Guard {
  /**
   * What `run` answers; throws what it throws, and Unavailable. Whoever heeds the signal ends with its call; whoever
   * does not is left alone, and holds no room. What must not be done twice is tried once in any case.
   */
  call<T>(run: (signal: AbortSignal) => Promise<T>, options?: { readonly isOnce?: boolean }): Promise<T>
  readonly state: GuardState
}

/** Opens the guard of a service: one for each, in a process. */
export type OpenGuard = (options: Omit<GuardOptions, 'metrics' | 'onState' | 'now'>) => Guard

/** Guards that are shown as metrics, and say in the log when their service is away and back. */
export function guardsOver(by: { metrics: Metrics; log: Logger; openMs?: number | undefined }): OpenGuard {
  const { metrics, log, openMs } = by
  return (options) => {
    const { name: service } = options
    const outage = openOutage<void>(() => log.warn({ service }, 'An outside service is away: it is asked now and then'))
    const onState = (state: GuardState) => {
      if (state === 'open') outage.noticed()
      if (state !== 'closed') return
      outage.reached()
      log.info({ service }, 'An outside service is back')
    }
    return openGuard({ openMs, ...options, metrics, onState })
  }
}

/** The breaker opens at 40 % of the last 20 calls, once there were 10; the library asks for more than its threshold. */
const tripping = { size: 20, minimumNumberOfCalls: 10, threshold: 0.399 }
const openMsDefault = 5_000
const pauses = { generator: fullJitterGenerator, initialDelay: 100, maxDelay: 1_000 }
/** What a call adds to the budget of retries: over an outage a service is asked 1.1 times for each call at most. */
const retriesPerCall = 0.1
/** As much as is saved up while all is well. */
const retriesMax = 10

/**
 * Timeout, bulkhead, bounded retry and breaker around one service, in the one order for all of them: a call has its
 * time, waits for room and makes attempts, each of which counts for the breaker.
 */
export function openGuard(options: GuardOptions): Guard {
  return new LayeredGuard(options)
}

type Run<T> = (signal: AbortSignal) => Promise<T>

/** A refusal is an answer too: the service is there. */
type Answer<T> = { readonly value: T } | { readonly refusal: unknown }

class LayeredGuard implements Guard {
  readonly #options: GuardOptions
  readonly #now: () => number
  readonly #openMs: number
  readonly #time
  readonly #room
  readonly #again
  readonly #breaker
  /** Whether a call has nothing to spend its time on but one attempt. */
  readonly #isDirect: boolean
  readonly #count: (result: string) => void
  #retryAt = 0
  #budget = 0

  constructor(options: GuardOptions) {
    const { name, timeoutMs, concurrentMax, waitingMax, attemptsMax = 1, metrics, onState } = options
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#openMs = options.openMs ?? openMsDefault
    this.#isDirect = waitingMax === 0 && attemptsMax === 1
    this.#count = metrics?.outside(name, () => this.state) ?? (() => {})
    this.#time = timeout(timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false })
    this.#room = bulkhead(concurrentMax, waitingMax)
    this.#again = retry(
      handleWhen((error) => !(error instanceof BrokenCircuitError) && this.#payRetry()),
      { maxAttempts: attemptsMax - 1, backoff: new ExponentialBackoff(pauses) },
    )
    this.#again.onRetry(() => this.#count('retried'))
    const breaker = new CountBreaker(tripping)
    this.#breaker = circuitBreaker(handleAll, { breaker, halfOpenAfter: this.#opening() })
    this.#breaker.onStateChange(() => onState?.(this.state))
  }

  get state(): GuardState {
    const { state } = this.#breaker
    if (state === CircuitState.Closed) return 'closed'
    return state === CircuitState.HalfOpen ? 'half-open' : 'open'
  }

  async call<T>(run: Run<T>, { isOnce = false }: { isOnce?: boolean } = {}): Promise<T> {
    const answer = await this.#ask(run, isOnce).catch((error) => this.#fail(error))
    this.#count('answered')
    if ('refusal' in answer) throw answer.refusal
    return answer.value
  }

  async #ask<T>(run: Run<T>, isOnce: boolean): Promise<Answer<T>> {
    this.#refuseWhileAway()
    if (this.#isDirect) return this.#room.execute(({ signal }) => this.#attempt(run, signal))
    this.#budget = Math.min(retriesMax, this.#budget + retriesPerCall)
    const attempt = ({ signal }: { signal: AbortSignal }) => this.#attempt(run, signal)
    const attempts = isOnce ? attempt : ({ signal }: { signal: AbortSignal }) => this.#again.execute(attempt, signal)
    return this.#time.execute(({ signal }) => this.#room.execute(attempts, signal))
  }

  /** Whoever is given up counts as a failure at once, and leaves its room: hence a second timeout inside. */
  async #attempt<T>(run: Run<T>, signal: AbortSignal): Promise<Answer<T>> {
    this.#refuseWhileAway()
    return this.#breaker.execute(
      (counted) => this.#time.execute((call) => this.#answerOf(run, call.signal), counted.signal),
      signal,
    )
  }

  async #answerOf<T>(run: Run<T>, signal: AbortSignal): Promise<Answer<T>> {
    // After a pause between attempts the time may be up.
    if (signal.aborted) throw new TaskCancelledError()
    try {
      return { value: await run(signal) }
    } catch (error) {
      if (signal.aborted || this.#options.isFailure?.(error) !== false) throw error
      return { refusal: error }
    }
  }

  /** A second call in the half-open breaker would wait for the first; it is refused like those before it. */
  #refuseWhileAway(): void {
    const { state } = this
    if (state === 'half-open' || (state === 'open' && this.#now() < this.#retryAt)) throw new BrokenCircuitError()
  }

  /** What fails at its last attempt pays too: that leaves less to others in an outage, never more. */
  #payRetry(): boolean {
    if (this.#budget < 1) return false
    this.#budget -= 1
    return true
  }

  /** The library reads the wall clock, which may be set back for hours: what it compares with it says only yes or no. */
  #opening(): IBackoff<unknown> {
    const next = () => {
      this.#retryAt = this.#now() + this.#openMs
      return opened
    }
    const isOver = () => this.#now() >= this.#retryAt
    const opened = {
      get duration() {
        return isOver() ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
      },
      next,
    }
    return opened
  }

  #fail(error: unknown): never {
    const { name } = this.#options
    if (error instanceof BrokenCircuitError) {
      this.#count('away')
      const seconds = Math.max(1, Math.ceil((this.#retryAt - this.#now()) / 1_000))
      throw new Unavailable(`${name} is away, and is not asked`, seconds)
    }
    if (error instanceof BulkheadRejectedError) {
      this.#count('full')
      throw new Unavailable(`Too many calls of ${name} are under way`, 1)
    }
    if (error instanceof TaskCancelledError) {
      this.#count('late')
      throw new Unavailable(`${name} did not answer in time`, Math.ceil(this.#openMs / 1_000))
    }
    this.#count('failed')
    throw error
  }
}
