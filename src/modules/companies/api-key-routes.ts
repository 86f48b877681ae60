import Type from 'typebox'
import {
  type ApiKey,
  createApiKey,
  getApiKey,
  identityProblems,
  listApiKeys,
  type MadeApiKey,
  revokeApiKey,
  rotateApiKey,
  scopes,
} from '#modules/identity'
import { originOf } from '#platform/audit'
import { toInstant } from '#platform/clock'
import { type Created, createOnce } from '#platform/create-once'
import { decodeCursor, toPage } from '#platform/cursor'
import type { Database } from '#platform/database'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { closedObject, instant, nullable, oneOf, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { getCompany } from './companies.ts'
import { apiKeyExamples as examples } from './examples.ts'
import { companiesProblems } from './problems.ts'
import { assertMayGrant, managers, readCompanyId } from './rights.ts'

const overlapSecondsDefault = 86_400
const overlapSecondsMax = 2_592_000

const name = Type.String({ 'x-text': 'line', minLength: 1, maxLength: 100, examples: ['till 1'] })
const network = Type.String({ format: 'network', examples: ['203.0.113.0/24'] })
const apiKeySchema = Type.Object({
  id: publicId('key'),
  name,
  prefix: Type.String({ description: 'How the secret begins.', examples: ['podo_sk_h3Xw9a'] }),
  secret: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Shown once, in the first answer to making the key; null everywhere else.',
  }),
  scopes: Type.Array(oneOf(scopes)),
  networks: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: network }),
  createdAt: instant,
  expiresAt: nullable(instant),
  revokedAt: nullable(instant),
  lastUsedAt: nullable(Type.String({ format: 'date-time', description: 'To the minute or so.' })),
  successorId: nullable(Type.String({ description: 'The key that took its place.' })),
})
const newApiKey = closedObject({
  name,
  scopes: Type.Optional(Type.Array(oneOf(scopes), { minItems: 1, uniqueItems: true })),
  expiresAt: Type.Optional(instant),
  networks: Type.Optional(
    Type.Array(network, { minItems: 1, maxItems: 20, description: 'Where it may be used from; everywhere without.' }),
  ),
})
const rotation = closedObject({
  overlapSeconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: overlapSecondsMax,
      default: overlapSecondsDefault,
      description: 'How much longer the key is valid beside its successor.',
    }),
  ),
})
const scopesDefault = ['read', 'points'] as const

const tags = ['API keys']

/** The routes of the keys that a company's servers call with. */
export function apiKeyRoutes(options: Options): RoutesPlugin {
  return async (server) => {
    await server.register(makingRoutes(options))
    await server.register(keepingRoutes(options))
  }
}

interface Options {
  readonly database: Database
  readonly withWork: WithWork
}

function makingRoutes({ database, withWork }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/companies/:id/api-keys',
      config: {
        access: managers,
        idempotent: true,
        problems: [
          companiesProblems.companyUnknown,
          companiesProblems.scopeReserved,
          identityProblems.keyExpiresInPast,
        ],
        example: examples.createApiKey,
      },
      schema: {
        operationId: 'createApiKey',
        tags,
        summary: 'Make an API key for a company',
        description: 'The secret is in the first answer only: a replay has `null` in its place.',
        params: Type.Object({ id: publicId('cmp') }),
        body: newApiKey,
        response: { 201: apiKeySchema },
      },
      async handler(request, reply) {
        const companyId = await readCompanyId(database, request)
        const { name, networks = null, expiresAt, scopes: asked = scopesDefault } = request.body
        assertMayGrant(request.caller, asked)
        const input = {
          name,
          scopes: asked,
          networks,
          expiresAt: expiresAt === undefined ? null : toInstant(expiresAt),
          origin: originOf(request),
        }
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          async run(work) {
            await getCompany(work, companyId)
            return toCreated(await createApiKey(work, { companyId, ...input }))
          },
        })
        return sendAnswer(reply, answer)
      },
    })

    server.route({
      method: 'POST',
      url: '/v1/companies/:id/api-keys/:keyId/rotation',
      config: {
        access: managers,
        idempotent: true,
        problems: [
          companiesProblems.companyUnknown,
          companiesProblems.scopeReserved,
          identityProblems.apiKeyUnknown,
          identityProblems.apiKeyEnded,
        ],
        example: examples.rotateApiKey,
      },
      schema: {
        operationId: 'rotateApiKey',
        tags,
        summary: 'Make a successor of a key; for a while both are valid',
        params: Type.Object({ id: publicId('cmp'), keyId: publicId('key') }),
        body: rotation,
        response: { 201: apiKeySchema },
      },
      async handler(request, reply) {
        const { overlapSeconds = overlapSecondsDefault } = request.body
        const path = await readKeyPath(database, request)
        assertMayGrant(request.caller, (await getApiKey(database, path)).scopes)
        const input = { ...path, overlapSeconds, origin: originOf(request) }
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          run: async (work) => toCreated(await rotateApiKey(work, input)),
        })
        return sendAnswer(reply, answer)
      },
    })
  }
}

