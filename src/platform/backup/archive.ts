import { existsSync, readFileSync } from 'node:fs'
import { open, readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { openDatabase, type Sql } from '../database.ts'
import { openOutage } from '../outage.ts'
import { makeFolder } from '../postgres-folder.ts'
import { packing } from './base-backup.ts'
import { writeDurably } from './durable-files.ts'
import { archivedOther, damagedBackup } from './problems.ts'
import { bytesBefore, nameOfSegment, type Segment, segmentOf } from './wal.ts'

/** Where the log and the backups of one database are kept, from when that began. */
export interface Archive {
  readonly folder: string
  readonly wal: string
}

/** Up to when everything that was acknowledged is in the archive. */
export interface Archived {
  readonly at: string
  readonly lsn: string
  readonly segmentBytes: number
}

export interface ArchiveOptions {
  /** Address of the superuser, and the folder of the server's files; the server may be another process by now. */
  readonly server: { readonly adminUrl: string; readonly folder: string }
  readonly backupDir: string
  readonly intervalMs?: number
  /** Told of the first failure, and of no other until the log could be archived again. */
  readonly onError: (error: unknown) => void
}

/** Keeps an archive up to date. */
export interface ArchiveKeeper {
  readonly archive: Archive
  /** Archives what there is by now; throws where it cannot. */
  next(): Promise<void>
  /** Archives what there is by now, and stops. */
  close(): Promise<void>
}

const usualIntervalMs = 5_000
const slotPrefix = 'podo_archive_'
const stateName = 'archived.json'
const partialEnding = '.partial.zst'
const ending = '.zst'

/**
 * Copies the log of the server into an archive in `backupDir`, segment by segment, and every few seconds as much as
 * there is of the one that is being written. What is not copied yet, PostgreSQL keeps: a replication slot says so. The
 * archive bears the name of that slot, which no copy of the database has, restored or dumped: each writes into an
 * archive of its own, in which there is one past only.
 */
export async function keepArchive(options: ArchiveOptions): Promise<ArchiveKeeper> {
  const { server, backupDir, intervalMs = usualIntervalMs, onError } = options
  const archive = await ask(server.adminUrl, async (sql) => {
    const found = await findArchive({ sql }, backupDir)
    return found ?? archiveAt(join(backupDir, await makeSlot(sql)))
  })
  openArchive(archive)
  const outage = openOutage(onError)
  const stop = new AbortController()
  let turn: Promise<unknown> = Promise.resolve()
  // A slot is one session's at a time.
  const next = () => {
    const own = turn.then(() => archiveNext(archive, server)).then(outage.reached)
    turn = own.catch(() => {})
    return own
  }
  const loop = async () => {
    while (!stop.signal.aborted) {
      await next().catch(outage.noticed)
      await delay(intervalMs, undefined, { signal: stop.signal }).catch(() => {})
    }
    await next().catch(outage.noticed)
  }
  const ended = loop()
  return {
    archive,
    next,
    close() {
      stop.abort()
      return ended
    },
  }
}

/** Lets PostgreSQL forget its log again where nobody archives it: otherwise it would fill the disk. */
export function endArchives(adminUrl: string): Promise<void> {
  return ask(adminUrl, async (sql) => {
    await sql.rows(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where starts_with(slot_name, $1)',
      [slotPrefix],
    )
  })
}

/** The archive that a server writes, or null where it writes none. */
export async function findArchive(reads: { readonly sql: Sql }, backupDir: string): Promise<Archive | null> {
  const rows = await reads.sql.rows<{ name: string }>(slotStatement, [slotPrefix])
  return rows[0] ? archiveAt(join(backupDir, rows[0].name)) : null
}

/** It may have been removed since. */
function openArchive({ wal }: Archive): void {
  if (!existsSync(wal)) makeFolder(wal, 0o700)
}

/** An archive by its folder. */
export function archiveAt(folder: string): Archive {
  return { folder, wal: join(folder, 'wal') }
}

/** When an archive began, by its name: in milliseconds. */
export function beginningOf({ folder }: Archive): number {
  const [, year, month, day, ...time] = /_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_/.exec(basename(folder))!
  return Date.parse(`${year}-${month}-${day}T${time.join(':')}Z`)
}

/** Whether a folder is an archive. */
export function isArchive(folder: string): boolean {
  return existsSync(join(folder, 'wal'))
}

/** Up to when everything is in the archive; null where nothing ever was. */
export function readArchived({ folder }: Archive): Archived | null {
  const path = join(folder, stateName)
  if (!existsSync(path)) return null
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Archived
  } catch (cause) {
    throw damagedBackup(path, { cause })
  }
}

/** A segment in the archive. */
export interface StoredSegment extends Segment {
  readonly path: string
  /** How much of it was archived at least, where that is known. */
  readonly bytesMin?: number
}

/** The segments in the archive in their order; the last one may be a part. */
export async function listSegments({ wal }: Archive, segmentBytes: number): Promise<StoredSegment[]> {
  const found = new Map<number, StoredSegment>()
  // Where a segment is there whole and in part, the whole one, whose shorter name comes later.
  for (const name of existsSync(wal) ? (await readdir(wal)).sort(byLength) : []) {
    const segment = name.endsWith(ending) ? segmentOf(name.split('.')[0]!, segmentBytes) : null
    if (segment) found.set(segment.number, { ...segment, path: join(wal, name) })
  }
  return [...found.values()].sort((a, b) => a.number - b.number)
}

