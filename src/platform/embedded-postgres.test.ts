import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, before, type TestContext, test } from 'node:test'
import pg from 'pg'
import { until } from '#test/harness'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded-postgres.ts'
import { findServer } from './postgres-process.ts'
import type { StartProblem } from './start-problem.ts'

const isRoot = process.getuid?.() === 0

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'podo-embedded-'))
  chmodSync(folder, 0o755)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

/** A copy of what a first start has made and a clean stop has left. */
function preparedFolder(t: TestContext): string {
  const dataDir = temporaryFolder(t)
  assert.equal(spawnSync('cp', ['-a', prepared, dataDir]).status, 0)
  return dataDir
}

async function started(t: TestContext, options: EmbeddedPostgresOptions) {
  const server = await startEmbeddedPostgres({ durable: false, ...options })
  t.after(() => server.stop())
  return server
}

async function rowsOf(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Another process that keeps a server on the folder, and says where. */
async function keeper(t: TestContext, dataDir: string) {
  const module = JSON.stringify(join(import.meta.dirname, 'embedded-postgres.ts'))
  const code = `
    const { startEmbeddedPostgres } = await import(${module})
    const { serviceUrl, adminUrl, pid } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} })
    console.log(JSON.stringify({ serviceUrl, adminUrl, pid }))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  return { child, ...(JSON.parse(line) as { serviceUrl: string; adminUrl: string; pid: number }) }
}

/** One server for the tests that only ask it. */
let asked: EmbeddedPostgres
const askedFolder = mkdtempSync(join(tmpdir(), 'podo-asked-'))

/** Stopped; others start on copies of it. */
const prepared = join(askedFolder, 'prepared')

before(async () => {
  chmodSync(askedFolder, 0o755)
  await (await startEmbeddedPostgres({ dataDir: prepared, durable: false })).stop()
  asked = await startEmbeddedPostgres({ dataDir: join(askedFolder, 'data') })
})

after(async () => {
  await asked.stop()
  rmSync(askedFolder, { recursive: true })
})

test('what is committed is on the disk: nothing of durability is switched off', async () => {
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    assert.deepEqual(await rowsOf(asked.serviceUrl, `show ${setting}`), [{ [setting]: 'on' }])
  }
})

test('nobody enters without a password, and the service is neither superuser nor owner', async () => {
  for (const url of [asked.adminUrl, asked.ownerUrl, asked.serviceUrl]) {
    await assert.rejects(rowsOf(url.replace(/:[^:@/]+@/, ':guess@'), 'select 1'), /password authentication failed/)
    await assert.rejects(rowsOf(url.replace(/:[^:@/]+@/, '@'), 'select 1'), /password/)
  }
  const [lines] = await rowsOf(
    asked.adminUrl,
    `select string_agg(distinct auth_method, ',') as methods from pg_hba_file_rules`,
  )
  assert.deepEqual(lines, { methods: 'scram-sha-256' })
  const [rights] = await rowsOf(
    asked.serviceUrl,
    `select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, pg_has_role('podo_owner', 'member') as is_owner
     from pg_roles where rolname = current_user`,
  )
  assert.deepEqual(Object.values(rights!), [false, false, false, false, false])
})

test('secrets and data are closed to other users', async () => {
  const { folder } = asked
  assert.equal(statSync(folder).mode & 0o077, 0)
  assert.equal(statSync(join(dirname(folder), 'credentials.json')).mode & 0o077, 0)
  assert.equal(existsSync(join(dirname(folder), 'password.new')), false)
})

test('Hangul are letters, and text is ordered by its bytes', async () => {
  const [found] = await rowsOf(
    asked.adminUrl,
    `select show_trgm('포도송이') <> '{}' as trigrams, '포도' ~ '^\\w+$' as letters, 'Z' < 'a' as bytes`,
  )
  assert.deepEqual(found, { trigrams: true, letters: true, bytes: true })
})

test('data, passwords and port are the same after a clean stop and a new start', async (t) => {
  const dataDir = temporaryFolder(t)
  const first = await startEmbeddedPostgres({ dataDir })
  await rowsOf(first.ownerUrl, 'create table kept as select 42 as answer')
  await first.stop()
  assert.match(readFileSync(join(dirname(first.folder), 'postgres.log'), 'utf8'), /database system is shut down/)
  const second = await started(t, { dataDir, durable: true })
  assert.equal(second.serviceUrl, first.serviceUrl)
  assert.deepEqual(await rowsOf(second.ownerUrl, 'table kept'), [{ answer: 42 }])
})

test('a second start on one folder is refused with a sentence, by another process and by this one', async (t) => {
  const dataDir = preparedFolder(t)
  const { child, serviceUrl } = await keeper(t, dataDir)
  await assert.rejects(startEmbeddedPostgres({ dataDir }), new RegExp(`in use by a Podo .* \\(process ${child.pid}\\)`))
  assert.equal(findEmbeddedPostgres(dataDir)?.serviceUrl, serviceUrl)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await started(t, { dataDir, durable: true })
  await assert.rejects(startEmbeddedPostgres({ dataDir }), /in use by a Podo/)
})

test('after kill -9 of Podo the next start takes over the server that was left, with all that was committed', async (t) => {
  const dataDir = preparedFolder(t)
  const { child, pid, adminUrl } = await keeper(t, dataDir)
  await rowsOf(adminUrl, 'create table kept as select 42 as answer')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(findEmbeddedPostgres(dataDir), null)
  const server = await started(t, { dataDir, durable: true })
  assert.equal(server.pid, pid)
  assert.deepEqual(await rowsOf(server.adminUrl, 'table kept'), [{ answer: 42 }])
  await server.stop()
  await assert.rejects(rowsOf(adminUrl, 'select 1'), /ECONNREFUSED/)
})

test('a Podo that ends by an error takes the server with it, also one that is still starting', async (t) => {
  const dataDir = temporaryFolder(t)
  const note = join(dataDir, 'postgres/data/postmaster.pid')
  const code = `
    const { readFileSync, writeSync } = await import('node:fs')
    const { startEmbeddedPostgres } = await import(${JSON.stringify(join(import.meta.dirname, 'embedded-postgres.ts'))})
    setInterval(() => {
      let pid = ''
      try {
        pid = readFileSync(${JSON.stringify(note)}, 'utf8').split('\\n')[0]
      } catch {}
      if (!pid) return
      writeSync(1, pid)
      throw new Error('a mistake of ours')
    }, 1)
    await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false })
    writeSync(1, 'started too early, ')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] })
  const outputs = [child.stdout, child.stderr].map((stream) => text(stream))
  await once(child, 'exit')
  const [said, error] = await Promise.all(outputs)
  assert.match(error!, /a mistake of ours/)
  assert.match(said!, /^\d+$/)
  t.after(() => findServer(dirname(note))?.process.signal('SIGQUIT'))
  await until('the server has ended', () => findServer(dirname(note)) === null)
})

