import Type from 'typebox'
import { emitAll } from '../events/events.ts'
import { defineEvents } from '../events/kinds.ts'
import { nullable, publicId } from '../http-schema.ts'
import { toPublicId } from '../ids.ts'
import type { Work } from '../work.ts'
import type { Operation, Outcome } from './operations.ts'
import { statusOf } from './outcomes.ts'

const request = Type.String({ description: 'The `operationId` of the request.' })
const status = Type.Integer({ description: 'What the request would have been answered.' })

/** What operations tell, once they have been carried out. */
export const operationsEvents = defineEvents('operations', {
  succeeded: {
    description: {
      ko: '접수된 요청이 처리되었습니다.',
      en: 'A request that had been taken on was carried out.',
    },
    key: 'opr',
    data: Type.Object({
      id: publicId('opr'),
      request,
      status,
      body: Type.Unsafe<Record<string, unknown> | null>({
        type: ['object', 'null'],
        additionalProperties: true,
        description: 'The answer; null where it is long, as that of a batch may be: the operation has it.',
      }),
    }),
  },
  failed: {
    description: {
      ko: '접수된 요청이 거절되었습니다. 이 결과는 바뀌지 않습니다.',
      en: 'A request that had been taken on was refused, for good.',
    },
    key: 'opr',
    data: Type.Object({
      id: publicId('opr'),
      request,
      status,
      problem: nullable(Type.String({ description: 'The type of the problem.' })),
    }),
  },
})

/** A message in a topic, and a webhook, stay well below what their carriers take. */
const bodyLengthMax = 16_384

/** Tells, in the unit of work that did it, what came of operations. */
export function emitOutcomes(work: Work, done: readonly { operation: Operation; outcome: Outcome }[]): void {
  const told = done.map(({ operation: { id, name }, outcome }) => {
    const common = { id: toPublicId('opr', id), request: name, status: statusOf(outcome) }
    if ('problem' in outcome)
      return { kind: operationsEvents.failed, key: id, data: { ...common, problem: outcome.problem.kind.type } }
    const body = outcome.body.length > bodyLengthMax ? null : JSON.parse(outcome.body)
    return { kind: operationsEvents.succeeded, key: id, data: { ...common, body } }
  })
  emitAll(work, told)
}
