import Type from 'typebox'
import { identityProblems } from '#modules/identity'
import { originOf } from '#platform/audit'
import { decodeCursor, toPage } from '#platform/cursor'
import type { Database } from '#platform/database'
import type { RoutesPlugin } from '#platform/http'
import { closedObject, instant, oneOf, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import type { WithWork } from '#platform/work'
import { examples } from './examples.ts'
import { readMemberId } from './member-routes.ts'
import { changeRole, endMembership, listOwnCompanies, type OwnCompany } from './memberships.ts'
import { companiesProblems } from './problems.ts'
import { managers, readCompanyId } from './rights.ts'
import { memberSchema, roles, toCompanyMemberBody } from './schemas.ts'

const newRole = closedObject({ role: oneOf(roles, { description: 'OWNER manages, STAFF serves, MEMBER spends.' }) })
const params = Type.Object({ id: publicId('cmp'), memberId: publicId('mem') })
const ownCompanySchema = Type.Object({
  id: publicId('cmp'),
  name: Type.String({ examples: ['Podo Coffee'] }),
  role: oneOf(roles),
  since: instant,
})

/** The routes of who serves in a company. */
export function staffRoutes({ database, withWork }: { database: Database; withWork: WithWork }): RoutesPlugin {
  return async (server) => {
    await server.register(ownCompaniesRoute(database))

    server.route({
      method: 'PUT',
      url: '/v1/companies/:id/members/:memberId/role',
      config: {
        access: managers,
        problems: [companiesProblems.companyUnknown, identityProblems.memberUnknown, companiesProblems.lastOwner],
        example: examples.changeRole,
      },
      schema: {
        operationId: 'changeRole',
        tags: ['Members'],
        summary: 'Give a member a role in the company, or take somebody in who signs in',
        description:
          'Of the owners who sign in one remains one, unless the operator decides otherwise; but whoever wants to go may.',
        params,
        body: newRole,
        response: { 200: memberSchema },
      },
      async handler(request) {
        const companyId = await readCompanyId(database, request)
        const { role } = request.body
        const input = { companyId, memberId: readMemberId(request.params.memberId), role, origin: originOf(request) }
        const member = await withWork(request.caller.actor, (work) => changeRole(work, input))
        return toCompanyMemberBody(member, { caller: request.caller, companyId })
      },
    })

    server.route({
      method: 'DELETE',
      url: '/v1/companies/:id/members/:memberId',
      config: {
        access: [...managers, 'owner'],
        problems: [
          companiesProblems.companyUnknown,
          identityProblems.memberUnknown,
          companiesProblems.lastOwner,
          companiesProblems.memberStays,
        ],
      },
      schema: {
        operationId: 'endMembership',
        tags: ['Members'],
        summary: 'Take somebody who signed up out of the company, in force with the next request',
        description: 'Everybody may go by themselves, whatever their role.',
        params,
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const companyId = await readCompanyId(database, request)
        const input = { companyId, memberId: readMemberId(request.params.memberId), origin: originOf(request) }
        await withWork(request.caller.actor, (work) => endMembership(work, input))
        return reply.code(204).send(null)
      },
    })
  }
}

function ownCompaniesRoute(database: Database): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/me/companies',
      config: { access: ['member'], example: examples.listOwnCompanies },
      schema: {
        operationId: 'listOwnCompanies',
        tags: ['Companies'],
        summary: 'Where one serves, and as what',
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(ownCompanySchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const memberId = request.caller.actor.id!
        const list = `companies of ${memberId}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('cmp', id))
        const companies = await listOwnCompanies(database, { memberId, after, limit: limit + 1 })
        return toPage(companies, { list, limit, placeOf: ({ id }) => toPublicId('cmp', id), toItem: toOwnCompanyBody })
      },
    })
  }
}

function toOwnCompanyBody({ id, name, role, since }: OwnCompany) {
  return { id: toPublicId('cmp', id), name, role, since: since.toISOString() }
}