test('a server that was left with other settings is stopped cleanly and started with the present ones', async (t) => {
  const dataDir = preparedFolder(t)
  const { child, pid } = await keeper(t, dataDir)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const server = await started(t, { dataDir, durable: true, settings: { work_mem: '5MB' } })
  assert.notEqual(server.pid, pid)
  assert.deepEqual(await rowsOf(server.adminUrl, 'show work_mem'), [{ work_mem: '5MB' }])
})

test('after kill -9 of PostgreSQL it is started again, and meanwhile says that it is not there', async (t) => {
  const server = await started(t, { dataDir: preparedFolder(t), durable: true })
  await rowsOf(server.ownerUrl, 'create table kept as select 42 as answer')
  for (let round = 0; round < 3; round++) {
    const { pid } = server
    process.kill(pid, 'SIGKILL')
    await until('the loss is noticed', () => server.problem() !== null)
    await until('it is back', () => server.problem() === null)
    assert.notEqual(server.pid, pid)
    assert.deepEqual(await rowsOf(server.ownerUrl, 'table kept'), [{ answer: 42 }])
  }
})

test('PostgreSQL that does not start any more is given up in its own words, and started again once that is mended', async (t) => {
  const dataDir = preparedFolder(t)
  const options = { dataDir, durable: false, restartPausesMs: [0, 0, 0] }
  const server = await startEmbeddedPostgres(options)
  t.after(() => server.stop())
  await rowsOf(server.ownerUrl, 'create table kept as select 42 as answer')
  await rowsOf(server.adminUrl, 'checkpoint')
  const settings = join(server.folder, 'postgresql.auto.conf')
  writeFileSync(settings, 'nonsense = = 1\n')
  const log = () => readFileSync(join(dirname(server.folder), 'postgres.log'), 'utf8')
  const given = new Promise<StartProblem>((resolve) => server.onExit(resolve))
  process.kill(server.pid, 'SIGKILL')
  assert.match(
    (await given).text.en,
    /^PostgreSQL could not be started\. It said:\n(.|\n)*postgresql\.auto\.conf" contains errors/,
  )
  assert.equal(log().match(/contains errors/g)?.length, 3)
  assert.match(server.problem()!.en, /^PostgreSQL failed/)

  await server.stop()
  writeFileSync(settings, '')
  const mended = await started(t, options)
  assert.deepEqual(await rowsOf(mended.ownerUrl, 'table kept'), [{ answer: 42 }])
})

