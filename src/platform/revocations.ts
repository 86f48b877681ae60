import { setTimeout as delay } from 'node:timers/promises'
import type { Database, TransactionSql } from './database.ts'
import type { News } from './news.ts'

/**
 * Whose rights were taken away lately: ids of sessions, keys and members. For while the database is away, which alone
 * decides at all other times.
 */
export interface Revocations {
  /** Tells every process. What was taken away stands in the database by then (`writeRevocations`). */
  note(ids: readonly string[]): Promise<void>
  /** Whether it was noted within the last quarter of an hour; longer is no access token good. */
  has(id: string): Promise<boolean>
}

/** What one process remembers of them. */
export interface RememberedRevocations extends Revocations {
  /** What it remembers, with the milliseconds for which it goes on to. */
  list(): readonly { readonly id: string; readonly leftMs: number }[]
  close(): Promise<void>
}

/** An access token is good for so long, and some time goes by until what was taken away is told. */
export const rememberedMs = 16 * 60_000
const rememberedMax = 100_000
const topic = 'revoked'
const idsInOne = 100

/** Writes down what is taken away, in the unit of work that does it. */
export function writeRevocations(sql: TransactionSql, ids: readonly string[]): void {
  sql.send(
    `insert into platform.revocation (id) select id from unnest($1::uuid[]) as id order by id
     on conflict (id) do update set at = excluded.at`,
    [[...new Set(ids)]],
  )
}

/** Remembers what is told by news and, for what may have been missed, what the database has. */
export function openRevocations(options: {
  readonly news: News
  readonly database: Database
  readonly onError: (error: Error) => void
  readonly now?: () => number
}): RememberedRevocations {
  const { news, database, onError, now = () => performance.now() } = options
  const until = new Map<string, number>()
  const stop = new AbortController()
  let loading: Promise<void> | null = null

  const remember = (id: string, forMs: number) => {
    // Put in anew, the oldest stand first.
    until.delete(id)
    until.set(id, now() + forMs)
    for (const [old, end] of until) {
      if (end > now() && until.size <= rememberedMax) break
      until.delete(old)
    }
  }
  const load = async () => {
    while (!stop.signal.aborted) {
      try {
        for (const { id, ageMs } of await selectRevocations(database)) remember(id, rememberedMs - ageMs)
        return
      } catch (error) {
        onError(error as Error)
        await delay(1_000, undefined, stop).catch(() => {})
      }
    }
  }
  news.hear(topic, (text) => {
    for (const id of text.split(' ')) remember(id, rememberedMs)
  })
  news.onGap(() => {
    loading = Promise.all([loading, load()]).then(() => {})
  })
  return {
    async note(ids) {
      for (let at = 0; at < ids.length; at += idsInOne)
        await news.tell(topic, ids.slice(at, at + idsInOne).join(' ')).catch(onError)
    },
    has: async (id) => (until.get(id) ?? 0) > now(),
    list: () => [...until].map(([id, end]) => ({ id, leftMs: end - now() })).filter(({ leftMs }) => leftMs > 0),
    async close() {
      stop.abort()
      await loading
    },
  }
}

function selectRevocations({ sql }: Database): Promise<{ id: string; ageMs: number }[]> {
  return sql.rows(
    `select id, extract(epoch from clock_timestamp() - at)::float8 * 1000 as "ageMs" from platform.revocation
     where at > clock_timestamp() - make_interval(secs => $1) order by at`,
    [rememberedMs / 1_000],
  )
}

/** Forgets at most so many that nobody remembers any more; answers how many. */
export function deleteOldRevocations({ sql }: Database, by: { readonly chunkSize: number }): Promise<number> {
  return sql.run(
    `delete from platform.revocation where id in (
       select id from platform.revocation where at < clock_timestamp() - interval '1 day' limit $1
     )`,
    [by.chunkSize],
  )
}
