import { createHash } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { createWriteStream, existsSync, readFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import pg from 'pg'
import packageJson from '../../../package.json' with { type: 'json' }
import type { Sql } from '../database.ts'
import { databaseNow } from '../database-time.ts'
import { makeFolder, openServerFolder, serverUser } from '../postgres-folder.ts'
import { moveDurably, syncFolder, writeDurably } from './durable-files.ts'
import { type Backup, type BackupFile, type Manifest, renderManifest } from './manifest.ts'
import { backupFailed, backupFolderProblem, backupInside, backupThere, backupUnderWay } from './problems.ts'

/** A server that Podo keeps on a data folder, and which runs. */
export interface BackupSource {
  readonly dataDir: string
  readonly adminUrl: string
  /** Where others are at work: how fast it is read, in KiB a second. */
  readonly rateMax?: number
}

/** What else belongs to a database: without its passwords nobody enters, without that key nothing sealed is read. */
export const secretFiles = ['credentials.json', 'operator.key'] as const

/** There for as long as a backup is being made. */
const backupSlot = 'podo_backup'

/** Whether a backup is being made. */
export async function isUnderWay(reads: { readonly sql: Sql }): Promise<boolean> {
  return (await reads.sql.rows('select from pg_replication_slots where slot_name = $1', [backupSlot])).length > 0
}

export const baseName = 'base.tar.zst'

/** Level 1 shrinks a database to a third or less at the speed of a disk; each frame has a checksum of its own. */
export const packing = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
} as const

/**
 * Backs a running server up into `folder`, which is made, or empty: all that was acknowledged before this was called.
 * The folder gets its name when everything in it is on the disk. Closed to others, for it holds secrets. Throws a
 * StartProblem, and leaves nothing, where that cannot be; of several at once one works.
 */
export async function takeBackup(source: BackupSource, wanted: string): Promise<Backup> {
  const folder = resolve(wanted)
  const unfinished = `${folder}.new`
  await assertFree(folder, source.dataDir)
  const client = new pg.Client({ connectionString: replicationUrl(source.adminUrl), application_name: 'podo backup' })
  client.on('error', () => {})
  try {
    await client.connect()
    await takeTurn(client)
    try {
      // Whoever was killed has lost his turn, so it is nobody's by now.
      await rm(unfinished, { recursive: true, force: true })
      makeFolder(unfinished, 0o700)
      const manifest = await fill(unfinished, { source, client })
      await moveDurably(unfinished, folder)
      return { folder, manifest }
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      throw error
    }
  } catch (error) {
    throw backupFolderProblem(folder, error instanceof pg.DatabaseError ? backupFailed(error) : error)
  } finally {
    await client.end()
  }
}

/** Throws a StartProblem where a backup has no place. */
async function assertFree(folder: string, dataDir: string): Promise<void> {
  if (isWithin(folder, dataDir)) throw backupInside(folder, dataDir)
  const found = await readdir(folder).catch((error) => {
    if (error.code === 'ENOENT') return []
    throw backupFolderProblem(folder, error)
  })
  if (found.length > 0) throw backupThere(folder)
}

/** Whether a folder is another or stands in it. */
export function isWithin(folder: string, other: string): boolean {
  return !relative(resolve(other), resolve(folder)).startsWith('..')
}

function replicationUrl(adminUrl: string): string {
  const url = new URL(adminUrl)
  url.searchParams.set('replication', 'true')
  return url.href
}

/** A slot that goes with its session: it keeps the log that the backup needs, and other backups away. */
async function takeTurn(client: pg.Client): Promise<void> {
  try {
    await client.query(`CREATE_REPLICATION_SLOT ${backupSlot} TEMPORARY PHYSICAL (RESERVE_WAL)`)
  } catch (error) {
    throw (error as pg.DatabaseError).code === duplicateObject ? backupUnderWay() : error
  }
}

const duplicateObject = '42710'

