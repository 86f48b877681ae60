import type { Sql } from '../database.ts'
import { isAway } from '../http-failures.ts'
import { unavailable } from '../http-problems.ts'
import { idempotencyProblems } from '../idempotency.ts'
import { Problem } from '../problem.ts'
import { askTogether } from '../questions.ts'
import { type OpenGuard, Unavailable } from '../resilience.ts'
import type { Sealing } from '../sealing.ts'
import { type Command, sealCommand } from './commands.ts'
import { type Asked, type OperationKind, operationId } from './operations.ts'
import { type Found, findByKeys, insertOperations, type SealedCommand } from './store.ts'

/** What came of the wish to have a request carried out later. */
export type Taken =
  /** It is kept, and will be; `createdAt` is null where the database has not heard of it yet. */
  | { readonly status: 'waiting'; readonly id: string; readonly createdAt: Date | null }
  /** Its key has its answer, or it cannot be kept just now: to be carried out at once. */
  | { readonly status: 'now' }

/** Where commands are kept that outlive the database's being away, in the order in which they were appended. */
export interface CommandLog {
  /** Whether such a command is kept just now: none while nobody answers, and never one that is too long. */
  isReadyFor(command: SealedCommand): boolean
  /** Resolves when the command is kept; throws `unavailable` where nobody can say whether it is. */
  append(command: SealedCommand): Promise<void>
}

/** Takes requests on. */
export interface Taking {
  /**
   * Keeps a request durably, once for its key. Throws `keyReused`, and `overloaded` or `unavailable` where it can be
   * neither kept nor carried out.
   */
  take(kind: OperationKind, asked: Asked): Promise<Taken>
  /** The id of the operation that a request was taken on as. */
  findId(asked: Asked): Promise<string>
}

export interface TakingOptions {
  readonly reads: { readonly sql: Sql }
  readonly sealing: Sealing
  readonly openGuard: OpenGuard
  /** Without it, operations are kept in the database. */
  readonly log?: CommandLog | null
  /** Told when there is something to carry out. */
  readonly onTaken?: () => void
}

/** How often an insert is tried again that met another's of the same key under way. */
const attemptsMax = 10

/** Opens where requests are taken on: all by one way, so that they keep their order. */
export function openTaking({ reads, sealing, openGuard, log = null, onTaken = () => {} }: TakingOptions): Taking {
  const guard = openGuard({ name: 'keys of operations', timeoutMs: 300, concurrentMax: 10_000, waitingMax: 0 })
  const insert = askTogether<SealedCommand, Found>({
    name: 'operations',
    slots: 2,
    ask: (commands) => insertAll(reads, commands),
  })
  const look = askTogether<string, Found | null>({
    name: 'keys of operations',
    slots: 2,
    ask: (digests) => findByKeys(reads, digests),
  })
  const find = (digest: string) => guard.call(() => look(digest))
  return {
    async take(kind, asked) {
      const id = operationId(sealing, asked)
      const command: Command = { name: kind.name, id, orderKey: kind.orderKey(asked), asked }
      const sealed = { ...command, request: sealCommand(sealing, command) }
      if (log) {
        if (!log.isReadyFor(sealed)) return { status: 'now' }
        const known = asked.caller.isRecalled ? null : await find(asked.key.digest).catch(orNothing)
        if (known && known.requestHash !== asked.key.requestHash) throw new Problem(idempotencyProblems.keyReused)
        if (known) return toTaken(known)
        await log.append(sealed)
        return { status: 'waiting', id, createdAt: null }
      }
      const found = await insert(sealed)
      if (found.requestHash !== asked.key.requestHash) throw new Problem(idempotencyProblems.keyReused)
      if (found.isWaiting) onTaken()
      return toTaken(found)
    },
    async findId(asked) {
      const known = await find(asked.key.digest).catch(orNothing)
      return known?.id ?? operationId(sealing, asked)
    },
  }
}

/** By the id that it was given when it was taken on: the secret may have been another. */
function toTaken({ isWaiting, id, createdAt }: Found): Taken {
  return isWaiting ? { status: 'waiting', id: id!, createdAt } : { status: 'now' }
}

/** While nobody can say what a key stands for, that is seen when the operation is carried out. */
function orNothing(error: unknown): null {
  if (error instanceof Unavailable || isAway(error)) return null
  throw error
}

async function insertAll(reads: TakingOptions['reads'], commands: readonly SealedCommand[]): Promise<Found[]> {
  const found = await insertOperations(reads.sql, commands)
  for (let attempt = 1; found.includes(null); attempt += 1) {
    if (attempt > attemptsMax) throw unavailable()
    const places = found.flatMap((each, place) => (each === null ? [place] : []))
    const again = await insertOperations(
      reads.sql,
      places.map((place) => commands[place]!),
    )
    places.forEach((place, at) => {
      found[place] = again[at]!
    })
  }
  return found as Found[]
}
