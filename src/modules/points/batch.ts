import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { problemBody, toProblem } from '#platform/http-failures'
import { parseIdempotencyKey } from '#platform/http-headers'
import { httpProblems, invalidRequest } from '#platform/http-problems'
import { closedObject, oneOf, publicId } from '#platform/http-schema'
import type { Validation } from '#platform/http-validation'
import { idempotencyKey } from '#platform/idempotency'
import type { Logger } from '#platform/log'
import type { FieldError, Text } from '#platform/problem'
import { type Action, type ActionName, actions } from './actions.ts'
import { bookTransfers, type Instruction, type Points } from './points.ts'
import { toAnswer, toRefusal } from './resources.ts'

/** Runs the items of a batch for a request, an answer for each in their order. */
export type RunBatch = (request: FastifyRequest, items: readonly unknown[]) => Promise<object[]>

type Item = Record<string, unknown> & { kind: ActionName; idempotencyKey?: string }

/** One item on its way: read, or wrong in a way of its own. */
type Read =
  | { readonly action: Action; readonly instruction: Instruction; readonly idempotencyKey: string }
  | { readonly error: unknown; readonly idempotencyKey: string | null }

/** Each item is checked, keyed and answered as its single call would be; none disturbs another. */
export function openBatch(options: { points: Points; validation: Validation; log: Logger }): RunBatch {
  const checks = new Map<string, (value: unknown) => FieldError[] | null>()
  for (const [kind, action] of Object.entries(actions)) {
    checks.set(kind, options.validation.compileFields(itemSchema(kind, action)))
  }
  return async (request, items) => {
    const reads = items.map((item, index) => readItem({ request, item, index, check: checkerOf(checks, item) }))
    const receipts = await bookTransfers(
      options.points,
      reads.flatMap((read) => ('instruction' in read ? [read.instruction] : [])),
    )
    let next = 0
    return reads.map((read) => {
      const { idempotencyKey } = read
      if ('error' in read) return { ...toFailure(request, read.error, options.log), idempotencyKey }
      const receipt = receipts[next++]!
      if (receipt.status === 'rejected') return { ...toFailure(request, receipt.reason, options.log), idempotencyKey }
      const { value } = receipt
      if (value.status === 'refused') {
        return { ...toFailure(request, toRefusal(value), options.log), replayed: value.replayed, idempotencyKey }
      }
      const { status, shows } = read.action.answer
      return { status, replayed: value.replayed, idempotencyKey, [shows]: toAnswer(value, shows) }
    })
  }
}

function itemSchema(kind: string, { target, body }: Action) {
  return closedObject({
    kind: oneOf([kind]),
    [target.field]: publicId(target.prefix),
    idempotencyKey: Type.Optional(Type.String()),
    ...body.properties,
  })
}

function checkerOf(checks: ReadonlyMap<string, (value: unknown) => FieldError[] | null>, item: unknown) {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return () => wrong('', texts.notObject)
  return checks.get((item as { kind: string }).kind) ?? (() => wrong('/kind', texts.unknownKind))
}

/** A key that is missing is made of the batch's own, so that the whole batch can be sent again. */
function readItem(given: {
  request: FastifyRequest
  item: unknown
  index: number
  check: (value: unknown) => FieldError[] | null
}): Read {
  const { request, index } = given
  const key = readKey(given)
  const errors = [
    ...(given.check(given.item) ?? []),
    ...(key === null ? wrong('/idempotencyKey', texts.invalidKey) : []),
  ]
  if (key === null || errors.length > 0) return { error: invalidRequest(errors), idempotencyKey: key }
  const { kind, idempotencyKey: _, ...rest } = given.item as Item
  const action = actions[kind]
  const { [action.target.field]: id, ...body } = rest as Record<string, unknown> &
    Record<typeof action.target.field, string>
  const path = action.path.replace(':id', id)
  try {
    const asked = { key: idempotencyKey(request.actor, { key, method: 'POST', path, body }), actor: request.actor }
    return { action, instruction: action.toInstruction(id, body, asked), idempotencyKey: key }
  } catch (error) {
    return { error, idempotencyKey: key }
  }

  function readKey({ item }: { item: unknown }): string | null {
    const text = (item as Partial<Item> | null)?.idempotencyKey
    if (text === undefined) return `${request.idempotency.digest}/${index}`
    return typeof text === 'string' ? parseIdempotencyKey(text) : null
  }
}

function toFailure(request: FastifyRequest, error: unknown, log: Logger) {
  const problem = toProblem(error)
  if (problem.kind === httpProblems.internal) log.error({ err: error, requestId: request.id }, 'an item failed')
  return { status: problem.kind.status, replayed: false, problem: problemBody(request, problem) }
}

function wrong(pointer: string, detail: Text): FieldError[] {
  return [{ pointer, detail }]
}

const kinds = Object.keys(actions).join(', ')

const texts = {
  notObject: { ko: '객체여야 합니다.', en: 'Must be an object.' },
  unknownKind: { ko: `다음 중 하나여야 합니다: ${kinds}`, en: `Must be one of: ${kinds}` },
  invalidKey: {
    ko: '눈에 보이는 ASCII 문자 1–255자여야 합니다.',
    en: 'Must be 1–255 visible ASCII characters.',
  },
} satisfies Record<string, Text>
