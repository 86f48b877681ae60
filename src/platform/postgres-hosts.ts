import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { defaultPort, type PostgresUrl, type SessionWish } from './postgres-url.ts'

/** How long a host may take to let somebody in, where there are others. */
export const hostTimeoutMs = 2_000
/** How long the first host is asked alone. */
const headStartMs = 250
/** From a search that found nothing to the next: each is a login on every host. */
const pauseMs = 100
/** How often it is looked for connections that are owed an answer, and from how many looks in vain on it is doubted. */
const lookMs = 500
const looksMax = 2

export interface Host {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** What a server says of itself, at the login and whenever it changes. */
export interface Session {
  isStandby: boolean
  isReadOnly: boolean
}

export type Accepts = (session: Session) => boolean

/** A connection that may be left by its server without a word. */
export interface Watched {
  readonly host: Host
  /** Bytes that came in, or null where no answer is awaited. */
  heard(): number | null
  drop(): void
}

/** Which of several hosts to go to. */
export interface Hosts {
  /** The one that is known, or else the first that is as wished: one search for all who wait. */
  find(): Promise<Host>
  /** It let nobody in, or is not what it was. */
  forget(host: Host): void
  /** Drops the connection where it is owed an answer and another host has taken its host's place; until called back. */
  watch(watched: Watched): () => void
}

/** Who is taken, and who else where nobody is. */
export function accepting(wish: SessionWish): readonly [Accepts, ...Accepts[]] {
  const takesWrites: Accepts = ({ isStandby, isReadOnly }) => !isStandby && !isReadOnly
  const isStandby: Accepts = (session) => session.isStandby
  const any = () => true
  const accepts: Record<SessionWish, readonly [Accepts, ...Accepts[]]> = {
    any: [any],
    'read-write': [takesWrites],
    'read-only': [(session) => !takesWrites(session)],
    primary: [(session) => !session.isStandby],
    standby: [isStandby],
    'prefer-standby': [isStandby, any],
  }
  return accepts[wish]
}

/** The hosts of an address of several. */
export function openHosts({ each, wish }: PostgresUrl): Hosts {
  const hosts = each.map((url) => {
    const { hostname, port } = new URL(url)
    return { url, host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || defaultPort) }
  })
  let known: Host | null = null
  let search: Promise<Host> | null = null
  let failedAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    try {
      await delay(Math.max(0, failedAt + pauseMs - performance.now()))
      // Where the known one is well, it stays: its turn comes first.
      const inTurn = known ? [known, ...hosts.filter((host) => host !== known)] : hosts
      known = await findHost(inTurn, wish)
      return known
    } catch (error) {
      failedAt = performance.now()
      throw error
    } finally {
      search = null
    }
  }
  const searchTogether = () => {
    search ??= look()
    return search
  }
  return {
    find: async () => known ?? searchTogether(),
    forget(host) {
      if (known === host) known = null
    },
    watch: openWatch(searchTogether),
  }
}

/**
 * A machine without power breaks no connection: what was asked there would wait for its whole time, though another host
 * has taken its place long since. So whoever waits for long has the hosts looked at, and goes where the others go.
 */
function openWatch(search: () => Promise<Host>): Hosts['watch'] {
  const all = new Map<Watched, { heard: number | null; inVain: number }>()
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    let isDoubtful = false
    for (const [watched, last] of all) {
      const heard = watched.heard()
      const isOwed = heard !== null && heard === last.heard
      const inVain = isOwed ? last.inVain + 1 : 0
      all.set(watched, { heard, inVain })
      isDoubtful ||= inVain >= looksMax
    }
    if (!isDoubtful) return
    search().then(
      (found) => {
        for (const watched of all.keys()) if (watched.host !== found) watched.drop()
      },
      () => {},
    )
  }
  return (watched) => {
    all.set(watched, { heard: null, inVain: 0 })
    timer ??= setInterval(look, lookMs).unref()
    return () => {
      all.delete(watched)
      if (all.size > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }
}

async function findHost(hosts: readonly Host[], wish: SessionWish): Promise<Host> {
  const reasons = new Set<string>()
  for (const accepts of accepting(wish)) {
    const over = new AbortController()
    const pick = async (host: Host) => {
      if (over.signal.aborted) throw new Error('another was found')
      if (accepts(await visit(host, over.signal))) return host
      throw new Error(`not ${wish}`)
    }
    let turn: Promise<unknown> = Promise.resolve()
    const picked = hosts.map((host) => {
      const visited = turn.then(() => pick(host))
      turn = Promise.race([visited.catch(() => {}), delay(headStartMs, undefined, { ref: false })])
      visited.catch((error: Error) => reasons.add(`${host.host}:${host.port}: ${error.message}`))
      return visited
    })
    const found = await Promise.any(picked).catch(() => null)
    over.abort()
    if (found) return found
  }
  throw unreached(`No host lets a connection in (${[...reasons].join('; ')})`)
}

/** Signs in, to hear what the server is; broken off by the signal. */
async function visit({ url }: Host, signal: AbortSignal): Promise<Session> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: hostTimeoutMs })
  client.on('error', () => {})
  const leave = () => client.connection.stream.destroy()
  signal.addEventListener('abort', leave)
  const session = hearSession(client)
  try {
    await client.connect()
    return session
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}

/** Keeps what the server says of itself; from PostgreSQL 14 on it does, unasked. */
export function hearSession(client: pg.Client, onChange?: (session: Session) => void): Session {
  const session = { isStandby: false, isReadOnly: false }
  client.connection.on('parameterStatus', (said: { parameterName: string; parameterValue: string }) => {
    const isOn = said.parameterValue === 'on'
    if (said.parameterName === 'in_hot_standby') session.isStandby = isOn
    else if (said.parameterName === 'default_transaction_read_only') session.isReadOnly = isOn
    else return
    onChange?.(session)
  })
  return session
}

/** An error that says, as SQLSTATE does, that no connection could be made. */
export function unreached(message: string): Error {
  return Object.assign(new Error(message), { code: '08001' })
}
