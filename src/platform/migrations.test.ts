import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Database, openDatabase } from './database.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'
import { findPendingMigrations, type Migration, migrate, readMigrations } from './migrations.ts'
import { dumpSchema } from './schema-dump.ts'
import { findServiceRole } from './service-login.ts'
import { StartProblem } from './start-problem.ts'

const folder = mkdtempSync(join(tmpdir(), 'podo-migrations-'))
chmodSync(folder, 0o755)
let server: EmbeddedPostgres
let admin: Database
let databases = 0

before(async () => {
  server = await startEmbeddedPostgres({ dataDir: folder, durable: false })
  admin = openDatabase({ url: server.adminUrl, poolSize: 1 })
})

after(async () => {
  await admin.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})

async function emptyDatabase(owner = 'podo_owner'): Promise<{ ownerUrl: string; serviceUrl: string }> {
  const name = `empty_${++databases}`
  await admin.sql.run(`create database ${name} owner ${owner}`)
  const named = (url: string) => url.replace('/podo?', `/${name}?`)
  return { ownerUrl: named(server.ownerUrl), serviceUrl: named(server.serviceUrl) }
}

async function withSql<T>(url: string, run: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase({ url, poolSize: 1 })
  try {
    return await run(database)
  } finally {
    await database.close()
  }
}

function migration(number: number, text: string): Migration {
  return { number, name: `000${number}_test.sql`, text, checksum: createHash('sha256').update(text).digest('hex') }
}

const first = migration(1, 'create table platform.one (a int)')
const second = migration(2, 'create table platform.two (a int); insert into platform.two values (1)')

test('migrations are applied once, in order, and those that come later are added', async () => {
  const { ownerUrl: url } = await emptyDatabase()
  assert.deepEqual(await migrate({ url, migrations: [first] }), [first.name])
  assert.deepEqual(await migrate({ url, migrations: [first, second] }), [second.name])
  assert.deepEqual(await migrate({ url, migrations: [first, second] }), [])
  const rows = await withSql(url, ({ sql }) => sql.rows('select number, checksum from platform.migration order by 1'))
  assert.deepEqual(rows, [
    { number: 1, checksum: first.checksum },
    { number: 2, checksum: second.checksum },
  ])
})

test('an older Podo leaves the newer migrations of a database alone', async () => {
  const { ownerUrl: url } = await emptyDatabase()
  await migrate({ url, migrations: [first, second] })
  assert.deepEqual(await migrate({ url, migrations: [first] }), [])
})

test('a migration that was changed after it was applied is refused by name', async () => {
  const { ownerUrl: url } = await emptyDatabase()
  await migrate({ url, migrations: [first] })
  const changed = migration(1, `${first.text} -- changed`)
  await assert.rejects(migrate({ url, migrations: [changed, second] }), (error) => {
    assert.ok(error instanceof StartProblem)
    assert.match(error.text.en, /0001_test\.sql is not what was applied/)
    return true
  })
  const left = await withSql(url, ({ sql }) => sql.rows(`select to_regclass('platform.two') as two`))
  assert.deepEqual(left, [{ two: null }])
})

test('a migration that fails leaves nothing of itself, and those before it stay', async () => {
  const { ownerUrl: url } = await emptyDatabase()
  const failing = migration(2, 'create table platform.half (a int); select 1 / 0')
  await assert.rejects(migrate({ url, migrations: [first, failing] }), /0002_test\.sql could not be applied/)
  const left = await withSql(url, ({ sql }) =>
    sql.rows(`select to_regclass('platform.half') as half, (select count(*) from platform.migration) as applied`),
  )
  assert.deepEqual(left, [{ half: null, applied: 1 }])
})

test('of five processes that migrate at once one works and four wait', async () => {
  const { ownerUrl: url } = await emptyDatabase()
  const slow = migration(3, 'select pg_sleep(0.2)')
  const notices: string[] = []
  const onNotice = (notice: string) => notices.push(notice)
  const results = await Promise.all(
    Array.from({ length: 5 }, () => migrate({ url, migrations: [first, second, slow], onNotice })),
  )
  assert.deepEqual(results.map((applied) => applied.length).sort(), [0, 0, 0, 0, 3])
  assert.ok(notices.some((notice) => notice.startsWith('Another process')))
})

test('the service sees what is pending, and its login owns nothing', async () => {
  const { ownerUrl, serviceUrl } = await emptyDatabase()
  const names = readMigrations().map(({ name }) => name)
  assert.deepEqual(await withSql(serviceUrl, findPendingMigrations), names)
  await assert.rejects(findServiceRole(serviceUrl, true), /Run "podo migrate" first/)
  await migrate({ url: ownerUrl })
  assert.deepEqual(await withSql(serviceUrl, findPendingMigrations), [])
  assert.equal(await findServiceRole(serviceUrl, false), null)
  await assert.rejects(
    withSql(serviceUrl, ({ sql }) => sql.run('delete from ledger.transfer')),
    /permission denied/,
  )
})

