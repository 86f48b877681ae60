import Type from 'typebox'
import type { Audience } from '../access.ts'
import { type RoutesPlugin, sendAnswer } from '../http.ts'
import { languageOf } from '../http-failures.ts'
import { publicId } from '../http-schema.ts'
import { type Asking, getOperation } from './asking.ts'
import { operationsProblems } from './problems.ts'
import { operationExample, operationSchema, toOperationText } from './resources.ts'

/** Where callers look what became of what was taken on; `askers` are those who may have asked for something. */
export function operationRoutes({ askers, ...by }: Asking & { readonly askers: readonly Audience[] }): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/operations/:id',
      config: {
        access: askers,
        outlasts: true,
        problems: [operationsProblems.operationUnknown],
        example: { answer: operationExample },
      },
      schema: {
        operationId: 'getOperation',
        tags: ['Asynchronous requests'],
        summary: 'What became of a request that was taken on: for whoever sent it, the operator and administrators',
        description:
          'While the database is away, or has not heard of the request yet, it is `pending` to whoever sent it, even ' +
          'where it has been carried out. What it came to never changes, and is the answer of the same request from ' +
          'then on.',
        params: Type.Object({ id: publicId('opr') }),
        response: { 200: operationSchema },
      },
      async handler(request, reply) {
        const operation = await getOperation(by, { text: request.params.id, caller: request.caller })
        const body = toOperationText(operation, { language: languageOf(request), instance: request.id })
        return sendAnswer(reply, { status: 200, body, replayed: false })
      },
    })
  }
}
