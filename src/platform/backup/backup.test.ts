import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import pg from 'pg'
import { openHouse, until } from '#test/harness'
import { findAlert } from '../alerts.ts'
import { openDatabase } from '../database.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded-postgres.ts'
import { openLog } from '../log.ts'
import { type ArchiveKeeper, archiveAt, keepArchive, listSegments, readArchived, readSegment } from './archive.ts'
import { takeBackup } from './base-backup.ts'
import { type Backup, isBackup, listBackups, renderManifest } from './manifest.ts'
import { restoreBackup } from './restore.ts'
import { backupJobs, findBackupProblem, folderFor, forgetOld } from './schedule.ts'
import { bytesBefore } from './wal.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const folder = mkdtempSync(join(tmpdir(), 'podo-backup-'))
const dataDir = join(folder, 'data')
const backupDir = join(folder, 'backups')
let server: EmbeddedPostgres
let keeper: ArchiveKeeper
let first: Backup
const errors: unknown[] = []

before(async () => {
  chmodSync(folder, 0o755)
  // What is acknowledged is in the log, which is all that is archived; that the disk has it is proved elsewhere.
  server = await startEmbeddedPostgres({ dataDir, durable: false, settings: { synchronous_commit: 'on' } })
  await rowsOf(server.ownerUrl, 'create table told (number int primary key)')
  keeper = await keepArchive({ server, backupDir, intervalMs: 50, onError: (error) => errors.push(error) })
  first = await takeBackup({ dataDir, adminUrl: server.adminUrl }, join(keeper.archive.folder, 'first'))
})

after(async () => {
  await keeper.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})

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

interface Said {
  readonly number: number
  readonly askedAt: number
  readonly answeredAt: number
}

let number = 0

/** Somebody who writes numbers, one after the other, until told to stop. */
function speaker(t: TestContext): { said: Said[]; stop(): Promise<void> } {
  const said: Said[] = []
  const client = new pg.Client({ connectionString: server.ownerUrl })
  let isStopped = false
  const loop = async () => {
    await client.connect()
    while (!isStopped) {
      const askedAt = Date.now()
      number += 1
      const own = number
      await client.query('insert into told values ($1)', [own])
      said.push({ number: own, askedAt, answeredAt: Date.now() })
    }
    await client.end()
  }
  const ended = loop()
  const stop = () => {
    isStopped = true
    return ended
  }
  t.after(stop)
  return { said, stop }
}

/** Where a test restores into: some hundred megabytes, which go with it. */
function targetOf(t: TestContext, name: string): string {
  const target = join(folder, name)
  t.after(() => rm(target, { recursive: true, force: true }))
  return target
}

async function toldIn(restored: string): Promise<Set<number>> {
  const other = await startEmbeddedPostgres({ dataDir: restored, durable: false })
  try {
    const rows = await rowsOf(other.ownerUrl, 'select number from told')
    return new Set(rows.map((row) => row.number as number))
  } finally {
    await other.stop()
  }
}

test('a backup taken under load holds all that was acknowledged before the instant that its restore names', async (t) => {
  const { said, stop } = speaker(t)
  await until('somebody speaks', () => said.length > 20)
  // Slowly, while PostgreSQL is told to begin new segments and to forget old ones.
  const source = { dataDir, adminUrl: server.adminUrl, ...(isLong ? { rateMax: 16 * 1024 } : {}) }
  const forget = async () => {
    for (let turn = 0; isLong && turn < 5; turn += 1) {
      await rowsOf(server.adminUrl, 'select pg_switch_wal()')
      await rowsOf(server.adminUrl, 'checkpoint')
    }
  }
  const [{ folder: made, manifest }] = await Promise.all([takeBackup(source, join(folder, 'alone')), forget()])
  await stop()
  assert.equal(existsSync(`${made}.new`), false)
  for (const name of readdirSync(made)) assert.equal(statSync(join(made, name)).mode & 0o077, 0, name)
  const target = targetOf(t, 'from-alone')
  const left = join(target, 'restore-20260101T000000Z')
  mkdirSync(join(left, 'postgres'), { recursive: true })
  chmodSync(target, 0o755)
  const restored = await restoreBackup({ from: made, dataDir: target, durable: false })
  assert.ok(restored.until >= new Date(manifest.startedAt), 'what was said while it began is missing')
  assert.equal(restored.aside, null)
  assert.equal(existsSync(left), false, 'what a restore left that was killed')
  const told = await toldIn(target)
  const promised = said.filter(({ answeredAt }) => answeredAt < restored.until.getTime())
  assert.ok(promised.length > 20)
  assert.deepEqual(
    promised.filter((each) => !told.has(each.number)),
    [],
  )
})

