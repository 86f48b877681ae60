import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { createOnce } from '#platform/create-once'
import { problemBody, toProblem } from '#platform/http-failures'
import { parseIdempotencyKey } from '#platform/http-headers'
import { httpProblems, invalidRequest } from '#platform/http-problems'
import { closedObject, oneOf, publicId } from '#platform/http-schema'
import type { Validation } from '#platform/http-validation'
import { idempotencyKey } from '#platform/idempotency'
import type { Logger } from '#platform/log'
import type { FieldError, Text } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { type Action, type ActionName, actions } from './actions.ts'
import { bookTransfers, type Instruction, type Points, type Receipt } from './points.ts'
import { toAnswer, toRefusal } from './resources.ts'

/** What is answered to a batch: a result for each item in their order, and whether all of it is a replay. */
export interface BatchAnswer {
  readonly results: readonly { readonly status: number; readonly replayed: boolean }[]
  readonly replayed: boolean
}

/** Runs the items of a batch for a request; throws where the key of the batch came with another one before. */
export type RunBatch = (request: FastifyRequest, items: readonly unknown[]) => Promise<BatchAnswer>

type Check = (item: unknown) => FieldError[] | null

/** An item as it was understood, or what is wrong with it; its key is null where that is wrong. */
type Read =
  | { readonly key: string; readonly action: Action; readonly instruction: Instruction }
  | { readonly key: string | null; readonly error: unknown }

/** Each item is checked, keyed and answered as its single call would be; none disturbs another. */
export function openBatch(options: {
  points: Points
  validation: Validation
  log: Logger
  withWork: WithWork
}): RunBatch {
  const { points, validation, log, withWork } = options
  const checks = new Map<unknown, Check>()
  for (const [kind, action] of Object.entries(actions)) {
    checks.set(kind, validation.compileFields(itemSchema(kind, action)))
  }
  return async (request, items) => {
    // Before the items: checking them normalises their texts, and the key is bound to the body as it came.
    const isKnown = await bindKey(withWork, request)
    const ownKey = keyOfBatch(request)
    const reads = items.map((item, at) => readItem(request, { item, otherwiseKey: `${ownKey}/${at}`, checks }))
    const { caller, id: requestId } = request
    const orders = reads.flatMap((read) =>
      'instruction' in read ? [{ caller, instruction: read.instruction, requestId }] : [],
    )
    const receipts = (await bookTransfers(points, orders)).values()
    const results = reads.map((read) => {
      const receipt =
        'instruction' in read ? receipts.next().value! : { status: 'rejected' as const, reason: read.error }
      return toResult(request, { read, receipt, log })
    })
    return { results, replayed: isKnown && results.every(({ replayed }) => replayed) }
  }
}

/**
 * Binds the key that the caller gave to this batch, and says whether it was bound before. What is kept under it is no
 * answer: the items are decided after it, each under its own key, so a batch that was cut off goes on when it is sent
 * again. A key that was made here has been given to nobody yet.
 */
async function bindKey(withWork: WithWork, request: FastifyRequest): Promise<boolean> {
  if (request.headers['idempotency-key'] === undefined) return false
  const { caller, idempotency: key } = request
  const { replayed } = await createOnce(withWork, {
    actor: caller.actor,
    key,
    run: async () => ({ status: 200, body: {} }),
  })
  return replayed
}

/** Of the caller and the key of the whole batch, whatever its items are. */
function keyOfBatch(request: FastifyRequest): string {
  const batch = { key: request.idempotencyText, method: 'POST', path: request.routeOptions.url!, body: null }
  return idempotencyKey(request.caller.actor, batch).digest
}

function itemSchema(kind: string, { target, body }: Action) {
  return closedObject({
    kind: oneOf([kind]),
    [target.field]: publicId(target.prefix),
    idempotencyKey: Type.Optional(Type.Unknown()),
    ...body.properties,
  })
}

interface Item {
  readonly kind: ActionName
  readonly idempotencyKey?: unknown
  readonly [field: string]: unknown
}

function readItem(
  request: FastifyRequest,
  given: { item: unknown; otherwiseKey: string; checks: ReadonlyMap<unknown, Check> },
): Read {
  const item = given.item as Item | null
  const key = readKey(item?.idempotencyKey, given.otherwiseKey)
  const errors = findMistakes(item, given.checks)
  if (key === null) errors.push({ pointer: '/idempotencyKey', detail: texts.invalidKey })
  if (key === null || errors.length > 0) return { key, error: invalidRequest(errors) }
  const action: Action = actions[item!.kind]
  const { kind: _, idempotencyKey: __, [action.target.field]: targetId, ...body } = item!
  const id = targetId as string
  const { caller } = request
  try {
    // The single call that the item stands for: whichever comes first, the other is its replay.
    const single = { key, method: 'POST', path: action.path.replace(':id', id), body }
    const asked = { key: idempotencyKey(caller.actor, single), caller }
    return { key, action, instruction: action.toInstruction(id, body, asked) }
  } catch (error) {
    return { key, error }
  }
}

function readKey(given: unknown, otherwise: string): string | null {
  if (given === undefined) return otherwise
  return typeof given === 'string' ? parseIdempotencyKey(given) : null
}

function findMistakes(item: Item | null, checks: ReadonlyMap<unknown, Check>): FieldError[] {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return [{ pointer: '', detail: texts.notObject }]
  const check = checks.get(item.kind)
  return check ? (check(item) ?? []) : [{ pointer: '/kind', detail: texts.unknownKind }]
}

function toResult(
  request: FastifyRequest,
  { read, receipt, log }: { read: Read; receipt: PromiseSettledResult<Receipt>; log: Logger },
) {
  const value = receipt.status === 'fulfilled' ? receipt.value : null
  const named = { replayed: value?.replayed ?? false, idempotencyKey: read.key }
  if (value?.status === 'done' && 'action' in read) {
    const { status, shows } = read.action.answer
    return { status, ...named, [shows]: toAnswer(value, shows) }
  }
  const error = receipt.status === 'rejected' ? receipt.reason : toRefusal(value as Refused)
  const problem = toProblem(error)
  if (problem.kind === httpProblems.internal) log.error({ err: error, requestId: request.id }, 'an item failed')
  return { status: problem.kind.status, ...named, problem: problemBody(request, problem) }
}

type Refused = Extract<Receipt, { status: 'refused' }>

const kinds = Object.keys(actions).join(', ')

const texts = {
  notObject: { ko: '객체여야 합니다.', en: 'Must be an object.' },
  unknownKind: { ko: `다음 중 하나여야 합니다: ${kinds}`, en: `Must be one of: ${kinds}` },
  invalidKey: {
    ko: '눈에 보이는 ASCII 문자 1–255자여야 합니다.',
    en: 'Must be 1–255 visible ASCII characters.',
  },
} satisfies Record<string, Text>