test('PostgreSQL that dies again soon after each start is given up, and leaves nothing running', async (t) => {
  const server = await started(t, { dataDir: preparedFolder(t), restartPausesMs: [100, 100, 100] })
  const problems: StartProblem[] = []
  server.onExit((problem) => problems.push(problem))
  const killed = new Set<number>()
  await until('it is given up', () => {
    const { pid } = server
    if (server.problem() === null && !killed.has(pid)) {
      killed.add(pid)
      process.kill(pid, 'SIGKILL')
    }
    return problems.length > 0
  })
  assert.ok(killed.size > 1 && killed.size <= 4, `${killed.size} were killed`)
  assert.match(problems[0]!.text.en, /^PostgreSQL (ended soon after each start|could not be started)/)
  await assert.rejects(rowsOf(server.serviceUrl, 'select 1'), /ECONNREFUSED/)
})

test('the process id that a dead server noted may be somebody else by now, who is left alone', async (t) => {
  const dataDir = preparedFolder(t)
  const folder = join(dataDir, 'postgres/data')
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  t.after(() => stranger.kill('SIGKILL'))
  await once(stranger, 'spawn')
  const note = `${stranger.pid}\n${folder}\n1\n5432\n\n127.0.0.1\n\nready\n`
  writeFileSync(join(folder, 'postmaster.pid'), note)
  await started(t, { dataDir, durable: true })
  assert.equal(stranger.exitCode, null)
  assert.equal(stranger.signalCode, null)
})

test('a first start that was interrupted leaves nothing half made in the way', async (t) => {
  const dataDir = temporaryFolder(t)
  mkdirSync(join(dataDir, 'postgres/data.new/base'), { recursive: true })
  writeFileSync(join(dataDir, 'postgres/data.new/PG_VERSION'), '18\n')
  const server = await started(t, { dataDir })
  assert.deepEqual(await rowsOf(server.serviceUrl, 'select 1 as one'), [{ one: 1 }])
})

test('a port that somebody else has taken meanwhile is exchanged for a free one', async (t) => {
  const dataDir = preparedFolder(t)
  const squatter = createServer().listen(0, '127.0.0.1')
  t.after(() => squatter.close())
  await once(squatter, 'listening')
  const port = String((squatter.address() as AddressInfo).port)
  const note = join(dataDir, 'postgres/port')
  assert.match(readFileSync(note, 'utf8'), /^\d+\n$/)
  writeFileSync(note, `${port}\n`)
  const second = await started(t, { dataDir, durable: true })
  assert.notEqual(new URL(second.serviceUrl).port, port)
})

