import { causeOf } from '../folder-problem.ts'
import type { Text } from '../problem.ts'
import { StartProblem } from '../start-problem.ts'

/** What `error` says to whoever named a folder for backups, where the file system raised it; else the error itself. */
export function backupFolderProblem(folder: string, error: unknown): unknown {
  const cause = error instanceof StartProblem ? null : causeOf(error)
  if (!cause) return error
  return new StartProblem(
    {
      ko: `백업 폴더(${folder})를 쓸 수 없습니다(${cause.ko}). 문제를 고치거나 다른 폴더를 지정하십시오.`,
      en: `The backup folder ${folder} cannot be used (${cause.en}). Mend that, or name another folder.`,
    },
    { cause: error },
  )
}

/** Something stands where the backup should. */
export function backupThere(folder: string): StartProblem {
  return new StartProblem({
    ko: `${folder} 폴더가 비어 있지 않습니다. 백업은 덮어쓰지 않습니다. 새 폴더를 지정하십시오.`,
    en: `${folder} is not empty, and a backup overwrites nothing. Name a new folder.`,
  })
}

/** Whatever destroys the one would destroy the other. */
export function backupInside(folder: string, dataDir: string): StartProblem {
  return new StartProblem({
    ko: `백업 폴더(${folder})가 데이터 폴더(${dataDir}) 안에 있습니다. 다른 디스크의 폴더를 지정하십시오.`,
    en: `The backup folder ${folder} is inside the data folder ${dataDir}. Name a folder on another disk.`,
  })
}

/** A backup is never written to. */
export function restoreInside(dataDir: string, from: string): StartProblem {
  return new StartProblem({
    ko: `데이터 폴더(${dataDir})가 백업 폴더(${from}) 안에 있습니다. --data-dir이나 PODO_DATA_DIR로 다른 폴더를 지정하십시오.`,
    en: `The data folder ${dataDir} is inside that of the backup, ${from}. Name another one by --data-dir or PODO_DATA_DIR.`,
  })
}

/** The old is no longer in its place, and the new not yet. */
export function brokenOff(dataDir: string, aside: string): StartProblem {
  return new StartProblem({
    ko: `이 데이터 폴더(${dataDir})의 복원이 마지막에 중단되었습니다. "podo restore"를 다시 실행하십시오. 이전 데이터는 ${aside}에 있습니다.`,
    en: `A restore into the data folder ${dataDir} was cut off at its very end. Run "podo restore" again. What was there before is in ${aside}.`,
  })
}

/** One at a time. */
export function backupUnderWay(): StartProblem {
  return new StartProblem({
    ko: '이 데이터베이스의 다른 백업이 진행 중입니다. 끝난 뒤 다시 실행하십시오.',
    en: 'Another backup of this database is being made. Run this again when it is done.',
  })
}

/** PostgreSQL refused or broke off; the reason is in its own words. */
export function backupFailed(error: unknown): StartProblem {
  const { message } = error as Error
  return new StartProblem(
    {
      ko: `백업하지 못했으며 남은 것은 없습니다. PostgreSQL이 남긴 말: ${message}`,
      en: `The backup failed and left nothing behind. PostgreSQL said: ${message}`,
    },
    { cause: error },
  )
}

/** It is not as it was written. */
export function damagedBackup(path: string, options?: ErrorOptions): StartProblem {
  return new StartProblem(
    {
      ko: `백업이 손상되었습니다. ${path} 파일이 만들어질 때와 다릅니다. 다른 백업을 쓰십시오. 아무것도 바꾸지 않았습니다.`,
      en: `The backup is damaged: ${path} is not as it was written. Use another one. Nothing was changed.`,
    },
    options,
  )
}

/** A later Podo may have changed what a backup looks like. */
export function newerBackup(folder: string, version: string): StartProblem {
  return new StartProblem({
    ko: `${folder} 백업은 더 새로운 Podo(${version})가 만든 것입니다. 그 버전으로 복원하십시오.`,
    en: `The backup ${folder} was made by a newer Podo (${version}). Restore it with that version.`,
  })
}

