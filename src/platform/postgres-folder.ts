import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { assertExchanged } from './backup/exchange.ts'
import { folderProblem } from './folder-problem.ts'
import { StartProblem } from './start-problem.ts'

/** Whom PostgreSQL runs as, when not as the user of this process. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root: root runs it as `nobody` (on macOS, whose nobody is negative, as `daemon`). */
export function serverUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  return process.platform === 'darwin' ? { uid: 1, gid: 1 } : { uid: 65534, gid: 65534 }
}

/**
 * Makes a folder where it is missing, closed to others except for the way through it that the server's user needs.
 * Throws a StartProblem where that cannot be.
 */
export function openDataFolder(path: string, user: ServerUser | null): void {
  try {
    if (existsSync(path)) return
    makeFolder(path)
    chmodSync(path, user ? 0o711 : 0o700)
  } catch (error) {
    throw folderProblem(path, error)
  }
}

/** Step by step, for mkdir's own `recursive` never comes back from a place like /proc, which denies what is there. */
export function makeFolder(path: string, mode = 0o777): void {
  if (!existsSync(dirname(path))) makeFolder(dirname(path), mode)
  mkdirSync(path, { mode })
}

/**
 * The folder of the server under `dataDir`; where a parent is closed to the server's user, one elsewhere, whose place
 * is remembered in `dataDir`. Its name has a random part, so that nobody can make it beforehand, and removing
 * `dataDir` is enough to start afresh.
 */
export function openServerFolder(dataDir: string, user: ServerUser | null): string {
  assertExchanged(dataDir)
  const wanted = join(dataDir, 'postgres')
  const pointer = join(dataDir, 'postgres.location')
  if (existsSync(pointer)) return rememberedFolder(pointer)
  if (!user || isOpenTo(dataDir, user)) {
    openDataFolder(wanted, user)
    return wanted
  }
  if (existsSync(join(wanted, 'data'))) throw closed(wanted)
  const elsewhere = ['/var/lib', '/srv', tmpdir()].find((folder) => existsSync(folder) && isOpenTo(folder, user))
  if (!elsewhere) throw closed(wanted)
  const folder = mkdtempSync(join(elsewhere, 'podo-'))
  chmodSync(folder, 0o711)
  writeFileSync(pointer, `${folder}\n`, { mode: 0o600 })
  return folder
}

/** Whether a server was ever made under `dataDir`, here or where it points to. */
export function holdsServer(dataDir: string): boolean {
  return existsSync(join(dataDir, 'postgres/data')) || existsSync(join(dataDir, 'postgres.location'))
}

/** Makes an empty folder that only the server's user may enter. */
export function makePrivateFolder(path: string, user: ServerUser | null): void {
  mkdirSync(path, { mode: 0o700 })
  if (user) chownSync(path, user.uid, user.gid)
}

/** Whether a user who is in no group of ours may enter every folder on the way to `path`, and read what is there. */
export function isOpenTo(path: string, user: ServerUser): boolean {
  const real = realpathSync(path)
  const found = statSync(real)
  const rights = found.uid === user.uid ? found.mode >> 6 : found.mode
  const needed = found.isDirectory() ? enter : enter | read
  if ((rights & needed) !== needed) return false
  return dirname(real) === real || isOpenTo(dirname(real), user)
}

const enter = 1
const read = 4

function rememberedFolder(pointer: string): string {
  const folder = readFileSync(pointer, 'utf8').trim()
  const found = lstatSync(folder, { throwIfNoEntry: false })
  if (found?.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return folder
  throw new StartProblem({
    ko: `데이터 폴더(${folder})가 없거나 다른 사용자의 것입니다. 폴더를 되돌려 놓으십시오. 그 위치는 ${pointer} 파일에 적혀 있습니다. 데이터가 필요 없다면 ${dirname(pointer)} 폴더를 지우고 새로 시작하십시오.`,
    en: `The data folder ${folder}, which ${pointer} names, is missing or belongs to another user. Put it back; or, if its data is not needed, remove ${dirname(pointer)} and start afresh.`,
  })
}

function closed(folder: string): StartProblem {
  return new StartProblem({
    ko: `PostgreSQL은 root로 실행되지 않으며, 다른 사용자는 ${folder} 폴더에 들어갈 수 없습니다. 상위 폴더를 열거나(chmod o+x) PODO_DATA_DIR로 열린 폴더를 지정하십시오.`,
    en: `PostgreSQL does not run as root, and other users cannot enter ${folder}. Open its parent folders (chmod o+x), or name an open folder by PODO_DATA_DIR.`,
  })
}
