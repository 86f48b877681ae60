import Type from 'typebox'
import { companiesProblems, findCompanies, readCompanyId } from '#modules/companies'
import { amountMax, ledgerProblems } from '#modules/ledger'
import { createOnce } from '#platform/create-once'
import { decodeCursor, toPage } from '#platform/cursor'
import type { Database } from '#platform/database'
import { type HttpServer, type RoutesPlugin, sendAnswer } from '#platform/http'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, instant, nullable, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { type Earning, type EarningSettings, earnElsewhere, listEarnings, refundElsewhere } from './earning.ts'
import { earningExamples as examples } from './examples.ts'
import { earningProblems } from './problems.ts'
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

/** Who gives points for what was paid elsewhere, and who looks at what was earned. */
const givers = ['operator', 'key:points'] as const
const readers = ['operator', 'admin', 'company-owner', 'company-staff', 'key:read'] as const

/** What the routes of earning need from the composition root. */
export interface EarningRoutesOptions {
  readonly database: Database
  readonly withWork: WithWork
  readonly settings: EarningSettings
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

function addEarning(server: HttpServer, { database, withWork, settings }: EarningRoutesOptions): void {
  server.route({
    method: 'POST',
    url: '/v1/companies/:id/earnings',
    config: {
      access: givers,
      idempotent: true,
      problems: [
        companiesProblems.companyUnknown,
        earningProblems.memberNotOfCompany,
        earningProblems.noRule,
        earningProblems.referenceUsed,
        ledgerProblems.walletClosed,
        ledgerProblems.balanceLimit,
      ],
      example: examples.createEarning,
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
      response: { 201: earningSchema },
    },
    async handler(request, reply) {
      const companyId = await readCompanyId(database, request)
      await assertCompany(database, companyId)
      const { amount, reference } = request.body
      const memberId = readMemberId(request.body.memberId)
      const by = { purchase: { companyId, memberId, amount, reference }, settings }
      const answer = await createOnce(withWork, {
        actor: request.caller.actor,
        key: request.idempotency,
        run: async (work) => ({ status: 201, body: toEarningBody(await earnElsewhere(work, by)) }),
      })
      return sendAnswer(reply, answer)
    },
  })
}

function addRefund(server: HttpServer, { database, withWork, settings }: EarningRoutesOptions): void {
  server.route({
    method: 'POST',
    url: '/v1/companies/:id/earnings/:earningId/refunds',
    config: {
      access: givers,
      idempotent: true,
      problems: [
        companiesProblems.companyUnknown,
        earningProblems.earningUnknown,
        earningProblems.notByReference,
        earningProblems.refundTooLarge,
      ],
      example: examples.refundEarning,
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
      response: { 201: earningSchema },
    },
    async handler(request, reply) {
      const companyId = await readCompanyId(database, request)
      const earningId = fromPublicId('ern', request.params.earningId)
      if (!earningId) throw new Problem(earningProblems.earningUnknown)
      const by = { companyId, earningId, amount: request.body.amount ?? null, settings }
      const answer = await createOnce(withWork, {
        actor: request.caller.actor,
        key: request.idempotency,
        run: async (work) => ({ status: 201, body: toEarningBody(await refundElsewhere(work, by)) }),
      })
      return sendAnswer(reply, answer)
    },
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
      await assertCompany(database, companyId)
      const list = `earnings of ${companyId}`
      const after = decodeCursor(list, cursor, (id) => fromPublicId('ern', id))
      const earnings = await listEarnings(database, { companyId, after, limit: limit + 1 })
      return toPage(earnings, { list, limit, placeOf: ({ id }) => toPublicId('ern', id), toItem: toEarningBody })
    },
  })
}

async function assertCompany(database: Database, companyId: string): Promise<void> {
  const [company] = await findCompanies(database, [companyId])
  if (!company) throw new Problem(companiesProblems.companyUnknown)
}

function readMemberId(text: string): string {
  const id = fromPublicId('mem', text)
  if (id === null) throw invalidRequest([{ pointer: '/memberId', detail: noMemberId }])
  return id
}

const noMemberId = { ko: 'mem_로 시작하는 ID여야 합니다.', en: 'Must be an id that begins with mem_.' }

function toEarningBody({ id, companyId, walletId, memberId, spendId, transferId, ...earning }: Earning) {
  const { reference, base, refunded, earned, takenBack, refusal, createdAt } = earning
  return {
    id: toPublicId('ern', id),
    companyId: toPublicId('cmp', companyId),
    walletId: toPublicId('wlt', walletId),
    memberId: memberId && toPublicId('mem', memberId),
    spendId: spendId && toPublicId('trf', spendId),
    reference,
    amount: base,
    refunded,
    earned,
    takenBack,
    transferId: transferId && toPublicId('trf', transferId),
    rule: { id: toPublicId('rul', earning.ruleId), version: earning.ruleVersion },
    refusal,
    createdAt: createdAt.toISOString(),
  }
}
