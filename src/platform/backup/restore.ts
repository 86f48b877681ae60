import { createReadStream, existsSync, statfsSync } from 'node:fs'
import { chown, copyFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createZstdDecompress } from 'node:zlib'
import { openDatabase } from '../database.ts'
import { startEmbeddedPostgres } from '../embedded-postgres.ts'
import { lockFolder } from '../folder-lock.ts'
import { folderProblem } from '../folder-problem.ts'
import { publishing } from '../kafka/store.ts'
import {
  holdsServer,
  makePrivateFolder,
  openDataFolder,
  openServerFolder,
  type ServerUser,
  serverUser,
} from '../postgres-folder.ts'
import { findServer, stopServer } from '../postgres-process.ts'
import { readSegment } from './archive.ts'
import { baseName, isWithin } from './base-backup.ts'
import { exchange, foldersOf, listLeft } from './exchange.ts'
import { assertWhole } from './manifest.ts'
import { type Past, pickPast } from './pick.ts'
import { damagedBackup, logEndsEarly, logMissing, noRoom, restoreInside } from './problems.ts'
import { unpackTar } from './tar.ts'
import { bytesBefore, nameOfSegment } from './wal.ts'

export interface RestoreOptions {
  /** A backup; or an archive or the folder of one, with its log. */
  readonly from: string
  /** Everything that was committed up to then; without it, everything that there is. */
  readonly to?: Date | null
  readonly dataDir: string
  /** False for tests: faster. */
  readonly durable?: boolean
  readonly onProgress?: (step: 'reading' | 'unpacking' | 'recovering') => void
  readonly onNotice?: (notice: string) => void
}

export interface Restored {
  /** The backup that it began with. */
  readonly backup: string
  /** The last commit that is in it. */
  readonly until: Date
  /** Where what was there before has been moved to, or null where there was nothing. */
  readonly aside: string | null
}

/**
 * Brings a database back into a data folder that no Podo uses. Every file is read and compared before anything is made,
 * and the database is recovered beside the one that is there, which is moved aside, and kept, only when that was done.
 * Throws a StartProblem where it cannot be done, with everything as it was.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const dataDir = resolve(options.dataDir)
  const user = serverUser()
  // Reading may take long: who may not restore is told before.
  if (existsSync(dataDir)) lockFolder(dataDir).release()
  options.onProgress?.('reading')
  const picked = await pickPast(resolve(options.from), options.to ?? null)
  if (isWithin(dataDir, picked.folder)) throw restoreInside(dataDir, picked.folder)
  const past = await cutToReadable(picked)
  openDataFolder(dataDir, user)
  const lock = lockFolder(dataDir)
  const { beside, aside } = foldersOf(dataDir, new Date())
  try {
    for (const left of listLeft(dataDir)) await removeServer(left, user)
    assertRoom(dataDir, past)
    await stopLeftServer(dataDir, user)
    openDataFolder(beside, user)
    options.onProgress?.('unpacking')
    await unpack(past, { beside, user })
    options.onProgress?.('recovering')
    const until = await recover(past, { ...options, beside })
    return { backup: past.backup.folder, until, aside: await exchange(dataDir, { beside, aside }) }
  } catch (error) {
    throw folderProblem(dataDir, error)
  } finally {
    await removeServer(beside, user)
    lock.release()
  }
}

/** Nothing that is needed is missing or other than it was written; a moment may lie before what is. */
async function cutToReadable(past: Past): Promise<Past> {
  const { backup, segments, to } = past
  await assertWhole(backup, () => {})
  for (const [place, segment] of segments.entries()) {
    try {
      await readSegment(segment, backup.manifest.segmentBytes)
    } catch (cause) {
      if (to === null) throw damagedBackup(segment.path, { cause })
      return { ...past, segments: segments.slice(0, place), missing: segment.path }
    }
  }
  if (past.missing && to === null) throw logMissing(past.missing)
  return past
}

function assertRoom(dataDir: string, { backup, segments }: Past): void {
  const { unpackedBytes, segmentBytes } = backup.manifest
  const { bavail, bsize } = statfsSync(dataDir)
  const needed = unpackedBytes + segments.length * segmentBytes
  if (bavail * bsize < needed) throw noRoom(dataDir, { needed, free: bavail * bsize })
}

/** One that a killed Podo left running would write into what is moved aside. */
async function stopLeftServer(dataDir: string, user: ServerUser | null): Promise<void> {
  if (!holdsServer(dataDir)) return
  const left = findServer(join(openServerFolder(dataDir, user), 'data'))
  if (left) await stopServer(left.process)
}

