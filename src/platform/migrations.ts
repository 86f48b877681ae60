import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { connectionTo } from './connections.ts'
import type { Sql } from './database.ts'
import { prepareJobQueue } from './job-queue.ts'
import { assertRights, giveRightsAgain } from './rights.ts'
import { unreachable } from './service-login.ts'
import { StartProblem } from './start-problem.ts'

export interface Migration {
  readonly number: number
  /** Name of the file. */
  readonly name: string
  readonly text: string
  /** SHA-256 of the text, in hex. */
  readonly checksum: string
}

const folder = join(import.meta.dirname, '../../migrations')

/** The migrations of a folder in their order; throws where the numbers have gaps or repeat. */
export function readMigrations(directory = folder): Migration[] {
  const names = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  return names.map((name, index) => {
    const number = Number.parseInt(name, 10)
    if (number !== index + 1) throw new Error(`${name} must bear the number ${index + 1}`)
    const text = readFileSync(join(directory, name), 'utf8')
    return { number, name, text, checksum: createHash('sha256').update(text).digest('hex') }
  })
}

/**
 * Brings the database of `url` (the owner's) up to the given migrations, each in a transaction of its own, and answers
 * the names of those it applied. Where none are given: to this release's, with its queue of jobs and the rights of its
 * roles, and at home in the cluster where it is now. Of several processes at once one works and the others wait for it.
 * Throws a StartProblem where a migration that was applied is not the one that is here now.
 */
export async function migrate(options: {
  url: string
  migrations?: readonly Migration[]
  onNotice?: (notice: string) => void
}): Promise<string[]> {
  const migrations = options.migrations ?? readMigrations()
  const connection = connectionTo(options.url)
  const client = new connection.Client({ ...connection, application_name: 'podo migrate' })
  client.on('error', () => {})
  try {
    const applied = await listApplied(client, options)
    const pending = pendingOf(migrations, applied)
    for (const migration of pending) {
      options.onNotice?.(`Applying migration ${migration.name}`)
      await apply(client, migration)
    }
    // The first migration makes the role, which later asks whether the database is as new as its code.
    if (pending.length > 0) await client.query(serviceReads)
    if (!options.migrations) {
      if (await giveRightsAgain(client, migrations)) {
        await client.query(serviceReads)
        options.onNotice?.('The roles of the service and of readers had lost rights, which were given again')
      }
      await prepareJobQueue(client, options.url)
      const { rows } = await client.query<{ moved: boolean }>('select platform.adopt_cluster() as moved')
      if (rows[0]!.moved)
        options.onNotice?.('The database came from another PostgreSQL cluster; its order goes on here')
    }
    return pending.map((migration) => migration.name)
  } finally {
    await client.end()
  }
}

const serviceReads = 'grant select on platform.migration to podo_service'

/** Names of the migrations that the database lacks; throws as `migrate` does, and where rights are missing. */
export async function findPendingMigrations(reads: { sql: Sql }): Promise<string[]> {
  await assertRights(reads)
  const [found] = await reads.sql.rows<{ exists: boolean }>(
    `select to_regclass('platform.migration') is not null as exists`,
  )
  const applied = found?.exists
    ? await reads.sql.rows<Applied>('select number, name, checksum from platform.migration order by number')
    : []
  return pendingOf(readMigrations(), applied).map((migration) => migration.name)
}

interface Applied {
  readonly number: number
  readonly name: string
  readonly checksum: string
}

/** Once nobody else is migrating. */
async function listApplied(client: pg.Client, options: { url: string; onNotice?: (notice: string) => void }) {
  try {
    await client.connect()
    await takeTurn(client, options.onNotice)
    await client.query(tableStatement)
    const { rows } = await client.query<Applied>(
      'select number, name, checksum from platform.migration order by number',
    )
    return rows
  } catch (error) {
    throw unreachable(options.url, error)
  }
}

const tableStatement = `
  create schema if not exists platform;
  create table if not exists platform.migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
  )`

/** Any number that everybody takes; it is "podo" in ASCII. */
const turn = 0x706f646f

async function takeTurn(client: pg.Client, onNotice?: (notice: string) => void): Promise<void> {
  const { rows } = await client.query('select pg_try_advisory_lock($1) as taken', [turn])
  if (rows[0].taken) return
  onNotice?.('Another process is migrating this database; waiting until it is done')
  await client.query('select pg_advisory_lock($1)', [turn])
}

/** What is newer here than in the database; what is newer there belongs to a newer Podo, which keeps older ones going. */
function pendingOf(migrations: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const pending: Migration[] = []
  const last = applied.at(-1)?.number ?? 0
  for (const migration of migrations) {
    const { number, name, checksum } = migration
    const match = applied.find((row) => row.number === number)
    if (!match && number > last) pending.push(migration)
    else if (!match || match.checksum !== checksum) throw changed(name, match?.name)
  }
  return pending
}

async function apply(client: pg.Client, { number, name, text, checksum }: Migration): Promise<void> {
  try {
    await client.query('begin')
    // Rather fail and be tried again than let every request queue up behind a table that cannot be had.
    await client.query(`set local lock_timeout = '10s'`)
    await client.query(text)
    await client.query('insert into platform.migration (number, name, checksum) values ($1, $2, $3)', [
      number,
      name,
      checksum,
    ])
    await client.query('commit')
  } catch (cause) {
    await client.query('rollback').catch(() => {})
    throw new StartProblem(
      {
        ko: `마이그레이션(${name})을 적용하지 못했습니다. 데이터베이스는 그 이전 상태 그대로입니다.\n${cause}`,
        en: `Migration ${name} could not be applied; the database is as it was before it.\n${cause}`,
      },
      { cause },
    )
  }
}

function changed(name: string, appliedName: string | undefined): StartProblem {
  const applied = appliedName ?? '-'
  return new StartProblem({
    ko: `마이그레이션(${name})이 이 데이터베이스에 적용된 것(${applied})과 다릅니다. 이미 적용된 마이그레이션은 고칠 수 없습니다. 파일을 되돌리고 새 마이그레이션을 추가하십시오. 개발 중이라면 데이터 폴더를 지우고 새로 시작하십시오.`,
    en: `Migration ${name} is not what was applied to this database (${applied}). One that was applied cannot be changed: restore the file and add a new migration. In development, remove the data folder and start afresh.`,
  })
}
