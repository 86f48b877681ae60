import Type from 'typebox'
import { type Answer, createOnce } from '#platform/create-once'
import { toProblem } from '#platform/http-failures'
import { parseIdempotencyKey } from '#platform/http-headers'
import { httpProblems, invalidRequest, unavailable } from '#platform/http-problems'
import { closedObject, oneOf, publicId } from '#platform/http-schema'
import type { Validation } from '#platform/http-validation'
import { idempotencyKey } from '#platform/idempotency'
import type { Logger } from '#platform/log'
import type { Asked } from '#platform/operations/operations'
import { type FieldError, renderProblem, type Text } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { type Action, type ActionName, actions } from './actions.ts'
import { bookTransfers, type Instruction, type Points, type Receipt } from './points.ts'
import { toAnswer, toRefusal } from './resources.ts'

/** Where batches are sent. */
export const batchPath = '/v1/transfers/batch'

/** What batches of transfers work with. */
export interface BatchOptions {
  readonly points: Points
  readonly validation: Validation
  readonly log: Logger
  /** Where the key of a batch is bound to it. */
  readonly withWork: WithWork
}

/** With what is looked at in an item, by its kind. */
export interface Batches extends BatchOptions {
  readonly checks: ReadonlyMap<unknown, Check>
}

type Check = (item: unknown) => FieldError[] | null

/** Prepares the checks of items once. */
export function openBatches(options: BatchOptions): Batches {
  const checks = new Map<unknown, Check>()
  for (const [kind, action] of Object.entries(actions)) {
    checks.set(kind, options.validation.compileFields(itemSchema(kind, action)))
  }
  return { ...options, checks }
}

/** An item as it was understood, or what is wrong with it; its key is null where that is wrong. */
type Read =
  | { readonly key: string; readonly action: Action; readonly instruction: Instruction }
  | { readonly key: string | null; readonly error: unknown }

/**
 * Checks, keys and answers each item as its single call would be; none disturbs another. Throws where the key of the
 * batch came with another one before; and of a queued batch where one of its items was not decided: none is left out.
 */
export async function bookBatch(by: Batches, asked: Asked): Promise<Answer> {
  const { points, log, checks } = by
  const items = (asked.body as { transfers: readonly unknown[] }).transfers
  // Before the items: checking them normalises their texts, and the key is bound to the body as it came.
  const isKnown = await bindKey(by, asked)
  const ownKey = keyOfBatch(asked)
  const reads = items.map((item, at) => readItem(asked, { item, otherwiseKey: `${ownKey}/${at}`, checks }))
  const { caller, requestId } = asked
  const orders = reads.flatMap((read) =>
    'instruction' in read ? [{ caller, instruction: read.instruction, requestId }] : [],
  )
  const receipts = (await bookTransfers(points, orders)).values()
  const results = reads.map((read) => {
    const receipt = 'instruction' in read ? receipts.next().value! : { status: 'rejected' as const, reason: read.error }
    return toResult(asked, { read, receipt, log })
  })
  const hasFound = (status: number) => results.some((result) => result.status === status)
  if (asked.isQueued && hasFound(503)) throw unavailable()
  if (asked.isQueued && hasFound(500)) throw new Error('an item of a queued batch failed')
  const replayed = isKnown && results.every((result) => result.replayed)
  const answer = { status: 200, body: JSON.stringify({ results }), replayed }
  return hasFound(503) ? { ...answer, headers: { 'retry-after': '1' } } : answer
}

/** Refuses a queued batch as a whole, for good. */
export function refuseBatch({ withWork }: Batches, { caller, key, refusal }: Asked): Promise<Answer> {
  return createOnce(withWork, { actor: caller.actor, key, isFinal: true, run: () => Promise.reject(refusal) })
}

/**
 * Binds the key that the caller gave to this batch, and says whether it was bound before. What is kept under it is no
 * answer: the items are decided after it, each under its own key, so a batch that was cut off goes on when it is sent
 * again. A key that was made here has been given to nobody yet.
 */
async function bindKey({ withWork }: Batches, { caller, key, isKeyGiven, isQueued }: Asked): Promise<boolean> {
  if (!isKeyGiven && !isQueued) return false
  const { replayed } = await createOnce(withWork, {
    actor: caller.actor,
    key,
    isFinal: isQueued,
    run: async () => ({ status: 200, body: {} }),
  })
  return replayed
}

/** Of the caller and the key of the whole batch, whatever its items are. */
function keyOfBatch({ caller, key }: Asked): string {
  return idempotencyKey(caller.actor, { key: key.text, method: 'POST', path: batchPath, body: null }).digest
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
  asked: Asked,
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
  const { caller, isQueued } = asked
  try {
    // The single call that the item stands for: whichever comes first, the other is its replay.
    const single = { key, method: 'POST', path: action.path.replace(':id', id), body }
    const by = { key: idempotencyKey(caller.actor, single), caller, isFinal: isQueued }
    return { key, action, instruction: action.toInstruction(id, body, by) }
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
  { requestId, language }: Asked,
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
  if (problem.kind === httpProblems.internal) log.error({ err: error, requestId }, 'an item failed')
  return { status: problem.kind.status, ...named, problem: renderProblem(problem, { language, instance: requestId }) }
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
