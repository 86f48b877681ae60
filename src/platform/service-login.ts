import { openDatabase } from './database.ts'
import { parsePostgresUrl } from './postgres-url.ts'
import { assertRights } from './rights.ts'
import { StartProblem } from './start-problem.ts'

/**
 * Proves that the service can work through `url`, and answers the role that its connections have to take on, or null
 * where the login is the service's own. Throws a StartProblem when the database cannot be used, or when the login owns
 * the tables and `mayOwn` is false: whoever owns the journal can change it.
 */
export async function findServiceRole(url: string, mayOwn: boolean): Promise<string | null> {
  const database = openDatabase({ url, poolSize: 1, applicationName: 'podo start' })
  try {
    const [found] = await database.sql.rows<Login>(loginStatement)
    const { login, version, migrated, owns, serves, maySet } = found!
    if (version < versionMin) throw tooOld(version)
    if (!migrated) throw notMigrated()
    if (owns && !mayOwn) throw ownsTables(login)
    if (owns && !maySet) throw mayNotServe(login)
    if (owns) return 'podo_service'
    if (!serves) throw mayDoNothing(login)
    await assertRights(database)
    return null
  } catch (error) {
    throw error instanceof StartProblem ? error : unreachable(url, error)
  } finally {
    await database.close()
  }
}

interface Login {
  readonly login: string
  readonly version: number
  readonly migrated: boolean
  readonly owns: boolean
  readonly serves: boolean
  readonly maySet: boolean
}

const versionMin = 160_000

/** A superuser counts as a member of every role. Only from version 16 on does PostgreSQL know the right `set`. */
const loginStatement = `
  select current_user::text as login,
    current_setting('server_version_num')::int as version,
    migration.owner is not null as migrated,
    coalesce(pg_has_role(migration.owner, 'member'), false) as owns,
    coalesce((select pg_has_role(r.oid, 'usage') from pg_roles r where r.rolname = 'podo_service'), false) as serves,
    coalesce((
      select case when current_setting('server_version_num')::int >= ${versionMin} then pg_has_role(r.oid, 'set') end
      from pg_roles r where r.rolname = 'podo_service'
    ), false) as "maySet"
  from (select) it left join (
    select c.relowner as owner from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'platform' and c.relname = 'migration'
  ) migration on true`

/** The sentence for a database that does not answer as it should; the address is shown without its password. */
export function unreachable(url: string, cause: unknown): StartProblem {
  const { place } = parsePostgresUrl(url)!
  const { message, code } = cause as { message?: string; code?: string }
  const reason = message || code || String(cause)
  return new StartProblem(
    {
      ko: `데이터베이스(${place})를 쓸 수 없습니다(${reason}). DATABASE_URL과 DATABASE_OWNER_URL을 확인하십시오.`,
      en: `The database ${place} cannot be used (${reason}). Check DATABASE_URL and DATABASE_OWNER_URL.`,
    },
    { cause },
  )
}

function tooOld(version: number): StartProblem {
  const major = Math.floor(version / 10_000)
  return new StartProblem({
    ko: `이 데이터베이스는 PostgreSQL ${major}입니다. 16 이상이 필요합니다.`,
    en: `This database is PostgreSQL ${major}. Podo needs 16 or newer.`,
  })
}

function notMigrated(): StartProblem {
  return new StartProblem({
    ko: '이 데이터베이스에는 Podo의 테이블이 없습니다. 먼저 "podo migrate"를 실행하십시오.',
    en: 'This database has no tables of Podo. Run "podo migrate" first.',
  })
}

function ownsTables(login: string): StartProblem {
  return new StartProblem({
    ko: `DATABASE_URL의 사용자(${login})는 원장의 소유자 권한을 가지고 있어 기록을 바꿀 수 있습니다. 운영 환경에서는 podo_service로 접속하고, 소유자는 DATABASE_OWNER_URL에 따로 적으십시오.`,
    en: `The login of DATABASE_URL, ${login}, has the rights of the journal's owner and could change it. In production let the service connect as podo_service, and name the owner in DATABASE_OWNER_URL.`,
  })
}

function mayNotServe(login: string): StartProblem {
  return new StartProblem({
    ko: `DATABASE_URL의 사용자(${login})는 테이블의 소유자이지만 podo_service의 권한으로 바꿀 수 없습니다. 관리자로 "grant podo_service to ${login}" 명령을 실행하거나, DATABASE_URL에는 podo_service를, DATABASE_OWNER_URL에는 소유자를 적으십시오.`,
    en: `The login of DATABASE_URL, ${login}, owns the tables and may not take on podo_service. Run "grant podo_service to ${login}" as an administrator, or name podo_service in DATABASE_URL and the owner in DATABASE_OWNER_URL.`,
  })
}

function mayDoNothing(login: string): StartProblem {
  return new StartProblem({
    ko: `DATABASE_URL의 사용자(${login})는 이 데이터베이스에서 아무 권한이 없습니다. podo_service로 접속하거나 "grant podo_service to ${login}" 명령을 실행하십시오.`,
    en: `The login of DATABASE_URL, ${login}, has no rights in this database. Connect as podo_service, or run "grant podo_service to ${login}".`,
  })
}
