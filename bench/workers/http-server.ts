import type { AddressInfo } from 'node:net'
import Type from 'typebox'
import { buildApp } from '#app'
import { readConfig } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { closedObject, publicId } from '#platform/http-schema'
import { fromPublicId } from '#platform/ids'
import { openLog } from '#platform/log'
import { widenYoungGeneration } from '#platform/young-generation'
import { readPath } from '../read-routes.ts'
import { serveTasks } from '../worker.ts'

/** Podo as it is served, in a process of its own. */
export interface HttpServerTask {
  readonly databaseUrl: string
  readonly operatorKey: string
  /** How long the answer of the route is that does nothing. */
  readonly answerLength: number
  /** Beside those of every bench. */
  readonly settings: Readonly<Record<string, string>>
  /** Whether it is a worker too. */
  readonly withBackground: boolean
}

export interface HttpServerGreeting {
  readonly port: number
}

export const noOpPath = '/v1/bench/wallets/:id/no-ops'

serveTasks<HttpServerTask, never>(async (task) => {
  widenYoungGeneration()
  const config = readConfig({ LOG_LEVEL: 'warn', PODO_RATE_LIMITS: 'false', ...task.settings })
  const reads = openDatabase({ url: task.databaseUrl, poolSize: config.poolSize })
  const app = await buildApp({
    config,
    databaseUrl: task.databaseUrl,
    operatorKey: task.operatorKey,
    log: openLog({ level: config.logLevel, write: (line) => process.stderr.write(line) }),
    withProcessMetrics: true,
    withBackground: task.withBackground,
    moreRoutes: async (server) => {
      await server.register(noOpRoute(task.answerLength))
      await server.register(readRoutes(reads))
    },
  })
  await app.server.listen({ host: '127.0.0.1', port: 0, backlog: 2_048 })
  const { port } = app.server.server.address() as AddressInfo
  return {
    greeting: { port } satisfies HttpServerGreeting,
    run: () => Promise.reject(new Error('a server is not run')),
    async close() {
      await app.close()
      await reads.close()
    },
  }
})

/** The same authentication, body and size of answer as a spend, and nothing between them. */
function noOpRoute(answerLength: number): RoutesPlugin {
  const text = Type.Optional(Type.String({ maxLength: 200, 'x-text': 'line' }))
  const answer = JSON.stringify({ padding: 'x'.repeat(Math.max(0, answerLength - '{"padding":""}'.length)) })
  return async (server) => {
    server.route({
      method: 'POST',
      url: noOpPath,
      config: { access: ['operator'], idempotent: true },
      schema: {
        params: Type.Object({ id: publicId('wlt') }),
        body: closedObject({
          amount: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
          merchantId: Type.Optional(publicId('cmp')),
          memberId: Type.Optional(publicId('mem')),
          reason: text,
          reference: text,
          metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        }),
      },
      handler: async (_request, reply) => sendAnswer(reply, { status: 201, body: answer, replayed: false }),
    })
  }
}

/** Routes that read one row by its key, or do nothing, for people who are signed in and for anybody. */
function readRoutes({ sql }: Database): RoutesPlugin {
  return async (server) => {
    for (const does of ['read', 'nothing'] as const) {
      for (const access of ['member', 'anonymous'] as const) {
        server.route({
          method: 'GET',
          url: readPath({ does, access }),
          config: { access: [access] },
          schema: { params: Type.Object({ id: publicId('wlt') }) },
          async handler({ params }) {
            if (does === 'nothing') return params
            const [row] = await sql.rows<{ paid: number }>('select paid from ledger.account where id = $1', [
              fromPublicId('wlt', params.id),
            ])
            return row
          },
        })
      }
    }
  }
}
