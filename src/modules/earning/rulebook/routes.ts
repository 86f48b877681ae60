import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { companiesProblems } from '#modules/companies'
import { amountMax } from '#modules/ledger'
import type { Caller } from '#platform/access'
import { originOf } from '#platform/audit'
import { toInstant } from '#platform/clock'
import { createOnce } from '#platform/create-once'
import { decodeCursor, seqPlace, toPage } from '#platform/cursor'
import type { Sql } from '#platform/database'
import { assertMatches, setEntityTag } from '#platform/entity-tags'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, instant, nullable, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { ruleExamples as examples } from '../examples.ts'
import { earningProblems } from '../problems.ts'
import { assertMay, findSeenCompanies, ruleMakers, ruleReaders } from '../rights.ts'
import type { Terms } from '../rules.ts'
import { changeRule, createRule, getRule, listRules, listVersions, type Rule } from './rulebook.ts'

const daysMax = 36_500
const tags = ['Earning']
const params = Type.Object({ id: publicId('rul') })
const points = (description: string) => nullable(Type.Integer({ minimum: 1, maximum: amountMax, description }))

const rateBasisPoints = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: 'What is earned, in hundredths of a percent of what is paid: 100 is 1 %. Rounded down.',
  examples: [100],
})
const options = {
  minimum: points('The least that has to be paid for anything to be earned.'),
  capPerDay: points('The most that a wallet earns by the rule on one day of the programme.'),
  expiresInDays: nullable(
    Type.Integer({ minimum: 1, maximum: daysMax, description: 'Days until what was earned expires.' }),
  ),
  from: nullable({ ...instant, description: 'What is paid earlier earns nothing by it.' }),
  until: nullable({ ...instant, description: 'What is paid at that instant or later earns nothing by it.' }),
}
const optional = {
  minimum: Type.Optional(options.minimum),
  capPerDay: Type.Optional(options.capPerDay),
  expiresInDays: Type.Optional(options.expiresInDays),
  from: Type.Optional(options.from),
  until: Type.Optional(options.until),
}
const newRule = closedObject({
  companyId: Type.Optional(nullable({ ...publicId('cmp'), description: 'Null for the whole programme.' })),
  rateBasisPoints,
  ...optional,
})
const ruleChange = closedObject({ rateBasisPoints: Type.Optional(rateBasisPoints), ...optional })
const ruleSchema = Type.Object({
  id: publicId('rul'),
  companyId: nullable(publicId('cmp')),
  version: Type.Integer({ examples: [1] }),
  rateBasisPoints,
  ...options,
  since: { ...instant, description: 'From when on the rule is as this version says.' },
  createdAt: instant,
})

interface Options {
  readonly database: { readonly sql: Sql }
  readonly withWork: WithWork
}

/** The routes of the rules by which points are earned. */
export function ruleRoutes(options: Options): RoutesPlugin {
  return async (server) => {
    await server.register(makingRoutes(options))
    await server.register(readingRoutes(options))
  }
}

function makingRoutes({ database, withWork }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/earning-rules',
      config: {
        access: ruleMakers,
        idempotent: true,
        problems: [companiesProblems.companyUnknown],
        example: examples.createEarningRule,
      },
      schema: {
        operationId: 'createEarningRule',
        tags,
        summary: 'Make a rule by which paid points that are spent earn bonus points',
        description:
          'It counts for what is paid from now on. A rule of a company counts there, and goes before those of the ' +
          'programme; of several in force the one that was made last counts.',
        body: newRule,
        response: { 201: ruleSchema },
      },
      async handler(request, reply) {
        const { caller, body } = request
        const companyId = await readCompanyId(database, { caller, text: body.companyId ?? null })
        const input = { companyId, terms: { ...openTerms, ...toTerms(body) } as Terms, origin: originOf(request) }
        const answer = await createOnce(withWork, {
          actor: caller.actor,
          key: request.idempotency,
          run: async (work) => ({ status: 201, body: toRuleBody(await createRule(work, input)) }),
        })
        return sendAnswer(reply, answer)
      },
    })

    server.route({
      method: 'PATCH',
      url: '/v1/earning-rules/:id',
      config: {
        access: ruleMakers,
        tagged: true,
        problems: [earningProblems.ruleUnknown],
        example: examples.changeEarningRule,
      },
      schema: {
        operationId: 'changeEarningRule',
        tags,
        summary: 'Change a rule for what is paid from now on: what is left out stays as it is',
        description: 'The rule has a new version; what was paid before earns by the one that there was then.',
        params,
        body: ruleChange,
        response: { 200: ruleSchema },
      },
      async handler(request, reply) {
        const change = {
          ruleId: (await readRule(database, request, ruleMakers)).ruleId,
          changes: toTerms(request.body),
          origin: originOf(request),
          assertVersion: (version: number) => assertMatches(request, version),
        }
        const rule = await withWork(request.caller.actor, (work) => changeRule(work, change))
        setEntityTag(reply, rule.version)
        return toRuleBody(rule)
      },
    })
  }
}

