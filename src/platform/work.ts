import type { Database, TransactionSql } from './database.ts'
import { newId } from './ids.ts'
import { outlastRecalls } from './recall.ts'
import { type Revocations, writeRevocations } from './revocations.ts'

/** On whose behalf something is done. */
export interface Actor {
  readonly type: 'operator' | 'company' | 'member' | 'system' | 'anonymous'
  /** UUID of the company or member; null for everybody else. */
  readonly id: string | null
}

export const system: Actor = { type: 'system', id: null }

/** Whoever has not signed in. */
export const anonymous: Actor = { type: 'anonymous', id: null }

/** One unit of work: everything that is done with it is committed together, or not at all. */
export interface Work {
  readonly sql: TransactionSql
  readonly actor: Actor
  /** The programme's time when first asked for, in whole milliseconds; the ledger takes its own under its locks. */
  now(): Promise<Date>
  newId(): string
  /**
   * Says that this takes away, or changes, what these sessions, keys or members may do: told when no process recalls
   * otherwise.
   */
  withdraw(ids: readonly string[]): void
}

/** Opens a unit of work for `run`, commits it, and answers what `run` answered. */
export type WithWork = <T>(actor: Actor, run: (work: Work) => Promise<T>) => Promise<T>

/** Units of work on this database: one transaction each, rolled back when `run` throws. */
export function workOver(database: Database, revocations?: Pick<Revocations, 'note'>): WithWork {
  return async (actor, run) => {
    let withdrawn: readonly string[] | null = null
    const result = await database.transaction((sql) => {
      let now: Promise<Date> | undefined
      return run({
        sql,
        actor,
        now() {
          now ??= sql.rows<{ now: Date }>('select platform.programme_time() as now').then((rows) => rows[0]!.now)
          return now
        },
        newId,
        withdraw(ids) {
          withdrawn = [...(withdrawn ?? []), ...ids]
          if (ids.length > 0) writeRevocations(sql, ids)
        },
      })
    })
    if (withdrawn) await Promise.all([outlastRecalls(), revocations?.note(withdrawn)])
    return result
  }
}
