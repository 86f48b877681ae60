import type { Sql } from './database.ts'

/**
 * Whether the database was restored into another PostgreSQL cluster and `migrate` has not been there yet. A fresh
 * cluster counts its transactions from the beginning: what is new would stand behind every watermark and never be seen.
 */
export async function isForeignCluster(reads: { readonly sql: Sql }): Promise<boolean> {
  const rows = await reads.sql.rows<{ moved: boolean }>(
    `select c.system_identifier <> here.system_identifier as moved
     from platform.cluster c, pg_control_system() as here`,
  )
  return rows[0]!.moved
}

/** A session whose transaction holds the horizon back. */
export interface HorizonHolder {
  readonly ageSeconds: number
  readonly application: string
  readonly pid: number
  readonly database: string
  /** What the session does, as PostgreSQL names it: `active`, `idle in transaction`, a prepared transaction. */
  readonly state: string
}

/**
 * Who has held the horizon back longest, in the whole cluster; null when nobody does. A transaction that writes keeps
 * back what may be folded; any that reads keeps dead rows from being cleaned up. Of other logins' sessions the service
 * sees this only with the role `pg_read_all_stats`.
 */
export async function findHorizonHolder(reads: { readonly sql: Sql }): Promise<HorizonHolder | null> {
  const rows = await reads.sql.rows<HorizonHolder>(
    `select extract(epoch from clock_timestamp() - since)::float8 as "ageSeconds", application, pid, database, state
     from (
       select xact_start as since, application_name as application, pid, coalesce(datname, '') as database,
         coalesce(state, backend_type) as state
       from pg_stat_activity
       where pid <> pg_backend_pid() and xact_start is not null
         and (backend_xid is not null or backend_xmin is not null and backend_type <> 'autovacuum worker')
       union all
       select prepared, gid, 0, database, 'prepared transaction' from pg_prepared_xacts
     ) holder
     order by since limit 1`,
  )
  return rows[0] ?? null
}
