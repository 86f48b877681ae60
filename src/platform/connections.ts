import type { Socket } from 'node:net'
import pg from 'pg'
import {
  type Accepts,
  accepting,
  type Hosts,
  hearSession,
  hostTimeoutMs,
  openHosts,
  unreached,
} from './postgres-hosts.ts'
import { parsePostgresUrl } from './postgres-url.ts'

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

/** A server that is hung never says goodbye. */
const goodbyeMs = 1_000
/** SQLSTATE of a write that is refused because there are none. */
const readOnly = '25006'

function clientFor(hosts: Hosts | null, accepts: Accepts): Connection['Client'] {
  return class extends pg.Client {
    readonly #session = hearSession(this, (session) => {
      if (this.#isReached && !accepts(session)) this.#drop()
    })
    #isReached = false
    #isLeaving = false

    constructor(config: pg.ClientConfig = {}) {
      super(hosts ? { ...config, connectionTimeoutMillis: hostTimeoutMs } : config)
      // Unheard, a connection that breaks while nobody asks it anything would end the process.
      this.on('error', () => {})
      this.connection.on('errorMessage', ({ code }: { code?: string }) => {
        // Whoever wrote hears of it first.
        if (code === readOnly) setImmediate(() => this.#drop())
      })
    }

    override connect(): Promise<pg.Client>
    override connect(done: (error: Error | null, client?: pg.Client) => void): void
    override connect(done?: (error: Error | null, client?: pg.Client) => void) {
      const reached = hosts ? this.#reachAny(hosts) : this.#reach()
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

    async #reachAny(hosts: Hosts): Promise<pg.Client> {
      const host = await hosts.find()
      this.host = host.host
      this.port = host.port
      // The pool waits for the search as well, and not for ever.
      if (this.connection.stream.destroyed) throw unreached('timeout expired')
      let unwatch = () => {}
      // Before pg's own listener, at which a pool says goodbye to what has broken.
      this.connection.once('end', () => {
        unwatch()
        if (!this.#isLeaving) hosts.forget(host)
      })
      try {
        await this.#reach()
      } catch (error) {
        hosts.forget(host)
        throw error
      }
      const heard = () => (isAwaiting(this) ? (this.connection.stream as Socket).bytesRead : null)
      unwatch = hosts.watch({ host, heard, drop: () => this.#drop() })
      return this
    }

    async #reach(): Promise<pg.Client> {
      try {
        await super.connect()
        if (!accepts(this.#session)) throw unreached('The server is not what the address wishes (target_session_attrs)')
        this.#isReached = true
        return this
      } catch (error) {
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

/** Whether an answer is outstanding, as pg notes it for itself. */
function isAwaiting(client: pg.Client): boolean {
  return (client as { readyForQuery?: boolean }).readyForQuery === false
}