/** Lays a data folder out as a start of Podo expects it, with all of the log where PostgreSQL looks for it. */
async function unpack({ backup, segments }: Past, at: { beside: string; user: ServerUser | null }): Promise<void> {
  const { folder, manifest } = backup
  const home = openServerFolder(at.beside, at.user)
  const data = join(home, 'data')
  makePrivateFolder(data, at.user)
  const packed = createReadStream(join(folder, baseName))
  const tar = packed.pipe(createZstdDecompress())
  packed.on('error', (error) => tar.destroy(error))
  await unpackTar(tar, { folder: data, user: at.user })
  for (const { name } of manifest.files) {
    if (name !== baseName) await copyFile(join(folder, name), join(name === 'operator.key' ? at.beside : home, name))
  }
  for (const segment of segments) {
    const name = nameOfSegment(segment, manifest.segmentBytes)
    await place(join(data, 'pg_wal', name), await readSegment(segment, manifest.segmentBytes), at.user)
  }
  await place(join(data, 'recovery.signal'), Buffer.alloc(0), at.user)
}

async function place(path: string, bytes: Buffer, user: ServerUser | null): Promise<void> {
  await writeFile(path, bytes, { mode: 0o600 })
  if (user) await chown(path, user.uid, user.gid)
}

/** Lets PostgreSQL replay the log, and answers up to when; it takes no connection before that is done. */
async function recover(past: Past, options: RestoreOptions & { readonly beside: string }): Promise<Date> {
  const { beside, onNotice, durable = true } = options
  const start = (aim: Readonly<Record<string, string>>) =>
    startEmbeddedPostgres({
      dataDir: beside,
      durable,
      settings: { ...recovery, ...aim },
      restartPausesMs: [],
      ...(onNotice ? { onNotice } : {}),
    })
  // Of the names of zones it knows none by then, not even Z.
  const target = past.to && { recovery_target_time: past.to.toISOString().replace('Z', '+00') }
  let isCut = false
  const server = await start(target ?? {}).catch((error) => {
    if (!target || !/recovery ended before configured recovery target/.test(String(error))) throw error
    if (past.missing) throw logMissing(past.missing)
    // Nothing was committed between the end of the log and that moment: its end is that moment.
    isCut = true
    return start({})
  })
  try {
    const { until, lsn } = await lookBack(server)
    if (past.to === null || isCut) assertToTheEnd(past, { until, lsn })
    return until ?? new Date(past.backup.manifest.completedAt)
  } finally {
    await server.stop()
  }
}

/** All of the log lies in its own folder, and on one timeline; the end of the recovery begins the next one. */
const recovery = {
  hot_standby: 'off',
  restore_command: 'false',
  recovery_target_timeline: 'current',
  recovery_target_action: 'promote',
}

/**
 * What was told to a Kafka after that moment has to be told again: whoever heard it has forgotten what he did. Without
 * the note how far publishing came, it begins where the first subscriber stands.
 */
async function lookBack(server: { adminUrl: string; ownerUrl: string }) {
  const admin = openDatabase({ url: server.adminUrl, poolSize: 1, applicationName })
  const owner = openDatabase({ url: server.ownerUrl, poolSize: 1, applicationName })
  try {
    const rows = await admin.sql.rows<{ until: Date | null; lsn: string }>(
      'select pg_last_xact_replay_timestamp() as until, pg_last_wal_replay_lsn()::text as lsn',
    )
    const found = await owner.sql.rows<{ there: string | null }>(
      `select to_regclass('platform.subscription')::text as there`,
    )
    if (found[0]!.there) await owner.sql.run('delete from platform.subscription where name = $1', [publishing])
    return rows[0]!
  } finally {
    await Promise.all([admin.close(), owner.close()])
  }
}

const applicationName = 'podo restore'

/** PostgreSQL takes what it cannot read for the end: then there are whole segments behind it. */
function assertToTheEnd({ backup, segments }: Past, it: { until: Date | null; lsn: string }): void {
  const { segmentBytes, completedAt } = backup.manifest
  const last = segments.at(-1)
  const reached = Math.floor(bytesBefore(it.lsn) / segmentBytes)
  // The last one may hold no more than the rest of what began in the one before.
  if (last && reached < last.number - 1) throw logEndsEarly(it.until?.toISOString() ?? completedAt)
}

/** What a restore that failed has made, wherever it lies. */
async function removeServer(beside: string, user: ServerUser | null): Promise<void> {
  await stopLeftServer(beside, user)
  if (existsSync(join(beside, 'postgres.location')))
    await rm(openServerFolder(beside, user), { recursive: true, force: true })
  await rm(beside, { recursive: true, force: true })
}
