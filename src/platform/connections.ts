import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { defaultPort, type PostgresUrl, parsePostgresUrl, type SessionWish } from './postgres-url.ts'

/** What a pool or a client of pg is given to reach a database. */
export interface Connection extends pg.ClientConfig {
  readonly Client: new (config?: pg.ClientConfig) => pg.Client
}

/**
 * The way to the database of an address, the only one in the house. Of several hosts it takes the first that is as the
 * address wishes, and remembers it until a connection fails there; who looks for one meanwhile waits for the same
 * search. A connection that turns out to lead to where nothing is written is closed, so that a pool makes another.
 */
export function connectionTo(url: string): Connection {
  const address = parsePostgresUrl(url)
  const hosts = address && address.each.length > 1 ? openHosts(address) : null
  return {
    connectionString: address?.each[0] ?? url,
    keepAlive: true,
    // Left to the operating system, a machine that is gone would be noticed after two hours.
    keepAliveInitialDelayMillis: 10_000,
    Client: clientFor(hosts, accepting(address?.wish ?? 'any').at(-1)!),
  }
}

/** How long a host may take to let somebody in, where there are others. */
const hostTimeoutMs = 2_000
/** How long the first host is asked alone. */
const headStartMs = 250
/** From a search that found nothing to the next: each is a login on every host. */
const pauseMs = 100
/** A server that is hung never says goodbye. */
const goodbyeMs = 1_000

interface Host {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** What a server says of itself, at the login and whenever it changes. */
interface Session {
  isStandby: boolean
  isReadOnly: boolean
}

type Accepts = (session: Session) => boolean

/** Who is taken, and who else where nobody is. */
function accepting(wish: SessionWish): readonly Accepts[] {
  const takesWrites: Accepts = ({ isStandby, isReadOnly }) => !isStandby && !isReadOnly
  const isStandby: Accepts = (session) => session.isStandby
  const any = () => true
  return {
    any: [any],
    'read-write': [takesWrites],
    'read-only': [(session: Session) => !takesWrites(session)],
    primary: [(session: Session) => !session.isStandby],
    standby: [isStandby],
    'prefer-standby': [isStandby, any],
  }[wish]
}

/** Which of several hosts to go to. */
interface Hosts {
  find(): Promise<Host>
  /** It let nobody in, or is not what it was. */
  forget(host: Host): void
}

function openHosts({ each, wish }: PostgresUrl): Hosts {
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
      known = await findHost(hosts, wish)
      return known
    } catch (error) {
      failedAt = performance.now()
      throw error
    } finally {
      search = null
    }
  }
  return {
    async find() {
      if (known) return known
      search ??= look()
      return search
    },
    forget(host) {
      if (known === host) known = null
    },
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

function clientFor(hosts: Hosts | null, accepts: Accepts): Connection['Client'] {
  return class extends pg.Client {
    readonly #session = hearSession(this, (session) => {
      if (this.#isReached && !accepts(session)) this.#drop()
    })
    #isReached = false
    #isLeaving = false

    constructor(config: pg.ClientConfig = {}) {
      super(hosts ? { ...config, connectionTimeoutMillis: hostTimeoutMs } : config)
      this.connection.on('errorMessage', ({ code }: { code?: string }) => {
        // Whoever wrote hears of it first.
        if (code === readOnly) setImmediate(() => this.#drop())
      })
    }

    override connect(): Promise<pg.Client>
    override connect(done: (error: Error | null, client?: pg.Client) => void): void
    override connect(done?: (error: Error | null, client?: pg.Client) => void) {
      const reached = this.#reach()
      if (!done) return reached
      reached.then(() => done(null, this), done)
    }

    override end(): Promise<void>
    override end(done: (error: Error) => void): void
    override end(done?: (error: Error) => void) {
      this.#isLeaving = true
      const patience = setTimeout(() => this.#drop(), goodbyeMs).unref()
      this.once('end', () => clearTimeout(patience))
      return done ? super.end(done) : super.end()
    }

    async #reach(): Promise<pg.Client> {
      const host = await hosts?.find()
      if (host) {
        Object.assign(this, { host: host.host, port: host.port })
        this.connection.once('end', () => this.#isLeaving || hosts?.forget(host))
      }
      // The pool waits for the search as well, and not for ever.
      if (this.connection.stream.destroyed) throw unreached('timeout expired')
      try {
        await super.connect()
        if (!accepts(this.#session)) throw unreached('The server is not what the address wishes (target_session_attrs)')
        this.#isReached = true
        return this
      } catch (error) {
        if (host) hosts?.forget(host)
        void this.end()
        this.#drop()
        throw error
      }
    }

    #drop(): void {
      this.connection.stream.destroy()
    }
  }
}

/** SQLSTATE of a write that is refused because there are none. */
const readOnly = '25006'

/** Keeps what the server says of itself; from PostgreSQL 14 on it does, unasked. */
function hearSession(client: pg.Client, onChange?: (session: Session) => void): Session {
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
function unreached(message: string): Error {
  return Object.assign(new Error(message), { code: '08001' })
}