test('an owner who may not give the role of the service away migrates, and the service works by its own login', async () => {
  await admin.sql.run(`do $$ begin create role podo_reader nologin; exception when duplicate_object then null; end $$`)
  for (const right of ['nocreaterole', 'createrole']) {
    const owner = `owner_with_${right}`
    await admin.sql.run(`create role ${owner} login ${right} password 'secret'`)
    const { ownerUrl, serviceUrl } = await emptyDatabase(owner)
    const url = ownerUrl.replace(/podo_owner:[^@]+@/, `${owner}:secret@`)
    assert.equal((await migrate({ url })).length, readMigrations().length)
    assert.equal(await findServiceRole(serviceUrl, false), null)
    assert.equal((await withSql(serviceUrl, ({ sql }) => sql.rows('select from platform.clock'))).length, 1)
    await assert.rejects(
      withSql(url, ({ sql }) => sql.run('set role podo_service')),
      /permission denied to set role/,
    )
    await assert.rejects(findServiceRole(url, true), new RegExp(`Run "grant podo_service to ${owner}"`))
    // Of a member that may not change to the role, PostgreSQL says that it is one all the same.
    await admin.sql.run(`grant podo_service to ${owner} with set false`)
    await assert.rejects(findServiceRole(url, true), new RegExp(`Run "grant podo_service to ${owner}"`))
  }
})

test('a login that owns the journal takes on the role of the service, and is refused in production', async () => {
  const { ownerUrl, serviceUrl } = await emptyDatabase()
  await migrate({ url: ownerUrl })
  assert.equal(await findServiceRole(ownerUrl, true), 'podo_service')
  await assert.rejects(findServiceRole(ownerUrl, false), /podo_owner, has the rights of the journal's owner/)
  await assert.rejects(findServiceRole(serviceUrl.replace(/:[^:@]+@/, ':wrong@'), true), (error) => {
    assert.ok(error instanceof StartProblem)
    assert.doesNotMatch(error.text.en, /wrong@/)
    return true
  })
})

test('migrate gives the rights again that a restore has lost, and until then the service asks for it', async () => {
  const { ownerUrl, serviceUrl } = await emptyDatabase()
  await migrate({ url: ownerUrl })
  const dump = () => withSql(ownerUrl, ({ sql }) => dumpSchema(sql))
  const whole = await dump()
  const losses = [
    'revoke all on ledger.lot from podo_service, podo_reader',
    'revoke all on platform.migration from podo_service',
    `do $$ declare name text; begin
       for name in select nspname from pg_namespace where nspowner = 'podo_owner'::regrole loop
         execute format('revoke all on schema %I from podo_service, podo_reader', name);
         execute format('revoke all on all tables in schema %I from podo_service, podo_reader', name);
         execute format('revoke all on all sequences in schema %I from podo_service, podo_reader', name);
       end loop;
       revoke all on function platform.programme_time(), platform.current_position() from podo_service, podo_reader;
       revoke all on all functions in schema graphile_worker from podo_service;
       drop policy service on graphile_worker._private_jobs;
     end $$`,
  ]
  for (const loss of losses) {
    await withSql(ownerUrl, ({ sql }) => sql.run(loss))
    const start = async () => {
      await findServiceRole(serviceUrl, false)
      await withSql(serviceUrl, findPendingMigrations)
    }
    await assert.rejects(start, (error) => {
      assert.ok(error instanceof StartProblem, `${error}`)
      assert.match(
        error.text.en,
        /podo_service, may not use .*(ledger\.lot|platform\.migration|companies\.company).* Run "podo migrate" first/,
      )
      return true
    })
    await assert.rejects(withSql(serviceUrl, findPendingMigrations), StartProblem)
    const notices: string[] = []
    assert.deepEqual(await migrate({ url: ownerUrl, onNotice: (notice) => notices.push(notice) }), [])
    assert.match(notices.join(), /rights.*given again/)
    assert.equal(await dump(), whole)
    await start()
  }
  await withSql(serviceUrl, ({ sql }) => sql.run(`select graphile_worker.add_job('nothing')`))
  const jobs = await withSql(serviceUrl, ({ sql }) => sql.rows('select from graphile_worker._private_jobs'))
  assert.equal(jobs.length, 1)
  const notices: string[] = []
  await migrate({ url: ownerUrl, onNotice: (notice) => notices.push(notice) })
  assert.deepEqual(notices, [])
})

test('the same schema gives the same text, and a change of any part changes it', async () => {
  const [one, two] = [await emptyDatabase(), await emptyDatabase()]
  await migrate({ url: one.ownerUrl })
  await migrate({ url: two.ownerUrl })
  const dump = (url: string) => withSql(url, ({ sql }) => dumpSchema(sql))
  const text = await dump(one.ownerUrl)
  assert.equal(await dump(two.ownerUrl), text)
  assert.match(text, /create table ledger\.transfer \(\n {2}id uuid not null,/)
  const changes = [
    'alter table platform.clock add column extra text',
    'alter table platform.clock alter column offset_ms set default 1',
    'create index clock_offset on platform.clock (offset_ms)',
    'alter table platform.clock drop constraint clock_runs_forward',
    'grant delete on platform.clock to podo_service',
    'grant update (offset_ms) on platform.clock to podo_reader',
    `comment on column platform.clock.offset_ms is 'milliseconds'`,
    `create type platform.colour as enum ('red')`,
    'create sequence platform.counter',
    'create view platform.now as select platform.programme_time()',
    'create function platform.one_more() returns int language sql as $$ select 1 $$',
    'alter table platform.clock enable row level security',
  ]
  await withSql(two.ownerUrl, async (owner) => {
    for (const change of changes) {
      const before = await dumpSchema(owner.sql)
      await owner.sql.run(change)
      assert.notEqual(await dumpSchema(owner.sql), before, change)
    }
  })
})
