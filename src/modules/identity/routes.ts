import type { RoutesPlugin } from '#platform/http'
import { accountRoutes } from './accounts/routes.ts'
import { linkRoutes } from './links/routes.ts'
import type { People } from './people.ts'
import { profileRoutes } from './profiles/routes.ts'
import { roleRoutes } from './role-routes.ts'
import { sessionRoutes } from './sessions/routes.ts'
import { socialRoutes } from './social/routes.ts'

/** The routes of people who sign in. */
export function identityRoutes(people: People): RoutesPlugin {
  return async (server) => {
    await server.register(accountRoutes(people))
    await server.register(profileRoutes(people))
    await server.register(sessionRoutes(people))
    await server.register(roleRoutes(people))
    await server.register(linkRoutes(people))
    await server.register(socialRoutes(people))
  }
}
