import type { Sql, TransactionSql } from '#platform/database'
import type { Booking } from './booking.ts'

/** A way to keep the journal in tables. */
export interface Layout {
  readonly name: string
  /** The relations whose size counts. */
  readonly tables: readonly string[]
  /** Makes them in the schema `layout`, with checks and indexes that find and refuse the same things. */
  create(owner: Sql): Promise<void>
  insert(sql: TransactionSql, bookings: readonly Booking[]): void
  /** The newest page of a wallet's statement. */
  readStatement(sql: Sql, walletId: string): Promise<unknown[]>
}
