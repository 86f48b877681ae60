import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Alert, endAlert, raiseAlert } from '../alerts.ts'
import type { Config } from '../config.ts'
import type { Sql } from '../database.ts'
import { databaseNow, databaseNowMs } from '../database-time.ts'
import { findEmbeddedPostgres } from '../embedded-postgres.ts'
import { addJob } from '../job-queue.ts'
import type { Job } from '../jobs.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Text } from '../problem.ts'
import { system, type WithWork } from '../work.ts'
import { type Archive, beginningOf, findArchive, forgetBefore, isArchive, readArchived } from './archive.ts'
import { isUnderWay, takeBackup } from './base-backup.ts'
import { listBackups } from './manifest.ts'

/** What is backed up, where to and how often. */
export interface Backups {
  readonly reads: { readonly sql: Sql }
  readonly settings: Pick<Config, 'dataDir' | 'backupDir' | 'backupEveryHours' | 'backupKeep'>
}

const hourMs = 3_600_000
/** A backup needs its time, and its job comes round every ten minutes. */
const graceMs = 2 * hourMs
const archiveAgeMaxMs = 5 * 60_000
/** KiB a second: a disk and a processor that serve at the same time have more to give. */
const rateMax = 64 * 1024
const removedEnding = '.removed'

/** Where a backup of an archive goes: its folders sort by time. */
export function folderFor(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, '')
}

/** Removes all but the newest backups of an archive, and the log that only they needed. */
export async function forgetOld(archive: Archive, keep: number): Promise<void> {
  const backups = listBackups(archive.folder)
  for (const { folder } of backups.slice(0, -keep)) {
    // What is only half there must not look whole.
    await rename(folder, `${folder}${removedEnding}`)
  }
  for (const name of await readdir(archive.folder)) {
    if (name.endsWith(removedEnding)) await rm(join(archive.folder, name), { recursive: true, force: true })
  }
  const oldest = backups.slice(-keep)[0]
  if (oldest) await forgetBefore(archive, { lsn: oldest.manifest.startLsn, ...oldest.manifest })
}

/** How far back the newest backup and the end of the log are; without a backup, since there could be one. */
interface Ages {
  readonly backupMs: number
  readonly logMs: number
}

/** The ages as they are now; null where nothing is backed up. */
async function findAges(backups: Backups): Promise<Ages | null> {
  const archive = await archiveOf(backups)
  if (!archive) return null
  const newest = listBackups(archive.folder).at(-1)
  const archived = readArchived(archive)
  const beganAt = beginningOf(archive)
  const now = databaseNowMs()
  return {
    backupMs: now - (newest ? Date.parse(newest.manifest.completedAt) : beganAt),
    logMs: now - (archived ? Date.parse(archived.at) : beganAt),
  }
}

async function archiveOf({ reads, settings: { backupDir } }: Backups): Promise<Archive | null> {
  const archive = backupDir === null ? null : await findArchive(reads, backupDir)
  return archive && isArchive(archive.folder) ? archive : null
}

/** What keeps backups from being there when they are needed; null when all is well. */
export async function findBackupProblem(backups: Backups): Promise<Text | null> {
  const { settings } = backups
  if (settings.backupDir === null) return null
  const ages = await findAges(backups)
  if (!ages) return texts.none
  if (ages.logMs > archiveAgeMaxMs) return texts.logOld(ages.logMs)
  return ages.backupMs > ageMaxOf(settings) ? texts.backupOld(ages.backupMs) : null
}

function ageMaxOf({ backupEveryHours }: Backups['settings']): number {
  return backupEveryHours * hourMs + graceMs
}

/** How old the newest backup is, and how far back what is archived. */
export function addBackupGauges(metrics: Metrics, backups: Backups): void {
  if (backups.settings.backupDir === null) return
  const seconds = (age: keyof Ages) => async () => ((await findAges(backups))?.[age] ?? Number.NaN) / 1_000
  metrics.gauge('backup_age_seconds', 'Age of the newest backup.', seconds('backupMs'))
  metrics.gauge('backup_log_age_seconds', 'How long ago the log was archived last.', seconds('logMs'))
}

