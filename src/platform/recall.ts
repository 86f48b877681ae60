import { setTimeout as delay } from 'node:timers/promises'

/**
 * Milliseconds for which a process goes on letting in whom the database let in, without asking again. A unit of work
 * that takes such a right away is answered only after them (`Work.withdraw`): whoever is told that it is gone finds it
 * gone in every process.
 */
export const recallMs = 50

/**
 * Milliseconds for which a process knows, while the database is away, whom it let in before: they may leave word of
 * what they want, and are asked for again before anything is done.
 */
export const lookBackMs = 60_000

/** Resolves when no process recalls any more what the database said before now. */
export async function outlastRecalls(): Promise<void> {
  const until = performance.now() + recallMs
  // A timer counts from the turn of the event loop that it was set in, which may have begun long before.
  for (let leftMs = recallMs; leftMs > 0; leftMs = until - performance.now()) await delay(Math.ceil(leftMs))
}

/** What the database said of credentials lately, in the memory of one process. */
export interface Recall<Key, Value> {
  /** What is still true of it; undefined where the database is to be asked. */
  find(key: Key): Value | undefined
  /** What was true of it when the database was asked last, if that was `lookBackMs` ago at most. */
  lookBack(key: Key): Value | undefined
  /** The database says otherwise now. */
  forget(key: Key): void
  /** Keeps an answer to what was asked at `askedAt`, which is true for `leftMs` more at most. */
  keep(key: Key, answer: { value: Value; askedAt: number; leftMs: number }): void
  /** Milliseconds that only go forward: to be read before the database is asked. */
  now(): number
}

/** Recalls at most `max` answers. */
export function openRecall<Key, Value>(options: {
  readonly max: number
  readonly now?: () => number
}): Recall<Key, Value> {
  const { max, now = () => performance.now() } = options
  const answers = new Map<Key, { readonly value: Value; readonly until: number; readonly knownUntil: number }>()
  return {
    now,
    find(key) {
      const answer = answers.get(key)
      return answer && now() < answer.until ? answer.value : undefined
    },
    lookBack(key) {
      const answer = answers.get(key)
      return answer && now() < answer.knownUntil ? answer.value : undefined
    },
    forget: (key) => void answers.delete(key),
    keep(key, { value, askedAt, leftMs }) {
      // Put in anew, the oldest stand first.
      answers.delete(key)
      if (answers.size >= max) answers.delete(answers.keys().next().value!)
      const until = askedAt + Math.min(recallMs, leftMs)
      answers.set(key, { value, until, knownUntil: askedAt + Math.min(lookBackMs, leftMs) })
    },
  }
}
