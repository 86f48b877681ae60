import { hash } from 'node:crypto'
import type { Caller } from '../access.ts'
import type { Answer } from '../create-once.ts'
import type { IdempotencyKey } from '../idempotency.ts'
import { fromPublicId, toPublicId } from '../ids.ts'
import type { FieldError, Language, Problem, ProblemKind, ProblemParams } from '../problem.ts'
import type { Sealing } from '../sealing.ts'
import type { Actor, Work } from '../work.ts'

/** A request that may be carried out later than it came, and by another process: everything that it is decided by. */
export interface Asked {
  readonly caller: Caller
  readonly key: IdempotencyKey & { readonly text: string }
  /** Whether the key came with the request; otherwise it was made for it. */
  readonly isKeyGiven: boolean
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
  /** Of the request that it came with. */
  readonly requestId: string
  /** The language of that request. */
  readonly language: Language
  /** Carried out later: whatever comes of it is kept under the key for ever, a refusal of any status too. */
  readonly isQueued: boolean
  /** What there is against it already, before anybody looks at what it asks for. */
  readonly refusal?: Problem
}

/** What came of an operation: what the request would have been answered. */
export type Outcome = { readonly status: number; readonly body: string } | { readonly problem: StoredProblem }

/** A refusal, whole, so that it does not depend on tomorrow's texts. */
export interface StoredProblem {
  readonly kind: ProblemKind
  readonly params: ProblemParams
  readonly errors?: readonly FieldError[] | undefined
}

/** An operation that is to be carried out. */
export interface Operation {
  /** Its place among all that were taken on. */
  readonly seq: number
  /** UUID. */
  readonly id: string
  readonly name: string
  readonly asked: Asked
}

/** A kind of request that may be taken on now and carried out later. */
export interface OperationKind {
  /** Its `operationId` in the API document. */
  readonly name: string
  /** UUID: those that name the same are never carried out past one that cannot be. */
  orderKey(asked: Pick<Asked, 'params' | 'body' | 'key'>): string
  /** Throws the Problems that the request itself has, whoever sends it and whenever: such a one is not taken on. */
  check(asked: Asked): void
  /** Carries the request out now. Throws Problems. */
  perform(asked: Asked): Promise<Answer>
  readonly room: Room
}

/** Where operations are carried out; those of one room that follow each other go together. */
export interface Room {
  /** How many go together at most; without it, as many as there are. */
  readonly togetherMax?: number
  /**
   * Carries out as many as go together, from the first and in their order, and says in the unit of work that does it
   * what came of them. Throws where nothing was decided.
   */
  carryOut(operations: readonly Operation[], settle: Settle): Promise<void>
}

/** Says what came of the first operations, as many as there are outcomes. */
export type Settle = (work: Work, outcomes: readonly Outcome[]) => Promise<void>

/**
 * The id of the operation that a request is: the same in every process, and nobody's but its caller's. Ten bytes name
 * caller, key and request, six prove that we gave it.
 */
export function operationId(sealing: Sealing, { caller, key }: Pick<Asked, 'caller' | 'key'>): string {
  const name = hash('sha256', `${key.digest}\n${key.requestHash}`).slice(0, 20)
  return idsOf(sealing, { name, actor: caller.actor })[0]!
}

/**
 * Every id that an operation may have been given beside this one, which came with its request before or after a change
 * of the secret; none where this one was not given to this actor.
 */
export function listOperationIds(sealing: Sealing, { id, actor }: { id: string; actor: Actor }): readonly string[] {
  const ids = idsOf(sealing, { name: id.replaceAll('-', '').slice(0, 20), actor })
  return ids.includes(id) ? ids : []
}

/** Where callers look what became of an operation. */
export function operationPath(id: string): string {
  return `/v1/operations/${toPublicId('opr', id)}`
}

/** The UUID of an id as callers see it; null for what is none. */
export function readOperationId(text: string): string | null {
  return fromPublicId('opr', text)
}

function idsOf(sealing: Sealing, { name, actor }: { name: string; actor: Actor }): readonly string[] {
  const proofs = sealing.macs('operation', `${name}\n${actor.type}\n${actor.id ?? ''}`)
  return proofs.map((proof) => toUuid(`${name}${proof.toString('hex').slice(0, 12)}`))
}

function toUuid(digits: string): string {
  const part = (from: number, to: number) => digits.slice(from, to)
  return `${part(0, 8)}-${part(8, 12)}-${part(12, 16)}-${part(16, 20)}-${part(20, 32)}`
}
