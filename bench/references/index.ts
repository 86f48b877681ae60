import type { Database } from '#platform/database'
import type { SpendCommand } from '../spends.ts'
import {
  accountUpdate,
  accountValues,
  Conflict,
  decideSpend,
  readSpendState,
  sendSpend,
  untilThrough,
} from './single-spend.ts'

export type Reference = (database: Database, command: SpendCommand) => Promise<void>

/** The row's lock is the queue. Lock, reads and writes cost two waits, which is the fewest that it can have. */
export const spendForUpdate: Reference = (database, command) =>
  untilThrough(() =>
    database.transaction(async (sql) => {
      const state = await readSpendState(sql, command, { isLocking: true })
      const decision = decideSpend(state, command)
      if (!decision) return
      sql.send(accountUpdate, accountValues(command, decision))
      sendSpend(sql, command, state, decision)
    }),
  )

/** The account's `seq` is the version: who comes second finds it raised, and starts again. */
export const spendOptimistically: Reference = (database, command) =>
  untilThrough(() =>
    database.transaction(async (sql) => {
      const state = await readSpendState(sql, command, { isLocking: false })
      const decision = decideSpend(state, command)
      if (!decision) return
      const changed = await sql.run(`${accountUpdate} and seq = $6`, [
        ...accountValues(command, decision),
        state.account.seq,
      ])
      if (changed === 0) throw new Conflict()
      sendSpend(sql, command, state, decision)
    }),
  )

/** PostgreSQL finds the conflicts; the loser is told at a write or at the commit. */
export const spendSerializably: Reference = (database, command) =>
  untilThrough(() =>
    database.transaction(async (sql) => {
      sql.send('set transaction isolation level serializable')
      const state = await readSpendState(sql, command, { isLocking: false })
      const decision = decideSpend(state, command)
      if (!decision) return
      sql.send(accountUpdate, accountValues(command, decision))
      sendSpend(sql, command, state, decision)
    }),
  )

/** As the row's lock, in a table of locks of its own. */
export const spendUnderAdvisoryLock: Reference = (database, command) =>
  untilThrough(() =>
    database.transaction(async (sql) => {
      sql.send('select pg_advisory_xact_lock(hashtextextended($1, 0))', [command.walletId])
      const state = await readSpendState(sql, command, { isLocking: false })
      const decision = decideSpend(state, command)
      if (!decision) return
      sql.send(accountUpdate, accountValues(command, decision))
      sendSpend(sql, command, state, decision)
    }),
  )
