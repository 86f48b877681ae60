import { failureOf, isTimeout, type Sql } from '../database.ts'
import { unauthenticated } from '../http-problems.ts'
import { idempotencyProblems, isKeyConflict } from '../idempotency.ts'
import { assertGeneration, keepLease, type Lease, LeaseLost } from '../leases.ts'
import { Problem, saysLater } from '../problem.ts'
import type { Sealing } from '../sealing.ts'
import type { WithWork, Work } from '../work.ts'
import { system } from '../work.ts'
import { openCommand } from './commands.ts'
import { emitOutcomes } from './events.ts'
import type { Asked, Operation, OperationKind, Outcome, Room } from './operations.ts'
import { outcomeOf, statusOf, toStoredOutcome } from './outcomes.ts'
import { selectWaiting, updateCompleted, type WaitingRow } from './store.ts'

/** What carrying operations out needs. */
export interface Carrying {
  readonly reads: { readonly sql: Sql }
  readonly withWork: WithWork
  readonly sealing: Sealing
  readonly kinds: readonly OperationKind[]
  /** Of each caller whether they may still come in, with the rights that they had. */
  confirm(callers: readonly Asked['caller'][]): Promise<readonly boolean[]>
  /** Told of what came of each. */
  readonly onDone?: (name: string, status: number) => void
  /** Told of an operation that cannot be carried out though everything is there; it is tried again, for ever. */
  readonly onStuck: (stuck: { readonly seq: number; readonly attempts: number; readonly error: unknown }) => void
  /** Told of what went wrong beside that; the work goes on. */
  readonly onError: (error: unknown) => void
}

/** The work of carrying operations out. */
export interface CarryingOut {
  /** There is something to carry out. */
  wake(): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

const lookIntervalMs = 50
/** As many as a batch of the ledger takes, */
const batchSizeMax = 1_000
/** and no more than fits into memory, for one request may be of two million. */
const batchBytesMax = 4_000_000
/** For how long what was read is carried out group by group, before anybody looks whether there is an end to it. */
const roundMaxMs = 500
const stuckMinMs = 1_000
const stuckMaxMs = 60_000

/** Carries out what was taken on, in the order in which it was, in one process of all that keep this. */
export function keepCarryingOut(by: Carrying): CarryingOut {
  const carrier = new Carrier(by)
  return keepLease({
    reads: by.reads,
    name: 'operations',
    intervalMs: lookIntervalMs,
    onError: by.onError,
    run: (lease) => carrier.next(lease),
  })
}

/** What stands in the way of an operation, and of all that share its order key. */
interface Stuck {
  readonly attempts: number
  readonly until: number
}

class Carrier {
  readonly #by: Carrying
  readonly #kinds: ReadonlyMap<string, OperationKind>
  readonly #stuck = new Map<string, Stuck>()

  constructor(by: Carrying) {
    this.#by = by
    this.#kinds = new Map(by.kinds.map((kind) => [kind.name, kind]))
  }

