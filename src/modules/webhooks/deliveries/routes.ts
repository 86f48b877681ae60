import Type from 'typebox'
import { companiesProblems, type readCompanyId } from '#modules/companies'
import { originOf } from '#platform/audit'
import { toPeriod } from '#platform/clock'
import { createOnce } from '#platform/create-once'
import { decodeCursor, toPage } from '#platform/cursor'
import type { Sql } from '#platform/database'
import { type RoutesPlugin, sendAnswer } from '#platform/http'
import { closedObject, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import type { EndpointPath } from '../endpoints/endpoints.ts'
import { readEndpointPath } from '../endpoints/paths.ts'
import { examples } from '../examples.ts'
import { webhooksProblems } from '../problems.ts'
import { endpointManagers, endpointReaders } from '../rights.ts'
import { deliverySchema, deliveryStatus, toDeliveryBody, toWholeDeliveryBody, wholeDeliverySchema } from '../schemas.ts'
import type { Webhooks } from '../webhooks.ts'
import { getDelivery, listDeliveries, redriveDelivery, redriveFailed, redrivenMax, sendTest } from './deliveries.ts'

const tags = ['Webhooks']
const endpointParams = Type.Object({ id: publicId('cmp'), endpointId: publicId('whe') })
const deliveryParams = Type.Object({ ...endpointParams.properties, deliveryId: publicId('whd') })
const ofEndpoint = [companiesProblems.companyUnknown, webhooksProblems.endpointUnknown]
const ofDelivery = [...ofEndpoint, webhooksProblems.deliveryUnknown]
const period = { format: 'date-or-date-time', examples: ['2026-11-20'] }

/** The routes of what was sent to endpoints. */
export function deliveryRoutes(webhooks: Webhooks): RoutesPlugin {
  return async (server) => {
    await server.register(readingRoutes(webhooks))
    await server.register(testRoutes(webhooks))
    await server.register(redriveRoutes(webhooks))
  }
}

function readingRoutes({ database }: Webhooks): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId/deliveries',
      config: { access: endpointReaders, problems: ofEndpoint, example: examples.listWebhookDeliveries },
      schema: {
        operationId: 'listWebhookDeliveries',
        tags,
        summary: 'List what was sent to an endpoint, and what waits to be, newest first',
        description: 'What is done with is kept for 30 days.',
        params: endpointParams,
        querystring: closedObject({ ...pageQuery, status: Type.Optional(deliveryStatus) }),
        response: { 200: pageOf(deliverySchema) },
      },
      async handler(request) {
        const { limit, cursor, status = null } = request.query
        const path = await readEndpointPath(database, request)
        const list = `webhook deliveries of ${path.endpointId} ${status}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('whd', id))
        const deliveries = await listDeliveries(database, { path, status, after, limit: limit + 1 })
        return toPage(deliveries, { list, limit, placeOf: ({ id }) => toPublicId('whd', id), toItem: toDeliveryBody })
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId/deliveries/:deliveryId',
      config: { access: endpointReaders, problems: ofDelivery, example: examples.getWebhookDelivery },
      schema: {
        operationId: 'getWebhookDelivery',
        tags,
        summary: 'A delivery, with the event that is sent',
        params: deliveryParams,
        response: { 200: wholeDeliverySchema },
      },
      handler: async (request) =>
        toWholeDeliveryBody(await getDelivery(database, await readDeliveryPath(database, request))),
    })
  }
}

function testRoutes({ database, withWork, wrap }: Webhooks): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId/test',
      config: {
        access: endpointManagers,
        idempotent: true,
        problems: [...ofEndpoint, webhooksProblems.endpointDisabled],
        example: examples.testWebhookEndpoint,
      },
      schema: {
        operationId: 'testWebhookEndpoint',
        tags,
        summary: 'Send an event that nothing has happened for',
        description: 'Of type `webhooks.tested`, whatever types the endpoint hears of.',
        params: endpointParams,
        body: closedObject({}),
        response: { 201: deliverySchema },
      },
      async handler(request, reply) {
        const path = await readEndpointPath(database, request)
        const answer = await createOnce(withWork, {
          actor: request.caller.actor,
          key: request.idempotency,
          run: async (work) => ({ status: 201, body: toDeliveryBody(await sendTest({ work, wrap }, path)) }),
        })
        return sendAnswer(reply, answer)
      },
    })
  }
}

function redriveRoutes({ database, withWork, timeZone }: Webhooks): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId/redrive',
      config: {
        access: endpointManagers,
        problems: [...ofEndpoint, webhooksProblems.endpointDisabled],
        example: examples.redriveWebhookDeliveries,
      },
      schema: {
        operationId: 'redriveWebhookDeliveries',
        tags,
        summary: 'Send again what failed',
        description: `The oldest first, at most ${redrivenMax} at once: ask again while there is more.`,
        params: endpointParams,
        body: closedObject({
          types: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { minItems: 1, maxItems: 100 })),
          from: Type.Optional(Type.String({ ...period, description: 'When the event came to be sent: from here on.' })),
          to: Type.Optional(Type.String({ ...period, description: 'Before this instant, or to the end of this day.' })),
        }),
        response: {
          200: Type.Object({
            redriven: Type.Integer({ description: 'How many are sent again.' }),
            hasMore: Type.Boolean({ description: 'Whether there may be more that failed.' }),
          }),
        },
      },
      async handler(request) {
        const path = await readEndpointPath(database, request)
        const { types = null, ...given } = request.body ?? {}
        const filter = { types, ...toPeriod(given, timeZone) }
        const input = { path, origin: originOf(request), ...filter }
        const redriven = await withWork(request.caller.actor, (work) => redriveFailed(work, input))
        return { redriven, hasMore: redriven === redrivenMax }
      },
    })

    server.route({
      method: 'POST',
      url: '/v1/companies/:id/webhook-endpoints/:endpointId/deliveries/:deliveryId/redrive',
      config: {
        access: endpointManagers,
        problems: [...ofDelivery, webhooksProblems.endpointDisabled],
        example: examples.redriveWebhookDelivery,
      },
      schema: {
        operationId: 'redriveWebhookDelivery',
        tags,
        summary: 'Send a delivery again; one that waits to be sent stays as it is',
        params: deliveryParams,
        body: closedObject({}),
        response: { 200: deliverySchema },
      },
      async handler(request) {
        const input = { ...(await readDeliveryPath(database, request)), origin: originOf(request) }
        return toDeliveryBody(await withWork(request.caller.actor, (work) => redriveDelivery(work, input)))
      },
    })
  }
}

type Asked = Parameters<typeof readCompanyId>[1] & {
  readonly params: { readonly endpointId: string; readonly deliveryId: string }
}

async function readDeliveryPath(
  reads: { readonly sql: Sql },
  request: Asked,
): Promise<{ path: EndpointPath; deliveryId: string }> {
  const path = await readEndpointPath(reads, request)
  const deliveryId = fromPublicId('whd', request.params.deliveryId)
  if (!deliveryId) throw new Problem(webhooksProblems.deliveryUnknown)
  return { path, deliveryId }
}
