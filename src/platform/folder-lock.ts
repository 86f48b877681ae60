import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { folderProblem } from './folder-problem.ts'
import { StartProblem } from './start-problem.ts'

export interface FolderLock {
  release(): void
}

/**
 * Makes a folder this process's own; throws a StartProblem while another process has it. The kernel lets go of the
 * lock when the process ends, however it ends: a file with a process id in it would be stale after `kill -9`, and
 * Node has no `flock`, but the SQLite inside it locks files of every Unix. Nothing is ever written to that file.
 * Also throws a StartProblem where the folder cannot be used.
 */
export function lockFolder(folder: string): FolderLock {
  const lock = takeLock(folder)
  if (!lock) throw inUse(folder)
  writeFileSync(join(folder, 'podo.pid'), `${process.pid}\n`)
  return { release: () => lock.close() }
}

/** Whether another process, or this one, holds the folder. */
export function isFolderLocked(folder: string): boolean {
  const lock = takeLock(folder)
  lock?.close()
  return lock === null
}

function takeLock(folder: string): DatabaseSync | null {
  let lock: DatabaseSync | undefined
  try {
    // SQLite only says that it cannot; the path must not lose its dot, which a file does not have.
    accessSync(`${folder}/.`, constants.W_OK | constants.X_OK)
    // Some patience, for whoever only looks whether it is locked holds it for a moment.
    lock = new DatabaseSync(join(folder, 'lock'), { timeout: 100 })
    lock.exec('begin exclusive')
    return lock
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === busy) return null
    throw folderProblem(folder, error)
  }
}

const busy = 5

function inUse(folder: string): StartProblem {
  let holder = ''
  try {
    holder = readFileSync(join(folder, 'podo.pid'), 'utf8').trim()
  } catch {
    // The holder has not written its id yet.
  }
  return new StartProblem({
    ko: `데이터 폴더(${folder})는 이미 실행 중인 Podo(프로세스 ${holder})가 쓰고 있습니다. 그것을 멈추거나 PODO_DATA_DIR로 다른 폴더를 지정하십시오.`,
    en: `The data folder ${folder} is in use by a Podo that is already running (process ${holder}). Stop it, or name another folder by PODO_DATA_DIR.`,
  })
}