const makeName = 'backup.make'
const attemptsMax = 3
const everyTenMinutes = '*/10 * * * *'

/** Make a backup when one is due, and tell somebody where there is none for too long. */
export function backupJobs(by: Backups & { withWork: WithWork; log: Logger }): Job[] {
  if (by.settings.backupDir === null) return []
  return [
    {
      name: makeName,
      cron: everyTenMinutes,
      attemptsMax,
      async run() {
        const made = await makeIfDue(by)
        if (made) by.log.info({ folder: made }, 'A backup was made')
      },
    },
    { name: 'backup.watch', cron: everyTenMinutes, attemptsMax, run: () => watch(by) },
  ]
}

/** Looks at once whether a backup is due: until there is one in it, an archive brings nothing back. */
export async function backUpSoon({ settings, withWork }: Pick<Backups, 'settings'> & { withWork: WithWork }) {
  if (settings.backupDir === null) return
  await withWork(system, (work) => addJob(work, { name: makeName, payload: {}, attemptsMax, key: makeName }))
}

/** Where the backup is that was due, or null where none was. */
async function makeIfDue(backups: Backups): Promise<string | null> {
  const { backupEveryHours, backupKeep, dataDir } = backups.settings
  const archive = await archiveOf(backups)
  const server = findEmbeddedPostgres(dataDir)
  if (!archive || !server) throw new Error('The database is not archived: start Podo again with PODO_BACKUP_DIR')
  const newest = listBackups(archive.folder).at(-1)
  // What a clock that was wrong then put far into the future keeps nobody from making another.
  if (newest && Math.abs(databaseNowMs() - Date.parse(newest.manifest.startedAt)) < backupEveryHours * hourMs)
    return null
  // A large one takes longer than it is until somebody looks again.
  if (await isUnderWay(backups.reads)) return null
  const source = { dataDir, adminUrl: server.adminUrl, rateMax }
  const { folder } = await takeBackup(source, join(archive.folder, folderFor(databaseNow())))
  await forgetOld(archive, backupKeep)
  return folder
}

async function watch(by: Backups & { withWork: WithWork }): Promise<void> {
  const problem = await findBackupProblem(by)
  await by.withWork(system, (work) =>
    problem ? raiseAlert(work, { cause, title: withoutStop(problem), todo: texts.todo }) : endAlert(work, { cause }),
  )
}

const cause: Alert['cause'] = 'backup/old'

function withoutStop({ ko, en }: Text): Text {
  return { ko: ko.replace(/\.$/, ''), en: en.replace(/\.$/, '') }
}

const hours = (ms: number) => Math.floor(ms / hourMs)
const minutes = (ms: number) => Math.floor(ms / 60_000)

const texts = {
  none: {
    ko: 'PODO_BACKUP_DIR이 지정되어 있는데 데이터베이스가 백업되지 않고 있습니다.',
    en: 'The database is not backed up, though PODO_BACKUP_DIR is set.',
  },
  logOld: (ms: number): Text => ({
    ko: `데이터베이스의 로그가 ${minutes(ms)}분 동안 백업 폴더에 기록되지 않았습니다.`,
    en: `The log of the database has not been archived for ${minutes(ms)} minutes.`,
  }),
  backupOld: (ms: number): Text => ({
    ko: `가장 새로운 백업이 ${hours(ms)}시간 전의 것입니다.`,
    en: `The newest backup is ${hours(ms)} hours old.`,
  }),
  todo: {
    ko: 'PODO_BACKUP_DIR의 디스크에 자리가 있고 쓸 수 있는지 확인하고, 로그에서 오류를 찾은 다음 "podo backup"을 실행해 보십시오. 로그가 기록되지 않는 동안 데이터베이스의 디스크가 찹니다.',
    en: 'See that the disk of PODO_BACKUP_DIR has room and can be written, find the error in the log, and try "podo backup". While nothing is archived, the disk of the database fills up.',
  },
} as const
