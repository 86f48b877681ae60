import Type from 'typebox'
import { identityProblems, type MemberSearch } from '#modules/identity'
import { originOf } from '#platform/audit'
import { createOnce } from '#platform/create-once'
import { decodeCursor, toPage } from '#platform/cursor'
import type { Database } from '#platform/database'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { httpProblems, invalidRequest } from '#platform/http-problems'
import { closedObject, instant, nullable, oneOf, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { apiKeyRoutes } from './api-key-routes.ts'
import {
  type Company,
  type CompanyMember,
  createCompany,
  createCompanyMember,
  getCompany,
  listCompanies,
  listCompanyMembers,
} from './companies.ts'
import { examples } from './examples.ts'
import { memberRoutes } from './member-routes.ts'
import { chooseOnOverload, overloadChoices, type Queuing } from './overload.ts'
import { companiesProblems } from './problems.ts'
import { toDigits, toHyphenated } from './registration-number.ts'
import { founders, managers, readCompanyId, readers } from './rights.ts'
import { externalId, memberSchema, nickname, toCompanyMemberBody, toMemberBody } from './schemas.ts'
import { staffRoutes } from './staff-routes.ts'

const wallet = Type.Object({ id: publicId('wlt') })
const name = Type.String({ 'x-text': 'line', minLength: 1, maxLength: 100, examples: ['Podo Coffee'] })
const email = Type.String({ format: 'email', maxLength: 254, examples: ['grape@example.com'] })
const feeRate = Type.Number({
  minimum: 0,
  maximum: 1,
  'x-step': 0.0001,
  description: 'Of what is spent at the company, the part that the programme keeps: 0.025 is 2.5 %; 0 by default.',
  examples: [0.025],
})

const onOverload = oneOf(overloadChoices, {
  description:
    'What becomes of what its keys ask for that moves points while there is no room for it, or no database: it is ' +
    'answered 503 (`refuse`), or taken on with 202, and carried out later (`queue`).',
  examples: ['queue'],
})

const companySchema = Type.Object({
  id: publicId('cmp'),
  name,
  registrationNumber: Type.String({ examples: ['123-45-67891'] }),
  feeRate,
  onOverload,
  wallet,
  createdAt: instant,
})

const newCompany = closedObject({
  name,
  registrationNumber: Type.String({
    format: 'business-registration-number',
    description: 'A Korean business registration number: ten digits with a valid check digit, hyphens optional.',
    examples: ['123-45-67891'],
  }),
  feeRate: Type.Optional(feeRate),
})

const newMember = closedObject({
  nickname,
  email: Type.Optional(nullable(email)),
  externalId: Type.Optional(nullable(externalId)),
})

const companyParams = Type.Object({ id: publicId('cmp') })

interface Options {
  readonly database: Database
  readonly search: MemberSearch
  readonly withWork: WithWork
  readonly queuing: Queuing
  /** Whether people who sign in may make companies. */
  readonly byMembers: boolean
}

/** The routes of companies and their members. */
export function companiesRoutes(options: Options): RoutesPlugin {
  return async (server) => {
    await server.register(companyRoutes(options))
    await server.register(choiceRoutes(options))
    await server.register(companyMemberRoutes(options))
    await server.register(memberRoutes(options))
    await server.register(staffRoutes(options))
    await server.register(apiKeyRoutes(options))
  }
}

function companyRoutes({ database, withWork, byMembers }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/companies',
      config: {
        access: founders,
        idempotent: true,
        problems: [companiesProblems.registrationNumberTaken],
        example: examples.createCompany,
      },
      schema: {
        operationId: 'createCompany',
        tags: ['Companies'],
        summary: 'Make a company, with its wallet',
        description:
          'Somebody who signed in may do so where the programme lets them (403 otherwise), and becomes the OWNER; the ' +
          'fee rate is the affair of the operator.',
        body: newCompany,
        response: { 201: companySchema },
      },
      async handler(request, reply) {
        const { name, registrationNumber, feeRate = 0 } = request.body
        const { actor } = request.caller
        if (actor.type === 'member') assertMayFound(request.body, byMembers)
        const ownerId = actor.type === 'member' ? actor.id : null
        const company = { name, registrationNumber: toDigits(registrationNumber)!, feeRate }
        const input = { ...company, ownerId, origin: originOf(request) }
        const answer = await createOnce(withWork, {
          actor,
          key: request.idempotency,
          run: async (work) => ({ status: 201, body: toCompanyBody(await createCompany(work, input)) }),
        })
        return sendAnswer(reply, answer)
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/companies',
      config: { access: ['operator', 'admin'], example: examples.listCompanies },
      schema: {
        operationId: 'listCompanies',
        tags: ['Companies'],
        summary: 'List companies, newest first',
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(companySchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const list = 'companies'
        const after = decodeCursor(list, cursor, (id) => fromPublicId('cmp', id))
        const companies = await listCompanies(database, { after, limit: limit + 1 })
        return toPage(companies, { list, limit, placeOf: ({ id }) => toPublicId('cmp', id), toItem: toCompanyBody })
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/companies/:id',
      config: { access: readers, problems: [companiesProblems.companyUnknown], example: examples.getCompany },
      schema: {
        operationId: 'getCompany',
        tags: ['Companies'],
        summary: 'One company',
        params: companyParams,
        response: { 200: companySchema },
      },
      handler: async (request) => toCompanyBody(await getCompany(database, await readCompanyId(database, request))),
    })
  }
}

function choiceRoutes({ database, withWork, queuing }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'PATCH',
      url: '/v1/companies/:id',
      config: { access: managers, problems: [companiesProblems.companyUnknown], example: examples.changeCompany },
      schema: {
        operationId: 'changeCompany',
        tags: ['Companies'],
        summary: 'Choose what becomes of requests that there is no room for',
        description: 'Every process goes by it within a few seconds.',
        params: companyParams,
        body: closedObject({ onOverload }),
        response: { 200: companySchema },
      },
      async handler(request) {
        const { onOverload } = request.body
        const input = { companyId: await readCompanyId(database, request), onOverload, origin: originOf(request) }
        const company = await withWork(request.caller.actor, (work) => chooseOnOverload(work, input))
        await queuing.refresh()
        return toCompanyBody(company)
      },
    })
  }
}