async function fill(
  folder: string,
  { source, client }: { source: BackupSource; client: pg.Client },
): Promise<Manifest> {
  const system = await client.query<{ systemid: string; timeline: string }>('IDENTIFY_SYSTEM')
  const version = await client.query<{ server_version: string }>('SHOW server_version')
  const segment = await client.query<{ wal_segment_size: string }>('SHOW wal_segment_size')
  const startedAt = databaseNow().toISOString()
  const base = await receiveBase(client, { path: join(folder, baseName), rateMax: source.rateMax })
  const secrets = await copySecrets(source, folder)
  const { systemid, timeline } = system.rows[0]!
  const manifest: Manifest = {
    format: 1,
    podo: packageJson.version,
    postgres: version.rows[0]!.server_version,
    systemIdentifier: systemid,
    timeline: Number(timeline),
    startLsn: base.startLsn,
    endLsn: base.endLsn,
    segmentBytes: inBytes(segment.rows[0]!.wal_segment_size),
    startedAt,
    completedAt: databaseNow().toISOString(),
    unpackedBytes: base.unpackedBytes,
    files: [base.file, ...secrets],
  }
  const { name, text } = renderManifest(manifest)
  await writeDurably(join(folder, name), text)
  await syncFolder(folder)
  return manifest
}

/** Stores what the server sends as it comes, with the log up to its end inside. */
async function receiveBase(client: pg.Client, { path, rateMax }: { path: string; rateMax: number | undefined }) {
  const received = openCopy(client)
  // One result for each that PostgreSQL gives: where it starts, tablespaces, where it ends.
  const asked = client.query(baseStatement(rateMax)) as unknown as Promise<pg.QueryResult<{ recptr: string }>[]>
  asked.catch((error) => received.stream.destroy(error))
  const digest = createHash('sha256')
  let bytes = 0
  await pipeline(
    received.stream,
    createZstdCompress(packing),
    async function* (packed: AsyncIterable<Buffer>) {
      for await (const chunk of packed) {
        digest.update(chunk)
        bytes += chunk.length
        yield chunk
      }
    },
    createWriteStream(path, { mode: 0o600, flush: true }),
  )
  const [start, , end] = await asked
  const file: BackupFile = { name: baseName, bytes, sha256: digest.digest('hex') }
  return { file, startLsn: start!.rows[0]!.recptr, endLsn: end!.rows[0]!.recptr, unpackedBytes: received.bytes() }
}

function baseStatement(rateMax: number | undefined): string {
  const options = [`LABEL 'podo'`, `CHECKPOINT 'fast'`, 'WAL true', `MANIFEST 'no'`]
  return `BASE_BACKUP (${[...options, ...(rateMax ? [`MAX_RATE ${rateMax}`] : [])].join(', ')})`
}

/** What the server copies out, no faster than it is read. */
function openCopy(client: pg.Client): { stream: Readable; bytes(): number } {
  const connection = client.connection as unknown as EventEmitter & { readonly stream: Socket }
  let count = 0
  const stream = new Readable({ read: () => void connection.stream.resume() })
  connection.on('copyData', ({ chunk }: { chunk: Buffer }) => {
    if (chunk[0] !== dataKind) return
    count += chunk.length - 1
    // The buffer is the connection's own, and is written again.
    if (!stream.push(Buffer.from(chunk.subarray(1)))) connection.stream.pause()
  })
  connection.on('copyDone', () => stream.push(null))
  return { stream, bytes: () => count }
}

const dataKind = 'd'.charCodeAt(0)

async function copySecrets({ dataDir }: BackupSource, folder: string): Promise<BackupFile[]> {
  const home = openServerFolder(dataDir, serverUser())
  const copied: BackupFile[] = []
  for (const name of secretFiles) {
    const path = join(name === 'operator.key' ? dataDir : home, name)
    if (!existsSync(path)) continue
    const bytes = readFileSync(path)
    await writeDurably(join(folder, name), bytes)
    copied.push({ name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
  }
  return copied
}

/** PostgreSQL says `16MB`, `1GB`. */
function inBytes(size: string): number {
  const [, count, unit] = /^(\d+)(MB|GB)$/.exec(size)!
  return Number(count) * (unit === 'GB' ? 2 ** 30 : 2 ** 20)
}