  /** Carries out some of what waits; whether there may be more. */
  async next(lease: Lease): Promise<boolean> {
    const now = performance.now()
    const except = [...this.#stuck].filter(([, { until }]) => until > now).map(([key]) => key)
    const bounds = { limit: batchSizeMax, bytesMax: batchBytesMax, except }
    const rows = await selectWaiting(this.#by.reads, bounds)
    for (let at = 0; at < rows.length && performance.now() - now < roundMaxMs; ) {
      const { size, carried } = await this.#carryFirst(rows.slice(at), lease)
      // What was not carried out is looked at anew: others may not pass it.
      if (carried < size) break
      at += size
    }
    return rows.length > 0
  }

  /** Carries out what goes together of these, from the first. */
  async #carryFirst([first, ...rest]: readonly WaitingRow[], lease: Lease): Promise<{ size: number; carried: number }> {
    const read = this.#read(first!)
    if (read === null) {
      this.#setAside(first!, new Error('The request cannot be read: the secret of the service is another.'))
      return { size: 1, carried: 0 }
    }
    if (!first!.isKeyed) {
      await this.#settle([read.operation], lease, [outcomeOf(new Problem(idempotencyProblems.keyReused))])
      return { size: 1, carried: 1 }
    }
    const { room } = read.kind
    const group = [{ row: first!, ...read }]
    for (const row of rest) {
      const next = row.isKeyed && group.length !== room.togetherMax ? this.#read(row) : null
      if (next?.kind.room !== room) break
      group.push({ row, ...next })
    }
    return { size: group.length, carried: await this.#carry(group, lease) }
  }

  /**
   * How many were carried out. Half of those that fail together is tried first, down to the one that fails: that one is
   * set aside for a while.
   */
  async #carry(
    group: readonly { row: WaitingRow; operation: Operation; kind: OperationKind }[],
    lease: Lease,
  ): Promise<number> {
    const { room } = group[0]!.kind
    const operations = await this.#confirmed(group.map(({ operation }) => operation))
    let carried = 0
    try {
      await room.carryOut(operations, (work, outcomes) => {
        carried = outcomes.length
        return this.#tell(work, { operations, outcomes, lease })
      })
      for (const { row } of group.slice(0, carried)) this.#stuck.delete(row.orderKey)
      return carried
    } catch (error) {
      if (error instanceof LeaseLost || isKeyConflict(error)) throw error
      if (!isTimeout(error) && (failureOf(error) === 'unavailable' || failureOf(error) === 'retry')) throw error
      if (saysLater(error)) throw error
      if (group.length > 1) return this.#carry(group.slice(0, Math.ceil(group.length / 2)), lease)
      this.#setAside(group[0]!.row, error)
      return 0
    }
  }

  /** Whoever was let in then has to be somebody who is let in now. */
  async #confirmed(operations: readonly Operation[]): Promise<readonly Operation[]> {
    const nameOf = ({ actor, credentialId, isAdmin }: Asked['caller']) => [actor.id, credentialId, isAdmin].join()
    const callers = new Map(operations.map(({ asked: { caller } }) => [nameOf(caller), caller]))
    const answers = await this.#by.confirm([...callers.values()])
    const isLetIn = new Map([...callers.keys()].map((name, place) => [name, answers[place]]))
    return operations.map((operation) => {
      const { asked } = operation
      if (isLetIn.get(nameOf(asked.caller))) return operation
      return { ...operation, asked: { ...asked, refusal: unauthenticated() } }
    })
  }

  #settle(operations: readonly Operation[], lease: Lease, outcomes: readonly Outcome[]): Promise<void> {
    return this.#by.withWork(system, (work) => this.#tell(work, { operations, outcomes, lease }))
  }

  /** The last writes of the unit of work that decided. */
  async #tell(
    work: Work,
    { operations, outcomes, lease }: { operations: readonly Operation[]; outcomes: readonly Outcome[]; lease: Lease },
  ): Promise<void> {
    const done = outcomes.map((outcome, place) => ({ operation: operations[place]!, outcome }))
    updateCompleted(
      work.sql,
      done.map(({ operation: { seq }, outcome }) => ({
        seq,
        status: statusOf(outcome),
        outcome: toStoredOutcome(outcome),
      })),
    )
    emitOutcomes(work, done)
    await assertGeneration(work, lease)
    for (const { operation, outcome } of done) this.#by.onDone?.(operation.name, statusOf(outcome))
  }

  #setAside({ seq, orderKey }: WaitingRow, error: unknown): void {
    const attempts = (this.#stuck.get(orderKey)?.attempts ?? 0) + 1
    const delayMs = Math.min(stuckMinMs * 2 ** (attempts - 1), stuckMaxMs)
    this.#stuck.set(orderKey, { attempts, until: performance.now() + delayMs })
    this.#by.onStuck({ seq, attempts, error })
  }

  #read({ seq, request }: WaitingRow): { operation: Operation; kind: OperationKind } | null {
    const command = openCommand(this.#by.sealing, request)
    const kind = command && this.#kinds.get(command.name)
    return kind ? { operation: { seq, ...command }, kind } : null
  }
}

/**
 * A room whose operations are carried out one at a time, each by what carries its request out at once: under its key
 * that has one effect, so that what came of it may be told in a unit of work of its own. `refuse` keeps under the key
 * what there is against a request already, and throws it.
 */
export function oneByOne(
  withWork: WithWork,
  { perform, refuse }: Record<'perform' | 'refuse', OperationKind['perform']>,
): Room {
  return {
    togetherMax: 1,
    async carryOut([operation], settle) {
      const { asked } = operation!
      const outcome = await (asked.refusal ? refuse(asked) : perform(asked)).then(outcomeOf, (error) => {
        if (error instanceof Problem && error.kind.status < 500) return outcomeOf(error)
        throw error
      })
      await withWork(system, (work) => settle(work, [outcome]))
    },
  }
}
