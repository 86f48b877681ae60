import type pg from 'pg'
import type { Sql } from './database.ts'
import { StartProblem } from './start-problem.ts'

/**
 * Throws a StartProblem where whoever asks may not read every table of ours: after a restore into a cluster without
 * the roles, or while the first migration has yet to end.
 */
export async function assertRights(reads: { readonly sql: Sql }): Promise<void> {
  const closed = await reads.sql.rows<{ name: string }>(closedStatement('current_user'))
  if (closed.length > 0) throw lacking(closed.map(({ name }) => name))
}

/** Whether it was needed: runs every `grant` and `revoke` of the migrations again, as the owner. */
export async function giveRightsAgain(owner: pg.Client, migrations: readonly { text: string }[]): Promise<boolean> {
  const { rows: roles } = await owner.query(`select from pg_roles where rolname in ('podo_service', 'podo_reader')`)
  if (roles.length === 2) {
    const closed = await owner.query(closedStatement(`'podo_service'`))
    if (closed.rows.length === 0) return false
  }
  try {
    // How the first migration makes the roles.
    await owner.query(migrations[0]!.text.match(/^do \$\$.*?^\$\$;/ms)![0])
    for (const statement of migrations.flatMap(({ text }) => text.match(/^(grant|revoke)\s[^;]*;/gm) ?? [])) {
      await owner.query(statement).catch((error) => {
        if (!isGone(error)) throw error
      })
    }
  } catch (cause) {
    throw notGiven(cause)
  }
  return true
}

/** Asks the catalogues only: of a schema that is closed to it, a role may not even hear whether a table is there. */
const closedStatement = (role: string) => `
  select n.nspname || '.' || c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_'
    and n.nspname not in ('information_schema', 'public', 'graphile_worker')
    and n.nspowner = (select nspowner from pg_namespace where nspname = 'platform')
    and not (has_schema_privilege(${role}, n.oid, 'usage') and has_table_privilege(${role}, c.oid, 'select'))
  order by 1`

/** A later migration may have dropped what an earlier one gave rights to. */
function isGone(error: { code?: string }): boolean {
  return error.code === '42P01' || error.code === '42883' || error.code === '3F000'
}

function lacking(names: readonly string[]): StartProblem {
  const shown = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`
  return new StartProblem({
    ko: `서비스의 역할 podo_service에 이 데이터베이스를 쓸 권한이 모자랍니다(${shown}). 먼저 "podo migrate"를 실행하십시오. 역할 없이 복원해 잃은 권한을 다시 주며, 진행 중인 마이그레이션이 있으면 끝나기를 기다립니다.`,
    en: `The role of the service, podo_service, may not use all of this database (${shown}). Run "podo migrate" first: it gives the rights again that a restore without the roles has lost, and waits for a migration that is under way.`,
  })
}

function notGiven(cause: unknown): StartProblem {
  return new StartProblem(
    {
      ko: `podo_service와 podo_reader에 권한을 다시 주지 못했습니다(${cause}). 관리자로 두 역할을 만들고, 데이터베이스와 테이블이 DATABASE_OWNER_URL의 사용자의 것인지 확인하십시오.`,
      en: `The rights of podo_service and podo_reader could not be given again (${cause}). Make both roles as an administrator, and see that the database and its tables belong to the login of DATABASE_OWNER_URL.`,
    },
    { cause },
  )
}
