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
  /** Forgets everything, also what is being made. */
  clear(): void
}

/** A cache of at most so many pages, none older than so many seconds. A failure is kept for nobody. */
export function openFreshCache<Value>(options: {
  readonly maxAgeSeconds: number
  readonly pagesMax: number
  /** Milliseconds that only go forward. */
  readonly now?: () => number
}): FreshCache<Value> {
  const { maxAgeSeconds, pagesMax, now = () => performance.now() } = options
  const pages = new Map<string, { readonly madeAt: number; readonly value: Promise<Value> }>()
  const ageOf = (page: { madeAt: number }) => Math.floor((now() - page.madeAt) / 1_000)

  function keep(key: string, value: Promise<Value>) {
    // The oldest stand first: each was put in when it was made.
    for (const [old, page] of pages) {
      if (pages.size < pagesMax && ageOf(page) < maxAgeSeconds) break
      pages.delete(old)
    }
    const page = { madeAt: now(), value }
    pages.set(key, page)
    value.catch(() => pages.get(key) === page && pages.delete(key))
    return page
  }

  return {
    async get(key, make) {
      const kept = pages.get(key)
      if (kept && ageOf(kept) >= maxAgeSeconds) pages.delete(key)
      const page = pages.get(key) ?? keep(key, make())
      return { value: await page.value, ageSeconds: ageOf(page) }
    },
    clear: () => pages.clear(),
  }
}
