import type { Clock } from './clock.ts'
import type { Answer } from './sockets.ts'
import type { Store } from './store.ts'

/** The answers that were given under idempotency keys. */
export interface Answers {
  /** The answer of the first request; `busy` while that runs; null where this is the first. */
  begin(key: string, fingerprint: string): { readonly answer: Answer; readonly isSame: boolean } | 'busy' | null
  complete(key: string, answer: Answer): void
  /** The first request ended without an answer: the next one is the first. */
  forget(key: string): void
}

interface Kept {
  readonly fingerprint: string
  readonly answer: Answer
  readonly untilMs: number
}

/** Answers that are kept for so long, from the first use of their key. */
export function openAnswers({ store, clock, keptMs }: { store: Store; clock: Clock; keptMs: number }): Answers {
  const kept = store.table<Kept>('answers')
  const running = new Map<string, { fingerprint: string; untilMs: number }>()
  return {
    begin(key, fingerprint) {
      if (running.has(key)) return 'busy'
      const found = kept.get(key)
      if (found && found.untilMs > clock.nowMs()) {
        return { answer: found.answer, isSame: found.fingerprint === fingerprint }
      }
      running.set(key, { fingerprint, untilMs: clock.nowMs() + keptMs })
      return null
    },
    complete(key, answer) {
      kept.set(key, { ...running.get(key)!, answer })
      running.delete(key)
    },
    forget(key) {
      running.delete(key)
    },
  }
}
