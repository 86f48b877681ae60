import { setTimeout as delay } from 'node:timers/promises'

/** Something with its age. */
export interface Fresh<Value> {
  readonly value: Value
  /** Whole seconds since it began to be made. */
  readonly ageSeconds: number
}

/** What was made lately, in the memory of one process. */
export interface FreshCache<Value> {
  /** What is kept under a key, made where nothing fresh is; those who ask meanwhile wait for the same. */
  get(key: string, make: () => Promise<Value>): Promise<Fresh<Value>>
  /**
   * Makes anew, one after another, what was asked for again since it was made and will soon be too old: so it never is
   * for those who ask. At most `renewedMax`, what most ask for first. Throws what making throws; what there was stays.
   */
  renew(): Promise<void>
  /** Forgets everything, also what is being made. */
  clear(): void
}

interface Page<Value> {
  readonly madeAt: number
  readonly value: Promise<Value>
  readonly make: () => Promise<Value>
  askedAgain: number
}

/** After this part of its time it is made anew: what is left is for making it. */
const renewalPart = 3 / 5

/** A cache of at most so many pages, none older than so many seconds. A failure is kept for nobody. */
export function openFreshCache<Value>(options: {
  readonly maxAgeSeconds: number
  readonly pagesMax: number
  readonly renewedMax: number
  /** Milliseconds that only go forward. */
  readonly now?: () => number
}): FreshCache<Value> {
  const { maxAgeSeconds, pagesMax, renewedMax, now = () => performance.now() } = options
  const pages = new Map<string, Page<Value>>()
  const ageOf = (page: { madeAt: number }) => Math.floor((now() - page.madeAt) / 1_000)

  function keep(key: string, make: () => Promise<Value>) {
    // The oldest stand first: each was put in when it was made.
    for (const [old, page] of pages) {
      if (pages.size < pagesMax && ageOf(page) < maxAgeSeconds) break
      pages.delete(old)
    }
    const page = { madeAt: now(), value: make(), make, askedAgain: 0 }
    pages.set(key, page)
    page.value.catch(() => pages.get(key) === page && pages.delete(key))
    return page
  }

  async function renewPage(key: string, page: Page<Value>): Promise<void> {
    const madeAt = now()
    const value = await page.make()
    // Forgotten, or too old and made by somebody who asked.
    if (pages.get(key) !== page) return
    pages.delete(key)
    pages.set(key, { ...page, madeAt, value: Promise.resolve(value), askedAgain: 0 })
  }

  return {
    async get(key, make) {
      const kept = pages.get(key)
      if (kept && ageOf(kept) >= maxAgeSeconds) pages.delete(key)
      const found = pages.get(key)
      if (found) found.askedAgain += 1
      const page = found ?? keep(key, make)
      return { value: await page.value, ageSeconds: ageOf(page) }
    },
    async renew() {
      const wanted = [...pages]
        .filter(([, page]) => page.askedAgain > 0 && ageOf(page) >= renewalPart * maxAgeSeconds)
        .toSorted(([, a], [, b]) => b.askedAgain - a.askedAgain)
      for (const [key, page] of wanted.slice(0, renewedMax)) await renewPage(key, page)
    },
    clear: () => pages.clear(),
  }
}

/** Makes anew again and again what will soon be too old, until it is closed. */
export function keepFresh(
  { renew }: Pick<FreshCache<unknown>, 'renew'>,
  { intervalMs, onError }: { intervalMs: number; onError: (error: unknown) => void },
): { close(): Promise<void> } {
  const stop = new AbortController()
  const loop = async () => {
    while (!stop.signal.aborted) {
      await renew().catch(onError)
      await delay(intervalMs, undefined, { signal: stop.signal }).catch(() => {})
    }
  }
  const ended = loop()
  return {
    close() {
      stop.abort()
      return ended
    },
  }
}
