import assert from 'node:assert/strict'
import { type Scope, until } from '../harness.ts'
import type { Ask, Heard, Service } from './service.ts'

/** An answer that stands, and what it took to get it. */
export interface Settled extends Heard {
  readonly ask: Ask
  /** Times that it was refused with 503 or not answered at all. */
  readonly inVain: number
}

const pauseMs = 20
const attemptsMax = 6_000

/**
 * Does what every caller should: what was not answered, or answered with 503, is sent again with the same key until it
 * is decided. Fails on any answer that would leave a caller in doubt.
 */
export async function settle(
  service: Pick<Service, 'send'>,
  ask: Ask & { readonly key: string },
  options: { onHeard?: (heard: Heard | null) => void } = {},
): Promise<Settled> {
  for (let inVain = 0; inVain < attemptsMax; inVain += 1) {
    const heard = await service.send(ask).catch((error) => ignoreBroken(error))
    options.onHeard?.(heard)
    if (heard) assertHonest(heard)
    if (heard && heard.status !== 503) return { ...heard, ask, inVain }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  throw new Error(`${ask.path} was not decided in ${attemptsMax} attempts`)
}

/** Done, taken on, refused for good, or to be sent again: nothing else may be heard by who asks rightly. */
export function assertHonest({ status, text, headers }: Heard): void {
  const isDecided = status === 200 || status === 201 || status === 202 || status === 409
  const isHonest = isDecided || (status === 503 && headers['retry-after'])
  assert.ok(isHonest, `${status} ${text}`)
}

function ignoreBroken(error: NodeJS.ErrnoException): null {
  if (/^(ECONN|EPIPE)/.test(error.code ?? '') || error.message === 'aborted') return null
  throw error
}

/** Callers at work until they are told to stop; the first that fails stops all. */
export interface Crowd {
  /** Told to stop, each ends what it has begun; throws what any of them threw. */
  stop(): Promise<void>
  /** Waits, while they work, until `find` finds something; throws what any of them threw. */
  until(what: string, find: () => boolean): Promise<unknown>
}

/** `count` callers who do their turns one after another, each a caller of its own; they go home with the test. */
export function openCrowd(
  scope: Scope,
  { count, turn }: { count: number; turn: (caller: number, turn: number) => Promise<void> },
): Crowd {
  let isOver = false
  scope.after(() => {
    isOver = true
  })
  const failures: unknown[] = []
  const work = async (caller: number) => {
    for (let at = 0; !isOver; at += 1) await turn(caller, at)
  }
  const all = Array.from({ length: count }, (_, caller) =>
    work(caller).catch((error) => {
      isOver = true
      failures.push(error)
    }),
  )
  const assertWell = () => {
    if (failures.length > 0) throw failures[0]
  }
  return {
    until: (what, find) => {
      const look = () => {
        assertWell()
        return find()
      }
      return until(what, look, { timeoutMs: 120_000 })
    },
    async stop() {
      isOver = true
      await Promise.all(all)
      assertWell()
    },
  }
}