function companyMemberRoutes({ database, withWork }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/companies/:id/members',
      config: {
        access: [...managers, 'key:members'],
        idempotent: true,
        problems: [companiesProblems.companyUnknown, identityProblems.externalIdTaken],
        example: examples.createMember,
      },
      schema: {
        operationId: 'createMember',
        tags: ['Members'],
        summary: 'Make a member of a company, with a wallet',
        params: companyParams,
        body: newMember,
        response: { 201: memberSchema },
      },
      async handler(request, reply) {
        const { nickname, email = null, externalId = null } = request.body
        const input = { companyId: await readCompanyId(database, request), nickname, email, externalId }
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          run: async (work) => ({
            status: 201,
            body: toMemberBody(await createCompanyMember(work, input)),
          }),
        })
        return sendAnswer(reply, answer)
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/companies/:id/members',
      config: { access: readers, problems: [companiesProblems.companyUnknown], example: examples.listMembers },
      schema: {
        operationId: 'listMembers',
        tags: ['Members'],
        summary: 'List the members of a company, newest first',
        params: companyParams,
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(memberSchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const company = await readCompanyId(database, request)
        const list = `members of ${company}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('mem', id))
        const members = await listCompanyMembers(database, { companyId: company, after, limit: limit + 1 })
        const toItem = (member: CompanyMember) =>
          toCompanyMemberBody(member, { caller: request.caller, companyId: company })
        return toPage(members, { list, limit, placeOf: ({ id }) => toPublicId('mem', id), toItem })
      },
    })
  }
}

/** Throws where people who sign in make no companies, and for what only the operator decides. */
function assertMayFound({ feeRate }: { feeRate?: number }, byMembers: boolean): void {
  if (!byMembers) throw new Problem(httpProblems.forbidden)
  if (feeRate === undefined) return
  const detail = { ko: '수수료율은 운영자가 정합니다.', en: 'The fee rate is decided by the operator.' }
  throw invalidRequest([{ pointer: '/feeRate', detail }])
}

function toCompanyBody(company: Company) {
  return {
    id: toPublicId('cmp', company.id),
    name: company.name,
    registrationNumber: toHyphenated(company.registrationNumber),
    feeRate: company.feeRate,
    onOverload: company.onOverload,
    wallet: { id: toPublicId('wlt', company.walletId) },
    createdAt: company.createdAt.toISOString(),
  }
}