// Of the moment that is asked for, the command's own test makes sure in every run.
test('from backup and log a moment comes back, or everything', { skip: !isLong }, async (t) => {
  const { said, stop } = speaker(t)
  await until('somebody speaks', () => said.length > 50)
  await rowsOf(server.adminUrl, 'select pg_switch_wal()')
  await until('more is said', () => said.length > 100)
  const to = new Date()
  await until('more is said after that', () => said.length > 150)
  await stop()
  await keeper.next()
  const target = targetOf(t, 'to-a-moment')
  await restoreBackup({ from: backupDir, to, dataDir: target, durable: false })
  const told = await toldIn(target)
  const isWrong = ({ number, askedAt, answeredAt }: Said) =>
    told.has(number) ? askedAt > to.getTime() : answeredAt < to.getTime()
  assert.deepEqual(said.filter(isWrong), [])
  // Everything comes back into the same folder, and what was there is kept.
  const last = await restoreBackup({ from: keeper.archive.folder, dataDir: target, durable: false })
  assert.ok(existsSync(join(last.aside!, 'postgres/data/PG_VERSION')))
  const all = await toldIn(target)
  assert.deepEqual(
    said.filter((each) => !all.has(each.number)),
    [],
  )
  assert.deepEqual(errors, [])
  // A moment after the last commit that there is.
  const { at } = readArchived(keeper.archive)!
  await restoreBackup({ from: backupDir, to: new Date(at), dataDir: target, durable: false })
  assert.deepEqual(await toldIn(target), all)
})

test('a log that cannot be read to its end is no end of the log', { skip: !isLong }, async () => {
  const { archive } = keeper
  const { segmentBytes, endLsn } = first.manifest
  for (let segment = 0; segment < 4; segment += 1) {
    await rowsOf(server.ownerUrl, 'create table more as select 1; drop table more')
    await rowsOf(server.adminUrl, 'select pg_switch_wal()')
  }
  await keeper.next()
  const after = Math.ceil(bytesBefore(endLsn) / segmentBytes)
  const [, hole] = (await listSegments(archive, segmentBytes)).filter(({ number }) => number >= after)
  const bytes = readFileSync(hole!.path)
  writeFileSync(hole!.path, zstdCompressSync(Buffer.alloc(segmentBytes)))
  const target = join(folder, 'with-a-hole')
  await assert.rejects(
    restoreBackup({ from: backupDir, dataDir: target, durable: false }),
    /cannot be read to its end: this goes up to 20.* only/,
  )
  assert.equal(existsSync(join(target, 'postgres')), false)
  assert.deepEqual(readdirSync(target).sort(), ['lock', 'podo.pid'])
  writeFileSync(hole!.path, bytes)
})

test('whatever is damaged or missing is found before anything is made', async () => {
  const target = join(folder, 'never')
  const refused = async (from: string, says: RegExp) => {
    await assert.rejects(restoreBackup({ from, dataDir: target, durable: false }), says)
    assert.equal(existsSync(target), false)
  }
  const { archive } = keeper
  await rowsOf(server.adminUrl, 'select pg_switch_wal()')
  await keeper.next()
  const [later] = (await listSegments(archive, first.manifest.segmentBytes)).slice(-2)
  for (const path of [join(first.folder, 'base.tar.zst'), join(first.folder, 'manifest.json'), later!.path]) {
    const bytes = readFileSync(path)
    const changed = Buffer.from(bytes)
    changed[bytes.length >> 1]! ^= 1
    writeFileSync(path, changed)
    await refused(backupDir, new RegExp(`damaged: ${path} is not as it was written`))
    writeFileSync(path, bytes.subarray(0, bytes.length >> 1))
    await refused(backupDir, /damaged/)
    rmSync(path)
    await refused(
      backupDir,
      path === later!.path ? /log is missing or damaged: .*\/wal\/[0-9A-F]{24}/ : /damaged|no backup/,
    )
    writeFileSync(path, bytes)
  }
  const reach = /Within reach is .* to .*/
  await assert.rejects(restoreBackup({ from: backupDir, to: new Date(0), dataDir: target }), reach)
  await assert.rejects(restoreBackup({ from: backupDir, to: new Date(Date.now() + 9e9), dataDir: target }), reach)
  await assert.rejects(
    restoreBackup({ from: first.folder, to: new Date(), dataDir: target }),
    /For --to name the folder/,
  )
  await refused(folder, /There is no backup in/)
  cpSync(archive.folder, `${archive.folder}_other`, { recursive: true })
  await refused(
    backupDir,
    /holds the backups of several databases\. Name one of them\.\n( {2}.*podo_archive_.*\n?){2}$/,
  )
  rmSync(`${archive.folder}_other`, { recursive: true })
})

