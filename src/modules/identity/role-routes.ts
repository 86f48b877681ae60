import Type from 'typebox'
import { originOf } from '#platform/audit'
import type { RoutesPlugin } from '#platform/http'
import { closedObject, oneOf, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { roleExamples as examples } from './examples.ts'
import type { People } from './people.ts'
import { identityProblems } from './problems.ts'
import { changeProgrammeRole } from './roles.ts'

const role = oneOf(['USER', 'ADMIN'] as const, { description: 'To an ADMIN the whole programme is entrusted.' })

/** The route of who administers the programme. */
export function roleRoutes({ withWork }: People): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'PUT',
      url: '/v1/members/:id/role',
      config: {
        access: ['operator', 'admin'],
        problems: [identityProblems.memberUnknown, identityProblems.lastAdmin],
        example: examples.changeMemberRole,
      },
      schema: {
        operationId: 'changeMemberRole',
        tags: ['Members'],
        summary: 'Make somebody who signs in an administrator, or no longer; in force with the next request',
        params: Type.Object({ id: publicId('mem') }),
        body: closedObject({ role }),
        response: { 200: Type.Object({ id: publicId('mem'), role }) },
      },
      async handler(request) {
        const memberId = fromPublicId('mem', request.params.id)
        if (!memberId) throw new Problem(identityProblems.memberUnknown)
        const input = { memberId, role: request.body.role, origin: originOf(request) }
        const { member } = await withWork(request.caller.actor, (work) => changeProgrammeRole(work, input))
        return { id: toPublicId('mem', member.id), role: member.isAdmin ? ('ADMIN' as const) : ('USER' as const) }
      },
    })
  }
}