function keepingRoutes({ database, withWork }: Options): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/companies/:id/api-keys',
      config: { access: managers, problems: [companiesProblems.companyUnknown], example: examples.listApiKeys },
      schema: {
        operationId: 'listApiKeys',
        tags,
        summary: 'List the keys of a company, newest first, those that have ended among them',
        params: Type.Object({ id: publicId('cmp') }),
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(apiKeySchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const companyId = await readCompanyId(database, request)
        await getCompany(database, companyId)
        const list = `API keys of ${companyId}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('key', id))
        const apiKeys = await listApiKeys(database, { companyId, after, limit: limit + 1 })
        const toItem = (apiKey: ApiKey) => toApiKeyBody(apiKey)
        return toPage(apiKeys, { list, limit, placeOf: ({ id }) => toPublicId('key', id), toItem })
      },
    })

    server.route({
      method: 'DELETE',
      url: '/v1/companies/:id/api-keys/:keyId',
      config: { access: managers, problems: [companiesProblems.companyUnknown, identityProblems.apiKeyUnknown] },
      schema: {
        operationId: 'revokeApiKey',
        tags,
        summary: 'End a key at once, in every process',
        params: Type.Object({ id: publicId('cmp'), keyId: publicId('key') }),
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const input = { ...(await readKeyPath(database, request)), origin: originOf(request) }
        await withWork(request.caller.actor, (work) => revokeApiKey(work, input))
        return reply.code(204).send(null)
      },
    })
  }
}

async function readKeyPath(
  reads: Database,
  request: Parameters<typeof readCompanyId>[1] & { readonly params: { readonly keyId: string } },
): Promise<{ companyId: string; keyId: string }> {
  const companyId = await readCompanyId(reads, request)
  const keyId = fromPublicId('key', request.params.keyId)
  if (!keyId) throw new Problem(identityProblems.apiKeyUnknown)
  return { companyId, keyId }
}

function toCreated({ apiKey, secret }: MadeApiKey): Created {
  return { status: 201, body: toApiKeyBody(apiKey), shownOnce: { secret } }
}

function toApiKeyBody(apiKey: ApiKey) {
  return {
    id: toPublicId('key', apiKey.id),
    name: apiKey.name,
    prefix: apiKey.prefix,
    secret: null,
    scopes: [...apiKey.scopes],
    networks: apiKey.networks && [...apiKey.networks],
    createdAt: apiKey.createdAt.toISOString(),
    expiresAt: apiKey.expiresAt?.toISOString() ?? null,
    revokedAt: apiKey.revokedAt?.toISOString() ?? null,
    lastUsedAt: apiKey.lastUsedAt?.toISOString() ?? null,
    successorId: apiKey.successorId && toPublicId('key', apiKey.successorId),
  }
}