test('the end of the log is never lost silently, and is found where it is written on meanwhile', async () => {
  await rowsOf(server.ownerUrl, 'insert into told values (-1)')
  await keeper.next()
  const dir = join(folder, 'copied')
  const copied = join(dir, basename(keeper.archive.folder))
  cpSync(keeper.archive.folder, copied, { recursive: true })
  const refused = (says: RegExp, dataDir = join(folder, 'never')) =>
    assert.rejects(restoreBackup({ from: dir, dataDir, durable: false }), says)
  const { segmentBytes } = first.manifest
  const end = (await listSegments(archiveAt(copied), segmentBytes)).at(-1)!
  const bytes = readFileSync(end.path)
  rmSync(end.path)
  await refused(/log is missing or damaged: .*\/wal\/[0-9A-F]{24}\. Put it back/)
  writeFileSync(end.path, zstdCompressSync(Buffer.alloc(9)))
  await refused(new RegExp(`damaged: ${end.path} is not as it was written`))
  writeFileSync(end.path, bytes)
  renameSync(end.path, end.path.replace('.partial', ''))
  assert.equal((await readSegment(end, segmentBytes)).length, segmentBytes)
  // One by hand in the same place is not what was asked for.
  cpSync(first.folder, dir, { recursive: true })
  await refused(/is inside that of the backup/, join(copied, 'data'))
  writeFileSync(join(copied, 'archived.json'), '{')
  await refused(/damaged: .*archived\.json is not as it was written/)
})