/** The bytes of a segment, filled up to its length; throws where they are not what was written. */
export async function readSegment(segment: StoredSegment, segmentBytes: number): Promise<Buffer> {
  const { path, bytesMin = 0 } = segment
  const bytes = await unpack(await readStored(path))
  if (bytes.length > segmentBytes) throw new Error(`${path} is too long`)
  if (bytes.length < bytesMin) throw new Error(`${path} is too short`)
  return Buffer.concat([bytes, Buffer.alloc(segmentBytes - bytes.length)])
}

/** A part that was listed may be whole by now: a restore reads beside a Podo that archives. */
async function readStored(path: string): Promise<Buffer> {
  const isPart = path.endsWith(partialEnding)
  const whole = isPart ? `${path.slice(0, -partialEnding.length)}${ending}` : path
  return readFile(isPart && existsSync(whole) ? whole : path)
}

/** Removes the segments before a place in the log. */
export async function forgetBefore(archive: Archive, from: { lsn: string; segmentBytes: number }): Promise<void> {
  const first = Math.floor(bytesBefore(from.lsn) / from.segmentBytes)
  for (const { number, path } of await listSegments(archive, from.segmentBytes)) {
    if (number < first) await rm(path, { force: true })
  }
}

const pack = promisify(zstdCompress)
const unpack = promisify(zstdDecompress)

function byLength(a: string, b: string): number {
  return b.length - a.length
}

async function ask<T>(adminUrl: string, run: (sql: Sql) => Promise<T>): Promise<T> {
  const database = openDatabase({ url: adminUrl, poolSize: 1, applicationName: 'podo archive' })
  try {
    return await run(database.sql)
  } finally {
    await database.close()
  }
}

const slotStatement =
  'select slot_name as name from pg_replication_slots where starts_with(slot_name, $1) order by 1 desc limit 1'

async function makeSlot(sql: Sql): Promise<string> {
  const rows = await sql.rows<{ name: string }>(
    `select slot_name as name from pg_create_physical_replication_slot(
       $1 || to_char(clock_timestamp(), 'YYYYMMDD_HH24MISS_') || left(md5(gen_random_uuid()::text), 6), true)`,
    [slotPrefix],
  )
  return rows[0]!.name
}

interface Log {
  readonly slot: string
  readonly at: Date
  /** Up to where the log is on the disk, and from where on the slot keeps it. */
  readonly lsn: string
  readonly keptFrom: string
  readonly timeline: number
  readonly segmentBytes: number
}

/** What was acknowledged before `at` stands before `lsn`: the one is asked for before the other. */
const logStatement = `
  select clock_timestamp() as at, pg_current_wal_flush_lsn()::text as lsn,
    slot_name as slot, restart_lsn::text as "keptFrom",
    (select timeline_id from pg_control_checkpoint()) as timeline,
    pg_size_bytes(current_setting('wal_segment_size')) as "segmentBytes"
  from pg_replication_slots where starts_with(slot_name, $1) order by slot_name desc limit 1`

async function archiveNext(archive: Archive, server: ArchiveOptions['server']): Promise<void> {
  openArchive(archive)
  await ask(server.adminUrl, async (sql) => {
    const [log] = await sql.rows<Log>(logStatement, [slotPrefix])
    const { slot, at, lsn, keptFrom, timeline, segmentBytes } = log!
    const end = bytesBefore(lsn)
    const last = Math.floor(end / segmentBytes)
    for (let number = Math.floor(bytesBefore(keptFrom) / segmentBytes); number <= last; number += 1) {
      const name = nameOfSegment({ timeline, number }, segmentBytes)
      const bytes = Math.min(segmentBytes, end - number * segmentBytes)
      if (bytes > 0) await store(archive, { name, bytes, isWhole: number < last, from: server.folder })
    }
    await sql.rows('select pg_replication_slot_advance($1, $2)', [slot, lsn])
    const state: Archived = { at: at.toISOString(), lsn, segmentBytes }
    await writeDurably(join(archive.folder, stateName), JSON.stringify(state))
  })
}

/** Under its name only when it is on the disk; a whole one is never replaced. */
async function store(
  { wal }: Archive,
  it: { name: string; bytes: number; isWhole: boolean; from: string },
): Promise<void> {
  const path = join(wal, it.name)
  const bytes = await readBeginning(join(it.from, 'pg_wal', it.name), it.bytes)
  if (existsSync(`${path}${ending}`)) {
    const stored = await unpack(await readFile(`${path}${ending}`))
    if (!stored.subarray(0, it.bytes).equals(bytes)) throw archivedOther(`${path}${ending}`)
    return
  }
  await writeDurably(`${path}${it.isWhole ? ending : partialEnding}`, await pack(bytes, packing))
  if (it.isWhole) await rm(`${path}${partialEnding}`, { force: true })
}

async function readBeginning(path: string, count: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(count)
    const { bytesRead } = await file.read(bytes, 0, count, 0)
    if (bytesRead !== count) throw new Error(`${path} has ${bytesRead} bytes instead of ${count}`)
    return bytes
  } finally {
    await file.close()
  }
}
