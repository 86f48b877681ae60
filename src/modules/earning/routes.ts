import Type from 'typebox'
import { companiesProblems, findCompanies, readCompanyId } from '#modules/companies'
import { amountMax, ledgerProblems } from '#modules/ledger'
import { decodeCursor, toPage } from '#platform/cursor'
import type { HttpServer, RoutesPlugin } from '#platform/http'
import { closedObject, instant, nullable, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import type { Operations } from '#platform/operations/deferring'
import { operationExample, operationSchema } from '#platform/operations/resources'
import { Problem } from '#platform/problem'
import { listEarnings } from './earning.ts'
import { earningExamples as examples } from './examples.ts'
import type { EarningOptions } from './operations.ts'
import { earningProblems } from './problems.ts'
import { toEarningBody } from './resources.ts'
import { givers } from './rights.ts'
import { ruleRoutes } from './rulebook/routes.ts'

const tags = ['Earning']
const params = Type.Object({ id: publicId('cmp') })
const amount = Type.Integer({
  minimum: 1,
  maximum: amountMax,
  description: 'What was paid, in whole won or whatever the company counts in.',
  examples: [12_500],
})
const reference = Type.String({
  'x-text': 'line',
  minLength: 1,
  maxLength: 200,
  description: "The company's own name of the purchase, such as the number of its receipt: it earns once.",
  examples: ['receipt-1042'],
})
const earningSchema = Type.Object({
  id: publicId('ern'),
  companyId: publicId('cmp'),
  walletId: publicId('wlt'),
  memberId: nullable({ ...publicId('mem'), description: 'Whom the company named; null for a spend of points.' }),
  spendId: nullable({ ...publicId('trf'), description: 'The transfer that spent points, or null.' }),
  reference: nullable(reference),
  amount: { ...amount, description: 'What was paid: of a spend, with paid points.' },
  refunded: Type.Integer({ description: 'What was refunded of it.' }),
  earned: Type.Integer({
    description: 'Bonus points that it earned: 0 below the minimum, or where the cap was reached.',
  }),
  takenBack: Type.Integer({ description: 'What was taken back of them since something was refunded, or cancelled.' }),
  transferId: nullable({ ...publicId('trf'), description: 'The grant; null where nothing was given.' }),
  rule: Type.Object({ id: publicId('rul'), version: Type.Integer() }),
  refusal: nullable(Type.String({ description: 'Why a spend earned nothing by the rule: the type of a problem.' })),
  createdAt: instant,
})

/** Who looks at what was earned. */
const readers = ['operator', 'admin', 'company-owner', 'company-staff', 'key:read'] as const

/** What the routes of earning need from the composition root. */
export interface EarningRoutesOptions extends EarningOptions {
  /** By which what earns is carried out, now or later. */
  readonly operations: Operations
}

/** The routes of earning: its rules, and what was earned. */
export function earningRoutes(options: EarningRoutesOptions): RoutesPlugin {
  return async (server) => {
    await server.register(ruleRoutes(options))
    addEarning(server, options)
    addRefund(server, options)
    addList(server, options)
  }
}

function addEarning(server: HttpServer, { operations }: EarningRoutesOptions): void {
  server.route({
    method: 'POST',
    url: '/v1/companies/:id/earnings',
    config: {
      access: givers,
      idempotent: true,
      outlasts: true,
      problems: [
        companiesProblems.companyUnknown,
        earningProblems.memberNotOfCompany,
        earningProblems.noRule,
        earningProblems.referenceUsed,
        ledgerProblems.walletClosed,
        ledgerProblems.balanceLimit,
      ],
      example: { ...examples.createEarning, later: operationExample },
    },
    schema: {
      operationId: 'createEarning',
      tags,
      summary: 'Give a member what a purchase earns that was paid elsewhere',
      description:
        'By the rule that is in force at the company now. A purchase earns once under its `reference`, whatever the ' +
        'key. What is below the minimum, or over the cap of the day, earns 0: that is answered, and stays so.',
      params,
      body: closedObject({ memberId: publicId('mem'), amount, reference }),
      response: { 201: earningSchema, 202: operationSchema },
    },
    handler: operations.handlerOf('createEarning'),
  })
}

function addRefund(server: HttpServer, { operations }: EarningRoutesOptions): void {
  server.route({
    method: 'POST',
    url: '/v1/companies/:id/earnings/:earningId/refunds',
    config: {
      access: givers,
      idempotent: true,
      outlasts: true,
      problems: [
        companiesProblems.companyUnknown,
        earningProblems.earningUnknown,
        earningProblems.notByReference,
        earningProblems.refundTooLarge,
      ],
      example: { ...examples.refundEarning, later: operationExample },
    },
    schema: {
      operationId: 'refundEarning',
      tags,
      summary: 'Say that a purchase was paid back, whole or in part, and take back what it earned',
      description:
        'Without an amount, all that is left. The same share of what was earned is taken back, as far as it is left: ' +
        'what a hold keeps or the member has spent meanwhile is taken back when it comes back, or never.',
      params: Type.Object({ id: publicId('cmp'), earningId: publicId('ern') }),
      body: closedObject({ amount: Type.Optional({ ...amount, description: 'What was paid back.' }) }),
      response: { 201: earningSchema, 202: operationSchema },
    },
    handler: operations.handlerOf('refundEarning'),
  })
}

function addList(server: HttpServer, { database }: EarningRoutesOptions): void {
  server.route({
    method: 'GET',
    url: '/v1/companies/:id/earnings',
    config: { access: readers, problems: [companiesProblems.companyUnknown], example: examples.listEarnings },
    schema: {
      operationId: 'listEarnings',
      tags,
      summary: 'List what was earned at a company, newest first: by its own rules, and by purchases that it told of',
      params,
      querystring: closedObject(pageQuery),
      response: { 200: pageOf(earningSchema) },
    },
    async handler(request) {
      const { limit, cursor } = request.query
      const companyId = await readCompanyId(database, request)
      const [company] = await findCompanies(database, [companyId])
      if (!company) throw new Problem(companiesProblems.companyUnknown)
      const list = `earnings of ${companyId}`
      const after = decodeCursor(list, cursor, (id) => fromPublicId('ern', id))
      const earnings = await listEarnings(database, { companyId, after, limit: limit + 1 })
      return toPage(earnings, { list, limit, placeOf: ({ id }) => toPublicId('ern', id), toItem: toEarningBody })
    },
  })
}
