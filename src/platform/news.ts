import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { connectionTo } from './connections.ts'
import type { Database } from './database.ts'
import { openOutage } from './outage.ts'

/**
 * News between processes, never kept, and told twice where it is not known whether they were: who hears has another way
 * to know, and asks it when something may have been missed.
 */
export interface News {
  /** Tells every process that hears of a topic, this one too. A topic has no space, a text up to 7,000 bytes. */
  tell(topic: string, text: string): Promise<void>
  hear(topic: string, listen: (text: string) => void): void
  /** Told when something may have been missed: whenever this process begins to hear, the first time too. */
  onGap(listen: () => void): void
  close(): Promise<void>
}

const channel = 'podo_news'
const lookEveryMs = 10_000

/** News by LISTEN and NOTIFY, on a connection that a process opens when it first wants to hear. */
export function openNews(options: {
  readonly database: Database
  readonly url: string
  /** Told once for each time that the connection is lost. */
  readonly onError: (error: Error) => void
}): News {
  const { database, url, onError } = options
  const ears = openEars()
  const outage = openOutage(onError)
  const stop = new AbortController()
  let listening: Promise<void> | null = null

  const listen = async () => {
    for (let pauseMs = 50; !stop.signal.aborted; pauseMs = Math.min(2 * pauseMs, 1_000)) {
      const client = openClient(url)
      const lost = new AbortController()
      client.on('error', () => lost.abort())
      client.on('end', () => lost.abort())
      client.on('notification', ({ payload = '' }) => ears.dispatch(payload))
      try {
        await client.connect()
        await client.query(`listen ${channel}`)
        outage.reached()
        pauseMs = 50
        ears.tellGap()
        await untilSilent(client, AbortSignal.any([stop.signal, lost.signal]))
      } catch (error) {
        if (!stop.signal.aborted) outage.noticed(error as Error)
      }
      await client.end().catch(() => {})
      await delay(pauseMs, undefined, stop).catch(() => {})
    }
  }
  return {
    async tell(topic, text) {
      await database.sql.run('select pg_notify($1, $2)', [channel, `${topic} ${text}`])
    },
    hear(topic, ear) {
      ears.hear(topic, ear)
      listening ??= listen()
    },
    onGap: ears.onGap,
    async close() {
      stop.abort()
      await listening
    },
  }
}

/** Who hears what, in one process. */
export interface Ears extends Pick<News, 'hear' | 'onGap'> {
  /** Hands on `topic text`. */
  dispatch(message: string): void
  tellGap(): void
}

/** Nobody, to begin with. */
export function openEars(): Ears {
  const listeners = new Map<string, ((text: string) => void)[]>()
  const gaps: (() => void)[] = []
  return {
    hear(topic, listen) {
      listeners.set(topic, [...(listeners.get(topic) ?? []), listen])
    },
    onGap: (listen) => void gaps.push(listen),
    dispatch(message) {
      const space = message.indexOf(' ')
      for (const listen of listeners.get(message.slice(0, space)) ?? []) listen(message.slice(space + 1))
    },
    tellGap() {
      for (const listen of gaps) listen()
    },
  }
}

function openClient(url: string): pg.Client {
  const connection = connectionTo(url)
  const options = { application_name: 'podo news', connectionTimeoutMillis: 5_000, query_timeout: 5_000 }
  return new connection.Client({ ...connection, ...options })
}

/** A connection whose other end is gone says nothing: it is asked, until it does not answer. */
async function untilSilent(client: pg.Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(lookEveryMs, undefined, { signal }).catch(() => {})
    if (!signal.aborted) await client.query('select 1')
  }
}
