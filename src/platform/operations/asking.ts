import type { Caller } from '../access.ts'
import type { Sql } from '../database.ts'
import { isAway } from '../http-failures.ts'
import { Problem } from '../problem.ts'
import type { Sealing } from '../sealing.ts'
import type { Actor } from '../work.ts'
import { listOperationIds, readOperationId } from './operations.ts'
import { operationsProblems } from './problems.ts'
import type { ShownOperation } from './resources.ts'
import { type OperationRow, selectOperations } from './store.ts'

/** What asking for operations works with. */
export interface Asking {
  readonly reads: { readonly sql: Sql }
  readonly sealing: Sealing
  /** Whether operations may wait where the database does not see them yet. */
  readonly hasLog: boolean
}

/**
 * An operation of the caller's; the operator and administrators see all. One that we gave a caller the id of waits, as
 * long as the database is away or has not heard of it. Throws `operationUnknown`.
 */
export async function getOperation(
  by: Asking,
  { text, caller }: { text: string; caller: Caller },
): Promise<ShownOperation> {
  const id = readOperationId(text)
  if (id === null) throw new Problem(operationsProblems.operationUnknown)
  const { actor, isAdmin } = caller
  const own = listOperationIds(by.sealing, { id, actor })
  const isOwn = own.length > 0
  const found = await find(by, { ids: isOwn ? own : [id], mayBeAway: isOwn })
  if (found === 'away' || (found.length === 0 && isOwn && by.hasLog)) return { id, createdAt: null }
  const row = found.find((each) => isBy(each, actor)) ?? (actor.type === 'operator' || isAdmin ? found[0] : undefined)
  if (!row) throw new Problem(operationsProblems.operationUnknown)
  return row
}

/** Who asked for operations, by the ids of these; those that the database has not heard of are left out. */
export async function findOperationActors(
  reads: Asking['reads'],
  ids: readonly string[],
): Promise<Map<string, Pick<OperationRow, 'actorType' | 'actorId'>>> {
  const rows = await selectOperations(reads, ids)
  return new Map(rows.map((row) => [row.id, row]))
}

async function find(
  { reads }: Asking,
  { ids, mayBeAway }: { ids: readonly string[]; mayBeAway: boolean },
): Promise<readonly OperationRow[] | 'away'> {
  try {
    return await selectOperations(reads, ids)
  } catch (error) {
    if (mayBeAway && isAway(error)) return 'away'
    throw error
  }
}

function isBy({ actorType, actorId }: OperationRow, { type, id }: Actor): boolean {
  return actorType === type && actorId === id
}
