import Type from 'typebox'
import { identityProblems } from '#modules/identity'
import { admits } from '#platform/access'
import type { Database } from '#platform/database'
import type { RoutesPlugin } from '#platform/http'
import { publicId } from '#platform/http-schema'
import { fromPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { getMember } from './companies.ts'
import { examples } from './examples.ts'
import { readers, readTies } from './rights.ts'
import { memberSchema, toMemberBody, toPublicBody } from './schemas.ts'

/** The routes of members, whoever made them. */
export function memberRoutes({ database }: { readonly database: Database }): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/members/:id',
      config: {
        access: [...readers, 'member'],
        problems: [identityProblems.memberUnknown],
        example: examples.getMember,
      },
      schema: {
        operationId: 'getMember',
        tags: ['Members'],
        summary: 'One member',
        description:
          'The operator, administrators, the company that made the member, and oneself see everything. Whoever signs in ' +
          'sees of others who sign in `id`, `nickname`, `bio` and `createdAt`; all other fields are null.',
        params: Type.Object({ id: publicId('mem') }),
        response: { 200: memberSchema },
      },
      async handler({ caller, params }) {
        const member = await getMember(database, readMemberId(params.id))
        const { companyId } = member
        const ties = companyId === null ? new Set<string>() : await readTies(database, { caller, companyId })
        const isOneself = caller.actor.type === 'member' && caller.actor.id === member.id
        if (isOneself || admits(readers, { caller, ties })) return toMemberBody(member)
        const isPublic = companyId === null && member.leftAt === null
        if (isPublic && caller.actor.type === 'member') return toPublicBody(member)
        throw new Problem(identityProblems.memberUnknown)
      },
    })
  }
}

/** The UUID of a member that a path names; throws `memberUnknown`. */
export function readMemberId(text: string): string {
  const id = fromPublicId('mem', text)
  if (!id) throw new Problem(identityProblems.memberUnknown)
  return id
}
