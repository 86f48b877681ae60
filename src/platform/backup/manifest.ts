import { createHash, hash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { damagedBackup, newerBackup } from './problems.ts'
import { bytesBefore } from './wal.ts'

/** What a backup holds, and of what. */
export interface Manifest {
  readonly format: 1
  /** Version of the Podo that made it. */
  readonly podo: string
  readonly postgres: string
  readonly systemIdentifier: string
  readonly timeline: number
  /** From where to where in the log it has to be recovered to be whole. */
  readonly startLsn: string
  readonly endLsn: string
  readonly segmentBytes: number
  readonly startedAt: string
  /** What was acknowledged before `startedAt` is in it, what was after this is not. */
  readonly completedAt: string
  /** What its files take when they are unpacked. */
  readonly unpackedBytes: number
  readonly files: readonly BackupFile[]
}

/** A file of a backup, as it is stored. */
export interface BackupFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** A backup that is whole. */
export interface Backup {
  readonly folder: string
  readonly manifest: Manifest
}

const manifestName = 'manifest.json'
const format = 1

/** The text of a manifest, which proves itself by the checksum at its end. */
export function renderManifest(manifest: Manifest): { name: string; text: string } {
  const sha256 = hash('sha256', JSON.stringify(manifest))
  return { name: manifestName, text: `${JSON.stringify({ ...manifest, sha256 }, null, 2)}\n` }
}

/** Whether a folder is a backup: it has its name only since it was whole. */
export function isBackup(folder: string): boolean {
  return existsSync(join(folder, manifestName))
}

/** The backup in a folder; throws a StartProblem where its manifest cannot be read. */
export function readBackup(folder: string): Backup {
  const path = join(folder, manifestName)
  let found: Manifest & { readonly sha256?: string }
  try {
    found = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw damagedBackup(path, { cause })
  }
  const { sha256, ...manifest } = found
  if (manifest.format > format) throw newerBackup(folder, manifest.podo)
  if (sha256 !== hash('sha256', JSON.stringify(manifest))) throw damagedBackup(path)
  return { folder, manifest }
}

/**
 * The whole backups in a folder, the oldest first by the log, whatever the clock said. Whatever else is there is passed
 * over.
 */
export function listBackups(folder: string): Backup[] {
  return readdirSync(folder)
    .filter((name) => !name.includes('.') && isBackup(join(folder, name)))
    .map((name) => readBackup(join(folder, name)))
    .sort((a, b) => bytesBefore(a.manifest.endLsn) - bytesBefore(b.manifest.endLsn))
}

/** Reads every file of a backup; throws a StartProblem that names the first one that is not as it was written. */
export async function assertWhole({ folder, manifest }: Backup, onRead: (bytes: number) => void): Promise<void> {
  for (const { name, bytes, sha256 } of manifest.files) {
    const path = join(folder, name)
    if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) throw damagedBackup(path)
    const digest = createHash('sha256')
    for await (const chunk of createReadStream(path)) {
      digest.update(chunk)
      onRead(chunk.length)
    }
    if (digest.digest('hex') !== sha256) throw damagedBackup(path)
  }
}
