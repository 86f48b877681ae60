import type { Sql } from '#platform/database'

/** How many bytes the server has written to its log in its life. */
export async function readWalPosition(sql: Sql): Promise<number> {
  const [row] = await sql.rows<{ bytes: string }>(`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes`)
  return Number(row!.bytes)
}