test('a backup that is killed half way leaves nothing that looks whole, and the next one takes its place', async (t) => {
  const wanted = join(folder, 'killed')
  const module = JSON.stringify(join(import.meta.dirname, 'base-backup.ts'))
  const source = { dataDir, adminUrl: server.adminUrl }
  const code = `
    const { takeBackup } = await import(${module})
    await takeBackup(${JSON.stringify(source)}, ${JSON.stringify(wanted)})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' })
  t.after(() => child.kill('SIGKILL'))
  await until('it writes', () => existsSync(`${wanted}.new/base.tar.zst`))
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(existsSync(wanted), false)
  assert.equal(isBackup(`${wanted}.new`), false)
  await until('PostgreSQL has noticed', async () => (await rowsOf(server.adminUrl, slotsOfBackups)).length === 0)
  await takeBackup(source, wanted)
  assert.deepEqual([isBackup(wanted), existsSync(`${wanted}.new`)], [true, false])
})

test('Podo does not begin with nothing where a restore was killed between the old and the new', async (t) => {
  const target = targetOf(t, 'cut-off')
  mkdirSync(join(target, 'restore-20260101T000000Z/postgres'), { recursive: true })
  mkdirSync(join(target, 'before-restore-20260101T000000Z/postgres'), { recursive: true })
  await assert.rejects(startEmbeddedPostgres({ dataDir: target }), /cut off at its very end\. Run "podo restore" again/)
  assert.equal(existsSync(join(target, 'postgres')), false)
})

const slotsOfBackups = `select from pg_replication_slots where slot_name = 'podo_backup'`

async function withAnother(run: () => Promise<void>): Promise<void> {
  const other = new pg.Client({ connectionString: `${server.adminUrl}&replication=true` })
  await other.connect()
  try {
    await other.query('CREATE_REPLICATION_SLOT podo_backup TEMPORARY PHYSICAL')
    await run()
  } finally {
    await other.end()
  }
  await until('PostgreSQL has noticed', async () => (await rowsOf(server.adminUrl, slotsOfBackups)).length === 0)
}

test('a backup has a place of its own, and one is made at a time', async () => {
  const source = { dataDir, adminUrl: server.adminUrl }
  await assert.rejects(takeBackup(source, first.folder), /is not empty, and a backup overwrites nothing/)
  await assert.rejects(takeBackup(source, join(dataDir, 'backup')), /is inside the data folder/)
  writeFileSync(join(folder, 'file'), '')
  await assert.rejects(takeBackup(source, join(folder, 'file/backup')), /cannot be used \(a file stands where/)
  await withAnother(async () => {
    await assert.rejects(takeBackup(source, join(folder, 'second')), /Another backup of this database is being made/)
  })
  assert.equal(existsSync(join(folder, 'second.new')), false)
  const denied = '/proc/backup'
  if (existsSync('/proc')) await assert.rejects(takeBackup(source, denied), /cannot be used \(no folder can be made/)
})

test('old backups go, with the log that only they needed, and what was archived is never replaced', async () => {
  const { archive } = keeper
  const { segmentBytes } = first.manifest
  const source = { dataDir, adminUrl: server.adminUrl }
  const newest = await takeBackup(source, join(archive.folder, folderFor(new Date())))
  const before = await listSegments(archive, segmentBytes)
  await forgetOld(archive, 1)
  assert.deepEqual([existsSync(first.folder), existsSync(newest.folder)], [false, true])
  const left = await listSegments(archive, segmentBytes)
  assert.ok(left.length < before.length)
  // Another database writes under the name that comes next.
  const [{ name }] = (await rowsOf(server.adminUrl, 'select pg_walfile_name(pg_current_wal_lsn()) as name')) as [
    { name: string },
  ]
  const path = join(archive.wal, `${name}.zst`)
  writeFileSync(path, readFileSync(left[0]!.path))
  await rowsOf(server.ownerUrl, 'insert into told values (0)')
  await assert.rejects(keeper.next(), /was written by another database/)
  rmSync(path)
  await keeper.next()
  assert.ok(errors.every((error) => /was written by another database/.test(String(error))))
  // Somebody has cleared the disk: it begins anew, and a backup by hand does as well.
  rmSync(archive.folder, { recursive: true })
  await takeBackup(source, join(archive.folder, 'anew'))
  rmSync(archive.wal, { recursive: true, force: true })
  await forgetOld(archive, 1)
  await rowsOf(server.ownerUrl, 'create table cleared ()')
  await keeper.next()
  assert.ok((await listSegments(archive, segmentBytes)).length > 0)
})

test('a backup is made when the last one is a day old, and while none is made somebody is told', async (t) => {
  const house = await openHouse(t)
  const reads = openDatabase({ url: server.adminUrl, poolSize: 1 })
  t.after(() => reads.close())
  const settings = { dataDir, backupDir, backupEveryHours: 24, backupKeep: 2 }
  const by = { reads, withWork: house.withWork, log: openLog({ level: 'silent' }), settings }
  const [make, watch] = backupJobs(by).map((job) => () => job.run({}, { signal: t.signal, attempt: 1 })) as [Run, Run]
  const alert = async () => (await findAlert(house.database, 'backup/old'))?.endedAt
  const newest = () => listBackups(keeper.archive.folder).at(-1)?.folder

  await make()
  const made = newest()
  await make()
  assert.equal(newest(), made)
  await watch()
  assert.equal(await alert(), undefined)

  const setBack = (hours: number) => {
    const { folder, manifest } = listBackups(keeper.archive.folder)[0]!
    const at = new Date(Date.now() - hours * 3_600_000).toISOString()
    const { name, text } = renderManifest({ ...manifest, startedAt: at, completedAt: at })
    writeFileSync(join(folder, name), text)
  }
  setBack(27)
  assert.match((await findBackupProblem(by))!.en, /^The newest backup is 27 hours old/)
  await watch()
  assert.equal(await alert(), null)
  await withAnother(async () => {
    await make()
    await watch()
    assert.equal(await alert(), null, 'one under way is waited for')
  })
  await make()
  await watch()
  assert.ok((await alert()) instanceof Date)
  assert.equal(await findBackupProblem(by), null)

  const last = newest()
  assert.notEqual(last, made)
  setBack(-72)
  assert.equal(newest(), last, 'one made by a clock three days ahead is older than what came after it all the same')

  const state = join(keeper.archive.folder, 'archived.json')
  await until('the log was not archived', async () => {
    const { lsn, segmentBytes } = first.manifest as never as { lsn: string; segmentBytes: number }
    writeFileSync(state, JSON.stringify({ at: new Date(Date.now() - 3_600_000).toISOString(), lsn, segmentBytes }))
    return /^The log of the database has not been archived for 60 min/.test((await findBackupProblem(by))?.en ?? '')
  })
})

type Run = () => Promise<void>
