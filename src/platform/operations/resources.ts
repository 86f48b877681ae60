import Type from 'typebox'
import { instant, nullable, oneOf, publicId } from '../http-schema.ts'
import { toPublicId } from '../ids.ts'
import { renderOutcome } from './outcomes.ts'

/** An operation as callers see it. */
export const operationSchema = Type.Object({
  id: publicId('opr'),
  status: oneOf(['pending', 'succeeded', 'failed']),
  createdAt: nullable({ ...instant, description: 'When it was taken on; null while only a topic has it.' }),
  completedAt: nullable(instant),
  outcome: Type.Unsafe<{ status: number; body: object } | null>({
    type: ['object', 'null'],
    required: ['status', 'body'],
    description: 'What the request would have been answered; null while it is pending.',
    properties: {
      status: { type: 'integer' },
      body: { type: 'object', additionalProperties: true },
    },
  }),
})

/** One that waits, for the API document. */
export const operationExample = {
  id: 'opr_5d0f3b7a9c1e4f2a8b6d40c2e1f3a5b7',
  status: 'pending',
  createdAt: '2026-11-20T09:00:00.000Z',
  completedAt: null,
  outcome: null,
}

/** What is shown of an operation. */
export interface ShownOperation {
  readonly id: string
  readonly createdAt: Date | null
  readonly completedAt?: Date | null
  readonly status?: number | null
  readonly outcome?: string | null
}

/** An operation as JSON text: the body of what the request was answered is in it to the byte. */
export function toOperationText(
  { id, createdAt, completedAt = null, status = null, outcome = null }: ShownOperation,
  reader?: Parameters<typeof renderOutcome>[1],
): string {
  const state = status === null ? 'pending' : status < 400 ? 'succeeded' : 'failed'
  const head = JSON.stringify({
    id: toPublicId('opr', id),
    status: state,
    createdAt: createdAt?.toISOString() ?? null,
    completedAt: completedAt?.toISOString() ?? null,
  })
  const shown = status === null || outcome === null || !reader ? 'null' : renderOutcome({ status, outcome }, reader)
  return `${head.slice(0, -1)},"outcome":${shown}}`
}
