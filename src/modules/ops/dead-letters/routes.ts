import Type from 'typebox'
import { originOf } from '#platform/audit'
import { decodeCursor, toPage } from '#platform/cursor'
import { listDeadLetters } from '#platform/events/dead-letters'
import type { RoutesPlugin } from '#platform/http'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import type { Ops } from '../ops.ts'
import { opsProblems } from '../problems.ts'
import { discardDeadLetter, getDeadLetter, redriveDeadLetter, redriveDeadLetters, redriveMax } from './dead-letters.ts'
import {
  deadLetterSchema,
  discardBody,
  example,
  filterFields,
  readDeadLetterFilter,
  readDeadLetterId,
  redriveBody,
  toDeadLetterBody,
} from './schemas.ts'

const access = ['operator', 'admin'] as const
const tags = ['Operations']
const params = Type.Object({ id: publicId('dlt') })
const problems = [opsProblems.deadLetterUnknown]

/** The routes of events that somebody could not take in. */
export function deadLetterRoutes(ops: Ops): RoutesPlugin {
  return async (server) => {
    await server.register(readingRoutes(ops))
    await server.register(redriveRoutes(ops))
    await server.register(discardRoute(ops))
  }
}

function readingRoutes({ database, timeZone, envelopes }: Ops): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/ops/dead-letters',
      config: { access, example: { answer: { items: [example], nextCursor: null } } },
      schema: {
        operationId: 'listDeadLetters',
        tags,
        summary: 'Events that a subscriber failed at so often as it may, newest first',
        querystring: closedObject({ ...filterFields, ...pageQuery }),
        response: { 200: pageOf(deadLetterSchema) },
      },
      async handler({ query }) {
        const { limit, cursor, ...given } = query
        const { subscription, type, subject, from, to } = given
        const filter = readDeadLetterFilter(given, timeZone)
        const list = `dead letters, ${JSON.stringify([subscription, type, subject, from, to])}`
        const after = decodeCursor(list, cursor, (id) => fromPublicId('dlt', id))
        const letters = await listDeadLetters(database, { filter, after, limit: limit + 1 })
        return toPage(letters, {
          list,
          limit,
          placeOf: ({ id }) => toPublicId('dlt', id),
          toItem: (letter) => toDeadLetterBody(letter, envelopes),
        })
      },
    })

    server.route({
      method: 'GET',
      url: '/v1/ops/dead-letters/:id',
      config: { access, problems, example: { answer: example } },
      schema: {
        operationId: 'getDeadLetter',
        tags,
        summary: 'A dead letter: the event, and what the last attempt failed of',
        params,
        response: { 200: deadLetterSchema },
      },
      handler: async (request) =>
        toDeadLetterBody(await getDeadLetter(database, readDeadLetterId(request.params.id)), envelopes),
    })
  }
}

function redriveRoutes({ withWork, timeZone }: Ops): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/ops/dead-letters/:id/redrive',
      config: { access, problems, example: { body: {} } },
      schema: {
        operationId: 'redriveDeadLetter',
        tags,
        summary: 'Send a dead letter again: it is tried as often as any event',
        description: 'Sent again twice, it has one effect. One that fails again comes back with another id.',
        params,
        body: closedObject({}),
        response: { 202: Type.Null() },
      },
      async handler(request, reply) {
        const input = { id: readDeadLetterId(request.params.id), origin: originOf(request) }
        await withWork(request.caller.actor, (work) => redriveDeadLetter(work, input))
        return reply.code(202).send(null)
      },
    })

    server.route({
      method: 'POST',
      url: '/v1/ops/dead-letters/redrive',
      config: { access, example: { body: { subscription: 'earning' }, answer: { redriven: 12, hasMore: false } } },
      schema: {
        operationId: 'redriveDeadLetters',
        tags,
        summary: `Send those again that fit, the oldest first and at most ${redriveMax.toLocaleString('en')} a call`,
        description: 'Where nothing says which are meant, `all` has to.',
        body: redriveBody,
        response: { 202: Type.Object({ redriven: Type.Integer(), hasMore: Type.Boolean() }) },
      },
      async handler(request, reply) {
        const { all = false, ...given } = request.body
        if (!all && Object.keys(given).length === 0) throw invalidRequest([{ pointer: '', detail: nothingSaid }])
        const input = { filter: readDeadLetterFilter(given, timeZone), origin: originOf(request) }
        return reply.code(202).send(await withWork(request.caller.actor, (work) => redriveDeadLetters(work, input)))
      },
    })
  }
}

function discardRoute({ withWork, envelopes }: Ops): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/v1/ops/dead-letters/:id/discard',
      config: { access, problems, example: { body: { reason: 'Settled by hand' } } },
      schema: {
        operationId: 'discardDeadLetter',
        tags,
        summary: 'Give a dead letter up that is settled otherwise, for good',
        description: 'The audit log keeps what it was, and the reason.',
        params,
        body: discardBody,
        response: { 204: Type.Null() },
      },
      async handler(request, reply) {
        const { reason } = request.body
        const input = { id: readDeadLetterId(request.params.id), reason, envelopes, origin: originOf(request) }
        await withWork(request.caller.actor, (work) => discardDeadLetter(work, input))
        return reply.code(204).send(null)
      },
    })
  }
}

const nothingSaid = {
  ko: '어느 것을 다시 보낼지 ids, subscription, type, subject, from, to로 지정하거나, 모두 보내려면 all을 true로 하십시오.',
  en: 'Say which: ids, subscription, type, subject, from or to; or all: true for each of them.',
}
