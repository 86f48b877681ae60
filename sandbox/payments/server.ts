import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Port, StandIn } from './floor.ts'

/** A stand-in on a port of its own. */
export interface Listening extends Port {
  /** Without a slash at its end; the stand-in's own base is part of it. */
  readonly url: string
  /** Closes the port; the stand-in stays open. */
  close(): Promise<void>
}

/** Opens a port for a stand-in; without a number, one that is free. */
export async function listen(
  { app, base, ports }: StandIn,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<Listening> {
  let server = createServer(calm, app.routing)
  await bind(server, { host, port })
  const { port: bound } = server.address() as AddressInfo
  const refuse = async () => {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  const own: Port = {
    refuse,
    async admit() {
      if (server.listening) return
      server = createServer(calm, app.routing)
      await bind(server, { host, port: bound })
    },
  }
  ports.add(own)
  return {
    ...own,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}${base}`,
    async close() {
      ports.delete(own)
      await refuse()
    },
  }
}

/** Connections that idle are kept for longer than callers keep them: what is cut off is cut off by a fault. */
const calm = { keepAliveTimeout: 72_000 }

function bind(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** A stand-in as routes of a server that has others too, under the base that it was opened with. */
export function standInRoutes({ app, base }: StandIn): FastifyPluginAsync {
  return async (server) => {
    // The stand-in reads the body itself, and its faults have the socket to themselves.
    server.removeAllContentTypeParsers()
    server.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const handler = (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack()
      app.routing(request.raw, reply.raw)
    }
    const route = { config: { access: 'public' as const }, schema: { hide: true } as object, handler }
    for (const url of [`${base}/v1/*`, `${base}/sandbox`, `${base}/sandbox/*`]) {
      for (const method of ['GET', 'POST', 'DELETE'] as const) server.route({ ...route, method, url })
    }
  }
}
