/** Answers that are dear to make and may be as old as their maker says. */
export interface Cache {
  /** What is kept under a key, made where nothing good is: those who ask meanwhile in this process wait for the same. */
  get<Value>(key: string, how: Making<Value>): Promise<Value>
  /** The next who asks in this process has it made anew; what another is making now may still be kept. */
  forget(key: string): Promise<void>
}

/** How something is made and kept. */
export interface Making<Value> {
  /** It is never older. Some of it goes a little earlier, so that what was made together is not made anew together. */
  readonly maxAgeSeconds: number
  /** Throws for everybody who waits for it, and keeps nothing. */
  make(): Promise<Value>
  /** What was made, from the JSON of it; null where it is nothing of the kind, which is as good as nothing. */
  read(kept: unknown): Value | null
}

/** Where texts are kept for a time, or until there is no room. */
export interface Shelf {
  /** Null where there is none, or it cannot be had. */
  find(key: string): Promise<string | null>
  keep(key: string, by: { text: string; forMs: number }): Promise<void>
  drop(key: string): Promise<void>
}

/** What goes earlier goes so much earlier at most. */
const jitter = 0.2

/** A cache over a shelf, which is this process's own where none is given. */
export function openCache(shelf: Shelf = openMemoryShelf()): Cache {
  const making = new Map<string, Promise<unknown>>()

  const findOrMake = async <Value>(key: string, { maxAgeSeconds, make, read }: Making<Value>) => {
    const found = fromText(await shelf.find(key), read)
    if (found !== null) return { value: found, text: null, forMs: 0 }
    const since = performance.now()
    const value = await make()
    const ageMs = performance.now() - since
    const forMs = Math.floor(maxAgeSeconds * 1_000 * (1 - jitter * Math.random()) - ageMs)
    return { value, text: JSON.stringify(value), forMs }
  }
  return {
    get<Value>(key: string, how: Making<Value>): Promise<Value> {
      const under = making.get(key)
      if (under) return under as Promise<Value>
      const made = findOrMake(key, how).then(async ({ value, text, forMs }) => {
        if (text !== null && forMs > 0 && making.get(key) === made) await shelf.keep(key, { text, forMs })
        return value
      })
      making.set(key, made)
      const end = () => {
        if (making.get(key) === made) making.delete(key)
      }
      made.then(end, end)
      return made
    },
    async forget(key) {
      making.delete(key)
      await shelf.drop(key)
    },
  }
}

function fromText<Value>(text: string | null, read: (kept: unknown) => Value | null): Value | null {
  if (text === null) return null
  try {
    return read(JSON.parse(text))
  } catch {
    return null
  }
}

const charactersMax = 32 * 1024 * 1024

/** The memory of one process, some 64 MB at most: what was kept first goes first. */
export function openMemoryShelf(now = () => performance.now(), max = charactersMax): Shelf {
  const kept = new Map<string, { readonly text: string; readonly until: number }>()
  let characters = 0
  const drop = (key: string) => {
    const entry = kept.get(key)
    if (!entry) return
    characters -= key.length + entry.text.length
    kept.delete(key)
  }
  return {
    async find(key) {
      const entry = kept.get(key)
      return entry && now() < entry.until ? entry.text : null
    },
    async keep(key, { text, forMs }) {
      drop(key)
      kept.set(key, { text, until: now() + forMs })
      characters += key.length + text.length
      for (const [oldest, { until }] of kept) {
        if (characters <= max && until > now()) break
        drop(oldest)
      }
    },
    drop: async (key) => drop(key),
  }
}
