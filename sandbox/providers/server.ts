import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Providers } from './index.ts'

/** The stand-ins as routes of a server that has others too; `origin` is where people reach it. */
export function providerRoutes(providers: Providers, origin: string): FastifyPluginAsync {
  return async (server) => {
    server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) =>
      done(null, text),
    )
    for (const { method, path: url } of providers.routes) {
      server.route({
        method,
        url,
        config: { access: 'public' },
        schema: { hide: true } as object,
        async handler(request, reply) {
          const answer = await providers.handle(toRequest(request, { method, origin }))
          reply.code(answer.status).headers(Object.fromEntries(answer.headers))
          return reply.send(Buffer.from(await answer.arrayBuffer()))
        },
      })
    }
  }
}

/** The stand-ins on a port of their own, on this machine. */
export async function listenProviders(providers: Providers): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const answer = await providers.handle(await readRequest(request))
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    for await (const part of answer.body ?? []) {
      // Whoever asked has left: an answer that drips goes on for nobody.
      if (response.destroyed) break
      response.write(part)
    }
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function toRequest(request: FastifyRequest, { method, origin }: { method: string; origin: string }): Request {
  const { raw, headers, body } = request
  const given = typeof body === 'string' ? { body } : {}
  return new Request(new URL(raw.url!, origin), { method, headers: toHeaders(headers), ...given })
}

async function readRequest(request: IncomingMessage): Promise<Request> {
  const { method = 'GET', url = '/', headers } = request
  const body = Buffer.concat(await Array.fromAsync(request)).toString()
  const given = method === 'POST' ? { body } : {}
  return new Request(new URL(url, `http://${headers.host}`), { method, headers: toHeaders(headers), ...given })
}

/** Those that a stand-in looks at. */
function toHeaders({ authorization, 'accept-language': language }: IncomingMessage['headers']): Headers {
  return new Headers({ ...(authorization && { authorization }), ...(language && { 'accept-language': language }) })
}
