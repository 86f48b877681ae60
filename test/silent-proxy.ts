import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Scope } from './harness.ts'

/** A way to PostgreSQL that can fall silent: connections stay open, and nothing comes through any more. */
export interface SilentProxy {
  /** The address to connect to instead of the server's. */
  readonly url: string
  /** Connections made so far. */
  connections(): number
  /** From now on what is sent goes nowhere, on old connections and on new ones. */
  fallSilent(): void
  /** New connections lead to the server again; what was silenced stays so. */
  speak(): void
  /** Breaks every connection and takes no more. */
  close(): Promise<void>
}

/** Listens on a port of this machine, before the server of `url`. */
export async function openSilentProxy(scope: Scope, url: string): Promise<SilentProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let isSilent = false
  let connections = 0
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    connections += 1
    keep(client)
    if (isSilent) return
    const server = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    keep(server)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('data', (bytes) => isSilent || to.write(bytes))
      from.on('end', () => isSilent || to.end())
      from.on('close', () => isSilent || to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (!listener.listening) return
    listener.close()
    await once(listener, 'close')
  }
  scope.after(close)
  const own = new URL(url)
  own.hostname = '127.0.0.1'
  own.port = String((listener.address() as AddressInfo).port)
  return {
    url: own.href,
    connections: () => connections,
    fallSilent() {
      isSilent = true
    },
    speak() {
      // Who was silenced is gone for good: half of what was said is missing.
      isSilent = false
    },
    close,
  }
}
