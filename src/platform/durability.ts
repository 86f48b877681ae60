import type { Sql } from './database.ts'
import { StartProblem } from './start-problem.ts'

/** What an acknowledged commit outlives: the end of processes only, that of the machine, or a failover as well. */
export const durabilities = ['none', 'process', 'machine', 'failover'] as const
export type Durability = (typeof durabilities)[number]

/**
 * What the commits of this server outlive; `none` where it takes none: a standby, or a database that is read-only. A
 * failover keeps them only where a synchronous standby has each before it is acknowledged.
 */
export async function findDurability(reads: { readonly sql: Sql }): Promise<Durability> {
  const rows = await reads.sql.rows<{ durability: Durability }>(
    `select case
       when current_setting('transaction_read_only')::boolean then 'none'
       when not current_setting('fsync')::boolean or not current_setting('full_page_writes')::boolean then 'process'
       when btrim(current_setting('synchronous_standby_names')) = '' then 'machine'
       else 'failover' end as durability`,
  )
  return rows[0]!.durability
}

/** Throws a StartProblem where the server may lose what it acknowledged when its machine fails. */
export async function assertDurable(reads: { readonly sql: Sql }): Promise<void> {
  const rows = await reads.sql.rows<{ off: string | null }>(
    `select string_agg(name || ' = off', ', ' order by name) as off from pg_settings
     where name in ('fsync', 'full_page_writes') and setting = 'off'`,
  )
  const { off } = rows[0]!
  if (off === null) return
  throw new StartProblem({
    ko: `이 PostgreSQL은 장애가 나면 이미 응답한 거래를 잃을 수 있습니다(${off}). 운영 프로필은 그런 서버를 쓰지 않습니다. 서버 설정에서 켠 다음 다시 시작하십시오.`,
    en: `This PostgreSQL may lose acknowledged transfers when its machine fails (${off}), and production does not use such a server. Turn that on in its configuration, and start again.`,
  })
}
