import {
  applyTransfers,
  batchSizeMax,
  type LedgerLane,
  type Outcome as LedgerOutcome,
  type LedgerSettings,
  openLedgerLane,
} from '#modules/ledger'
import { oneByOne } from '#platform/operations/carrying'
import type { Asked, Operation, OperationKind, Outcome, Room } from '#platform/operations/operations'
import { outcomeOf } from '#platform/operations/outcomes'
import { Problem } from '#platform/problem'
import { system } from '#platform/work'
import { type Action, type ActionName, actions, readTarget } from './actions.ts'
import { type BatchOptions, bookBatch, openBatches, refuseBatch } from './batch.ts'
import { bookTransfer, type Order, type Points, prepareInOrder, type Receipt, toReceipt } from './points.ts'
import { toAnswer, toRefusal } from './resources.ts'

/** What points that are moved later need. */
export interface PointsOperationsOptions extends BatchOptions {
  readonly ledger: LedgerSettings
}

/** Everything that moves points and may be taken on now and carried out later, by the name of its operation. */
export function pointsOperations(by: PointsOperationsOptions): OperationKind[] {
  const room = openRoom(by)
  const names = Object.keys(actions) as ActionName[]
  return [...names.map((name) => kindOf(actions[name], { points: by.points, room })), batchKind(by)]
}

function kindOf(action: Action, { points, room }: { points: Points; room: Room }): OperationKind {
  return {
    name: action.operationId,
    room,
    orderKey: ({ params }) => readTarget(action.target, params.id!),
    check: (asked) => void toOrder(action, asked),
    async perform(asked) {
      const receipt = await bookTransfer(points, toOrder(action, asked))
      if (receipt.status === 'refused') throw toRefusal(receipt)
      return { ...toAnswerOf(action, receipt), replayed: receipt.replayed }
    },
  }
}

function batchKind(options: PointsOperationsOptions): OperationKind {
  const by = openBatches(options)
  const queued = { ...by, points: { ...by.points, lane: openLaneOfBatch(options) } }
  return {
    name: 'bookTransfers',
    // Its items may be of any wallet: none of it is said to keep an order with others.
    orderKey: ({ key }) => key.digest,
    check: () => {},
    perform: (asked) => bookBatch(by, asked),
    room: oneByOne(by.withWork, {
      perform: (asked) => bookBatch(queued, asked),
      refuse: (asked) => refuseBatch(by, asked),
    }),
  }
}

/** One batch at a time goes through it, which always finds room: what was taken on is not refused for want of any. */
function openLaneOfBatch({ withWork, ledger: settings }: PointsOperationsOptions): LedgerLane {
  return openLedgerLane({ withWork, settings, poolSize: 2, queueMax: batchSizeMax, ageMaxMs: Number.POSITIVE_INFINITY })
}

function toOrder(action: Action, asked: Asked): Order {
  const { caller, requestId, params, body, key, isQueued, refusal } = asked
  const instruction = action.toInstruction(params.id!, body, { key, caller, isFinal: isQueued })
  return { caller, requestId, instruction, refusal }
}

function toAnswerOf({ answer }: Action, receipt: Extract<Receipt, { status: 'done' }>) {
  return { status: answer.status, body: JSON.stringify(toAnswer(receipt, answer.shows)) }
}

/** Commands were decided past one that was not: what was done is undone, and only so many are decided. */
class OutOfOrder extends Error {
  readonly count: number

  constructor(count: number) {
    super(`Only the first ${count} can be decided in their order`)
    this.count = count
  }
}

/**
 * Carries actions out in one batch of the ledger. Where the batch has no room for one, or what is due in its wallet has
 * to be booked first, those behind it wait for it.
 */
function openRoom({ points, withWork, ledger: settings }: PointsOperationsOptions): Room {
  return {
    async carryOut(operations, settle) {
      const { orders, unreadable } = readOrders(operations)
      if (orders.length === 0) return withWork(system, (work) => settle(work, [outcomeOf(unreadable!)]))
      const prepared = await Promise.all(prepareInOrder(points, orders))
      const decide = (count: number) =>
        withWork(system, async (work) => {
          const commands = prepared.slice(0, count).map(({ command }) => command)
          const outcomes = await applyTransfers(work, { commands, settings, wait: true })
          const decided = takeDecided(outcomes)
          const toOutcome = (outcome: LedgerOutcome, at: number): Outcome => {
            const receipt = toReceipt(outcome as never, prepared[at]!.view)
            if (receipt.status === 'refused') return outcomeOf(toRefusal(receipt))
            return toAnswerOf(actionOf(operations[at]!), receipt)
          }
          await settle(work, decided.map(toOutcome))
        })
      await decide(prepared.length).catch((error) => {
        if (error instanceof OutOfOrder) return decide(error.count)
        throw error
      })
    },
  }
}

/** Those before the first that was not decided. Throws `OutOfOrder` where one behind it was. */
function takeDecided(outcomes: readonly LedgerOutcome[]): readonly LedgerOutcome[] {
  const first = outcomes.findIndex(({ status }) => status === 'again')
  if (first === -1) return outcomes
  if (outcomes.slice(first).some(({ status }) => status !== 'again')) throw new OutOfOrder(first + 1)
  return outcomes.slice(0, first)
}

/** The orders of the first operations, up to one that today's rules of reading refuse. */
function readOrders(operations: readonly Operation[]): { orders: Order[]; unreadable: Problem | null } {
  const orders: Order[] = []
  for (const operation of operations) {
    try {
      orders.push(toOrder(actionOf(operation), operation.asked))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return { orders, unreadable: error }
    }
  }
  return { orders, unreadable: null }
}

const byOperation = new Map<string, Action>(Object.values(actions).map((action) => [action.operationId, action]))

function actionOf({ name }: Operation): Action {
  return byOperation.get(name)!
}