/** There is nothing to restore. */
export function noBackup(folder: string): StartProblem {
  return new StartProblem({
    ko: `${folder} 폴더에 백업이 없습니다. "podo backup"이 만든 폴더나 PODO_BACKUP_DIR의 폴더를 지정하십시오.`,
    en: `There is no backup in ${folder}. Name a folder that "podo backup" made, or that of PODO_BACKUP_DIR.`,
  })
}

/** The moments that can be brought back. */
export interface Reach {
  readonly from: string
  readonly to: string
}

/** Only whoever restores knows which. */
export function severalArchives(folder: string, archives: readonly { folder: string; reach: Reach | null }[]) {
  const list = archives
    .map((it) => `  ${it.folder}  ${it.reach ? `${it.reach.from} – ${it.reach.to}` : '-'}`)
    .join('\n')
  return new StartProblem({
    ko: `${folder} 폴더에 여러 데이터베이스의 백업이 있습니다. 하나를 지정하십시오.\n${list}`,
    en: `${folder} holds the backups of several databases. Name one of them.\n${list}`,
  })
}

/** A backup alone reaches one moment. */
export function noLog(folder: string): StartProblem {
  return new StartProblem({
    ko: `--to를 쓰려면 그 백업(${folder})이 들어 있는 PODO_BACKUP_DIR의 폴더를 지정하십시오. 백업 하나로는 그 백업이 끝난 시각으로만 복원할 수 있습니다.`,
    en: `For --to name the folder of PODO_BACKUP_DIR that holds ${folder}: one backup alone brings back the moment of its end only.`,
  })
}

/** The moment lies outside what can be brought back. */
export function outOfReach(reach: Reach): StartProblem {
  return new StartProblem({
    ko: `그 시각으로는 복원할 수 없습니다. ${reach.from}부터 ${reach.to}까지 복원할 수 있습니다.`,
    en: `That moment cannot be brought back. Within reach is ${reach.from} to ${reach.to}.`,
  })
}

/** What was after it could only be lost silently. */
export function logMissing(path: string): StartProblem {
  return new StartProblem({
    ko: `로그 파일이 하나 없거나 손상되었습니다(${path}). 파일을 되돌려 놓거나, 그보다 이른 시각을 --to로 지정하십시오. 아무것도 바꾸지 않았습니다.`,
    en: `A file of the log is missing or damaged: ${path}. Put it back, or give an earlier moment by --to. Nothing was changed.`,
  })
}

/** PostgreSQL took what it could not read for the end. */
export function logEndsEarly(until: string): StartProblem {
  return new StartProblem({
    ko: `로그에 읽을 수 없는 곳이 있어 ${until}까지만 복원됩니다. 이것으로 충분하면 그 시각을 --to로 지정하십시오. 아무것도 바꾸지 않았습니다.`,
    en: `The log cannot be read to its end: this goes up to ${until} only. If that is enough, give it by --to. Nothing was changed.`,
  })
}

/** It would be full in the middle. */
export function noRoom(folder: string, it: { needed: number; free: number }): StartProblem {
  const inMB = (bytes: number) => Math.ceil(bytes / 1_000_000).toLocaleString('en')
  return new StartProblem({
    ko: `${folder} 폴더의 디스크에 ${inMB(it.needed)}MB가 필요한데 ${inMB(it.free)}MB만 남아 있습니다. 자리를 만들거나 다른 폴더를 지정하십시오.`,
    en: `Restoring takes ${inMB(it.needed)} MB in ${folder}, and ${inMB(it.free)} MB are free. Make room, or name another folder.`,
  })
}

/** Two databases write into one archive. */
export function archivedOther(path: string): StartProblem {
  const text: Text = {
    ko: `${path} 파일은 다른 데이터베이스가 쓴 것입니다. 데이터 폴더의 사본이 같은 PODO_BACKUP_DIR을 쓰고 있습니다. 사본에는 다른 폴더를 지정하십시오.`,
    en: `${path} was written by another database: a copy of the data folder has the same PODO_BACKUP_DIR. Give the copy another one.`,
  }
  return new StartProblem(text)
}
