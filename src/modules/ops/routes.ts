import type { RoutesPlugin } from '#platform/http'
import { auditRoutes } from './audit-routes.ts'
import { deadLetterRoutes } from './dead-letters/routes.ts'
import type { Ops } from './ops.ts'
import { statisticsRoutes } from './statistics/routes.ts'

/** The routes of those who run the programme. */
export function opsRoutes(ops: Ops): RoutesPlugin {
  return async (server) => {
    await server.register(auditRoutes(ops))
    await server.register(deadLetterRoutes(ops))
    await server.register(statisticsRoutes(ops))
  }
}
