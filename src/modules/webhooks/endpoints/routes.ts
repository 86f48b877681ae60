import Type from 'typebox'
import { companiesProblems, readCompanyId } from '#modules/companies'
import { originOf } from '#platform/audit'
import { type Created, createOnce } from '#platform/create-once'
import { decodeCursor, toPage } from '#platform/cursor'
import { assertMatches, setEntityTag } from '#platform/entity-tags'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { closedObject, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { examples } from '../examples.ts'
import { webhooksProblems } from '../problems.ts'
import { endpointManagers, endpointReaders } from '../rights.ts'
import { endpointSchema, status, toEndpointBody, typesOf, url } from '../schemas.ts'
import { listChoices } from '../sending/rules.ts'
import { listHeardTypes, type Webhooks } from '../webhooks.ts'
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  getEndpoint,
  listEndpoints,
  rotateSecret,
  toUrlProblem,
  type WithSecret,
} from './endpoints.ts'
import { readEndpointPath } from './paths.ts'

const overlapSecondsDefault = 86_400
const overlapSecondsMax = 604_800

const tags = ['Webhooks']
const companyParams = Type.Object({ id: publicId('cmp') })
const endpointParams = Type.Object({ id: publicId('cmp'), endpointId: publicId('whe') })
const problems = [companiesProblems.companyUnknown, webhooksProblems.endpointUnknown]

/** The routes of the places where a company hears of events. */
export function endpointRoutes(webhooks: Webhooks): RoutesPlugin {
  return async (server) => {
    await server.register(makingRoutes(webhooks))
    await server.register(keepingRoutes(webhooks))
    await server.register(changingRoutes(webhooks))
  }
}

function makingRoutes(webhooks: Webhooks): RoutesPlugin {
  const { database, withWork, sealing, places } = webhooks
  const types = typesOf(listChoices(listHeardTypes(webhooks)))
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/companies/:id/webhook-endpoints',
      config: {
        access: endpointManagers,
        idempotent: true,
        problems: [companiesProblems.companyUnknown, webhooksProblems.tooManyEndpoints],
        example: examples.createWebhookEndpoint,
      },
      schema: {
        operationId: 'createWebhookEndpoint',
        tags,
        summary: 'Have a company told of what happens from now on',
        description: 'The secret is in the first answer only: a replay has `null` in its place.',
        params: companyParams,
        body: closedObject({ url, types }),
        response: { 201: endpointSchema },
      },
      async handler(request, reply) {
        const companyId = await readCompanyId(database, request)
        const mistake = await places.findMistakeNow(request.body.url)
        const input = { companyId, ...request.body, origin: originOf(request) }
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          async run(work) {
            if (mistake) throw toUrlProblem(mistake)
            return toCreated(201, await createEndpoint({ work, sealing }, input))
          },
        })
        return sendAnswer(reply, answer)
      },
    })

    server.route({
      method: 'POST',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId/secret-rotation',
      config: { access: endpointManagers, idempotent: true, problems, example: examples.rotateWebhookSecret },
      schema: {
        operationId: 'rotateWebhookSecret',
        tags,
        summary: 'Give an endpoint a new secret; for a while both are signed with',
        description: 'At most two are: rotated again, the older of them is good no more.',
        params: endpointParams,
        body: closedObject({
          overlapSeconds: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: overlapSecondsMax,
              default: overlapSecondsDefault,
              description: 'How much longer everything is signed with the present secret beside the new one.',
            }),
          ),
        }),
        response: { 200: endpointSchema },
      },
      async handler(request, reply) {
        const path = await readEndpointPath(database, request)
        const { overlapSeconds = overlapSecondsDefault } = request.body ?? {}
        const input = { ...path, overlapSeconds, origin: originOf(request) }
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          run: async (work) => toCreated(200, await rotateSecret({ work, sealing }, input)),
        })
        return sendAnswer(reply, answer)
      },
    })
  }
}

function keepingRoutes({ database }: Webhooks): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/companies/:id/webhook-endpoints',
      config: {
        access: endpointReaders,
        problems: [companiesProblems.companyUnknown],
        example: examples.listWebhookEndpoints,
      },
      schema: {
        operationId: 'listWebhookEndpoints',
        tags,
        summary: 'List the webhook endpoints of a company, newest first',
        params: companyParams,
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(endpointSchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const companyId = await readCompanyId(database, request)
        const list = `webhook endpoints of ${companyId}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('whe', id))
        const endpoints = await listEndpoints(database, { companyId, after, limit: limit + 1 })
        return toPage(endpoints, { list, limit, placeOf: ({ id }) => toPublicId('whe', id), toItem: toEndpointBody })
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId',
      config: { access: endpointReaders, tagged: true, problems, example: examples.getWebhookEndpoint },
      schema: {
        operationId: 'getWebhookEndpoint',
        tags,
        summary: 'A webhook endpoint',
        params: endpointParams,
        response: { 200: endpointSchema },
      },
      async handler(request, reply) {
        const endpoint = await getEndpoint(database, await readEndpointPath(database, request))
        setEntityTag(reply, endpoint.version)
        return toEndpointBody(endpoint)
      },
    })
  }
}

function changingRoutes(webhooks: Webhooks): RoutesPlugin {
  const { database, withWork, places } = webhooks
  const types = typesOf(listChoices(listHeardTypes(webhooks)))
  return async (server) => {
    server.route({
      method: 'PATCH',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId',
      config: { access: endpointManagers, tagged: true, problems, example: examples.changeWebhookEndpoint },
      schema: {
        operationId: 'changeWebhookEndpoint',
        tags,
        summary: 'Change an endpoint, or switch it off and on: what is left out stays as it is',
        description: 'What waited to be sent when it was switched off has failed, and can be redriven.',
        params: endpointParams,
        body: closedObject({
          url: Type.Optional(url),
          types: Type.Optional(types),
          status: Type.Optional(status),
        }),
        response: { 200: endpointSchema },
      },
      async handler(request, reply) {
        const path = await readEndpointPath(database, request)
        const changes = request.body ?? {}
        const mistake = changes.url === undefined ? null : await places.findMistakeNow(changes.url)
        if (mistake) throw toUrlProblem(mistake)
        const assertVersion = (version: number) => assertMatches(request, version)
        const input = { ...path, changes, assertVersion, origin: originOf(request) }
        const endpoint = await withWork(request.caller.actor, (work) => changeEndpoint(work, input))
        setEntityTag(reply, endpoint.version)
        return toEndpointBody(endpoint)
      },
    })

    server.route({
      method: 'DELETE',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId',
      config: { access: endpointManagers, problems },
      schema: {
        operationId: 'deleteWebhookEndpoint',
        tags,
        summary: 'Delete an endpoint: nothing is sent there any more',
        params: endpointParams,
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const input = { ...(await readEndpointPath(database, request)), origin: originOf(request) }
        await withWork(request.caller.actor, (work) => deleteEndpoint(work, input))
        return reply.code(204).send(null)
      },
    })
  }
}

function toCreated(answerStatus: number, { endpoint, secret }: WithSecret): Created {
  return { status: answerStatus, body: toEndpointBody(endpoint), shownOnce: { secret } }
}
