import type { RoutesPlugin } from '#platform/http'
import { deliveryRoutes } from './deliveries/routes.ts'
import { endpointRoutes } from './endpoints/routes.ts'
import type { Webhooks } from './webhooks.ts'

/** The routes of webhooks. */
export function webhooksRoutes(webhooks: Webhooks): RoutesPlugin {
  return async (server) => {
    await server.register(endpointRoutes(webhooks))
    await server.register(deliveryRoutes(webhooks))
  }
}
