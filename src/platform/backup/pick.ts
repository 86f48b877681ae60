import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Archive,
  type Archived,
  archiveAt,
  isArchive,
  listSegments,
  readArchived,
  type StoredSegment,
} from './archive.ts'
import { type Backup, isBackup, listBackups, readBackup } from './manifest.ts'
import { backupFolderProblem, noBackup, noLog, outOfReach, type Reach, severalArchives } from './problems.ts'
import { bytesBefore, nameOfSegment } from './wal.ts'

/** What a database can be brought back from. */
export interface Past {
  /** The archive, or that backup alone. */
  readonly folder: string
  readonly backup: Backup
  /** What was logged after the backup, without a gap. */
  readonly segments: readonly StoredSegment[]
  /** The first segment that is not there, or not to be read, though it was archived. */
  readonly missing: string | null
  readonly to: Date | null
}

/**
 * Finds what brings a moment back, or the last one there is. Throws a StartProblem where a folder holds no backup, or
 * those of several databases, or none that leads there.
 */
export async function pickPast(from: string, to: Date | null): Promise<Past> {
  // Where one by hand lies there as well, the archives are what goes on.
  if (isBackup(from) && listArchives(from).length === 0) {
    if (to !== null) throw noLog(from)
    return { folder: from, backup: readBackup(from), segments: [], missing: null, to }
  }
  const archive = isArchive(from) ? archiveAt(from) : pickArchive(from)
  const backups = listBackups(archive.folder)
  const archived = readArchived(archive)
  if (backups.length === 0) throw noBackup(archive.folder)
  const reach = reachOf(backups, archived)
  const backup = to === null ? backups.at(-1) : backups.findLast(({ manifest }) => new Date(manifest.completedAt) <= to)
  if (!backup || (to !== null && to > new Date(reach.to))) throw outOfReach(reach)
  return { folder: archive.folder, backup, ...(await findLog(archive, { backup, archived })), to }
}

function listArchives(folder: string): string[] {
  try {
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names.map((name) => join(folder, name)).filter((path) => isArchive(path))
  } catch (error) {
    throw backupFolderProblem(folder, error)
  }
}

function pickArchive(folder: string): Archive {
  const archives = listArchives(folder)
  if (archives.length === 0) throw noBackup(folder)
  if (archives.length > 1) throw severalArchives(folder, archives.map(describe))
  return archiveAt(archives[0]!)
}

function describe(folder: string): { folder: string; reach: Reach | null } {
  const backups = listBackups(folder)
  return { folder, reach: backups.length > 0 ? reachOf(backups, readArchived(archiveAt(folder))) : null }
}

/** From the end of the first backup to the end of the log. */
function reachOf(backups: readonly Backup[], archived: Archived | null): Reach {
  const last = backups.at(-1)!.manifest.completedAt
  const to = archived && archived.at > last ? archived.at : last
  return { from: backups[0]!.manifest.completedAt, to }
}

/** The backup holds the log up to its own end; what it ends in is closed with it. */
async function findLog(
  archive: Archive,
  { backup: { manifest }, archived }: { backup: Backup; archived: Archived | null },
): Promise<Pick<Past, 'segments' | 'missing'>> {
  const { segmentBytes, timeline, endLsn } = manifest
  const end = bytesBefore(archived?.lsn ?? endLsn)
  const first = Math.ceil(bytesBefore(endLsn) / segmentBytes)
  const later = (await listSegments(archive, segmentBytes)).filter(({ number }) => number >= first)
  const gap = later.findIndex(({ number }, at) => number !== first + at)
  const segments = (gap === -1 ? later : later.slice(0, gap)).map((segment) => ({
    ...segment,
    bytesMin: Math.min(segmentBytes, Math.max(0, end - segment.number * segmentBytes)),
  }))
  const next = first + segments.length
  if (gap === -1 && next * segmentBytes >= end) return { segments, missing: null }
  const missing = nameOfSegment({ timeline, number: next }, segmentBytes)
  return { segments, missing: join(archive.wal, missing) }
}