test('data of another major version is refused with a sentence', async (t) => {
  const dataDir = preparedFolder(t)
  writeFileSync(join(dataDir, 'postgres/data/PG_VERSION'), '15\n')
  await assert.rejects(startEmbeddedPostgres({ dataDir }), /is of PostgreSQL 15, and 18 is installed/)
})

test('data without its PG_VERSION is no empty folder: it is left as it is, with the passwords that belong to it', async (t) => {
  const dataDir = preparedFolder(t)
  const first = await startEmbeddedPostgres({ dataDir, durable: false })
  await rowsOf(first.ownerUrl, 'create table kept as select 42 as answer')
  await first.stop()
  const version = join(first.folder, 'PG_VERSION')
  rmSync(version)
  await assert.rejects(startEmbeddedPostgres({ dataDir }), (error) => {
    const { ko, en } = (error as StartProblem).text
    assert.match(en, /^The database in .* is damaged: its file PG_VERSION is missing\. Put .* back from a backup/)
    assert.match(ko, /PG_VERSION 파일이 없습니다/)
    return true
  })
  writeFileSync(version, '18\n')
  const second = await started(t, { dataDir })
  assert.deepEqual(await rowsOf(second.ownerUrl, 'table kept'), [{ answer: 42 }])
})

test('packages without a PostgreSQL for this machine are named in a sentence', async (t) => {
  const options = { dataDir: temporaryFolder(t), binaries: '@embedded-postgres/plan9-x64' }
  await assert.rejects(startEmbeddedPostgres(options), /\(@embedded-postgres\/plan9-x64\) is not installed/)
})

test('it runs for root in a folder that nobody else can enter, and removing that folder starts afresh', {
  skip: !isRoot && 'only root runs PostgreSQL as another user',
}, async (t) => {
  const dataDir = temporaryFolder(t)
  chmodSync(dirname(dataDir), 0o700)
  const closedPackage = join(dirname(dataDir), 'package')
  copyPackageWithoutLinks(closedPackage)
  const options = { dataDir, binaries: join(closedPackage, 'dist/index.js'), durable: false }
  const first = await startEmbeddedPostgres(options)
  t.after(() => rmSync(dirname(first.folder), { recursive: true, force: true }))
  assert.equal(first.folder.startsWith(dirname(dataDir)), false)
  assert.equal(statSync(dirname(first.folder)).uid, 0)
  await rowsOf(first.ownerUrl, 'create table kept as select 42 as answer')
  await first.stop()
  const second = await startEmbeddedPostgres(options)
  assert.deepEqual(await rowsOf(second.ownerUrl, 'table kept'), [{ answer: 42 }])
  await second.stop()
  rmSync(dataDir, { recursive: true })
  const third = await started(t, options)
  t.after(() => rmSync(dirname(third.folder), { recursive: true, force: true }))
  assert.notEqual(third.folder, first.folder)
})

test('the links that an install without scripts leaves out are made at the start', async (t) => {
  const dataDir = preparedFolder(t)
  const bare = join(dirname(dataDir), 'package')
  copyPackageWithoutLinks(bare)
  await started(t, { dataDir, binaries: join(bare, 'dist/index.js') })
  assert.ok(statSync(join(bare, 'native/lib/libpq.so.5')).isFile())
})

function copyPackageWithoutLinks(target: string): void {
  const { resolve } = createRequire(import.meta.url)
  const root = dirname(dirname(resolve(`@embedded-postgres/${process.platform}-${process.arch}`)))
  cpSync(root, target, { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as { target: string }[]
  for (const { target: link } of links) rmSync(join(target, link), { force: true })
  assert.equal(readdirSync(join(target, 'native/lib')).includes('libpq.so.5'), false)
}