function readingRoutes({ database }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/earning-rules',
      config: { access: ['operator', 'admin', 'member', 'key:read'], example: examples.listEarningRules },
      schema: {
        operationId: 'listEarningRules',
        tags,
        summary: 'List rules as they are now, newest first',
        description:
          'Everybody sees those of the programme, a key those of its company too, and whoever serves in a company ' +
          'those of the company that `companyId` names.',
        querystring: closedObject({ companyId: Type.Optional(Type.String({ maxLength: 100 })), ...pageQuery }),
        response: { 200: pageOf(ruleSchema) },
      },
      async handler({ caller, query: { companyId, limit, cursor } }) {
        const ofCompany = companyId === undefined ? null : readBodyId(companyId)
        const list = `earning rules, ${JSON.stringify([caller.actor, ofCompany])}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('rul', id))
        const companyIds = await findSeenCompanies(database, { caller, companyId: ofCompany })
        const rules = await listRules(database, { companyIds, ofCompany, after, limit: limit + 1 })
        return toPage(rules, { list, limit, placeOf: ({ ruleId }) => toPublicId('rul', ruleId), toItem: toRuleBody })
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/earning-rules/:id',
      config: {
        access: ruleReaders,
        tagged: true,
        problems: [earningProblems.ruleUnknown],
        example: examples.getEarningRule,
      },
      schema: {
        operationId: 'getEarningRule',
        tags,
        summary: 'A rule as it is now',
        params,
        response: { 200: ruleSchema },
      },
      async handler(request, reply) {
        const rule = await readRule(database, request, ruleReaders)
        setEntityTag(reply, rule.version)
        return toRuleBody(rule)
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/earning-rules/:id/versions',
      config: {
        access: ruleReaders,
        problems: [earningProblems.ruleUnknown],
        example: examples.listEarningRuleVersions,
      },
      schema: {
        operationId: 'listEarningRuleVersions',
        tags,
        summary: 'How a rule is and was, newest first',
        params,
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(ruleSchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const { ruleId } = await readRule(database, request, ruleReaders)
        const list = `versions of ${ruleId}`
        const before = decodeCursor(list, cursor, seqPlace)
        const versions = await listVersions(database, { ruleId, before, limit: limit + 1 })
        return toPage(versions, { list, limit, placeOf: ({ version }) => String(version), toItem: toRuleBody })
      },
    })
  }
}

type Asked = Pick<FastifyRequest, 'caller'> & { readonly params: { readonly id: string } }

/** The rule that a path names. Throws `ruleUnknown` for somebody else's, and `forbidden` for one that is merely seen. */
async function readRule(
  reads: Options['database'],
  { caller, params }: Asked,
  access: readonly string[],
): Promise<Rule> {
  const unknown = earningProblems.ruleUnknown
  const id = fromPublicId('rul', params.id)
  if (!id) throw new Problem(unknown)
  const rule = await getRule(reads, id)
  await assertMay(reads, { access, caller, companyId: rule.companyId, unknown })
  return rule
}

/** The company that a new rule is for; null for the programme, which is not everybody's to make rules for. */
async function readCompanyId(
  reads: Options['database'],
  { caller, text }: { caller: Caller; text: string | null },
): Promise<string | null> {
  const companyId = text === null ? null : readBodyId(text)
  if (companyId === null && caller.actor.type !== 'operator' && !caller.isAdmin)
    throw invalidRequest([{ pointer: '/companyId', detail: companyNeeded }])
  await assertMay(reads, { access: ruleMakers, caller, companyId, unknown: companiesProblems.companyUnknown })
  return companyId
}

function readBodyId(text: string): string {
  const id = fromPublicId('cmp', text)
  if (id === null) throw invalidRequest([{ pointer: '/companyId', detail: noCompanyId }])
  return id
}

const companyNeeded = {
  ko: '프로그램 전체의 규칙은 운영자와 관리자만 만들 수 있습니다. 회사의 ID를 보내 주십시오.',
  en: 'Rules of the whole programme are made by the operator and administrators. Send the id of your company.',
}
const noCompanyId = { ko: 'cmp_로 시작하는 ID여야 합니다.', en: 'Must be an id that begins with cmp_.' }

const openTerms = { minimum: null, capPerDay: null, expiresInDays: null, from: null, until: null }

/** What is given of the terms. */
function toTerms({ from, until, ...body }: Static<typeof ruleChange> & { companyId?: unknown }): Partial<Terms> {
  const { companyId: _, ...terms } = body
  return {
    ...terms,
    ...(from !== undefined && { from: toBound(from) }),
    ...(until !== undefined && { until: toBound(until) }),
  }
}

function toBound(text: string | null): Date | null {
  return text === null ? null : toInstant(text)
}

function toRuleBody({ ruleId, companyId, since, createdAt, from, until, ...rule }: Rule) {
  return {
    id: toPublicId('rul', ruleId),
    companyId: companyId && toPublicId('cmp', companyId),
    version: rule.version,
    rateBasisPoints: rule.rateBasisPoints,
    minimum: rule.minimum,
    capPerDay: rule.capPerDay,
    expiresInDays: rule.expiresInDays,
    from: from?.toISOString() ?? null,
    until: until?.toISOString() ?? null,
    since: since.toISOString(),
    createdAt: createdAt.toISOString(),
  }
}
