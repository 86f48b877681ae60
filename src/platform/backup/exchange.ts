import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readdir, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { brokenOff } from './problems.ts'

/** What a restore makes in the data folder, and where it puts what was there. */
const making = 'restore-'
const before = 'before-restore-'
const kept = ['postgres', 'postgres.location', 'operator.key']

/** The folders of a restore that begins at this instant. */
export function foldersOf(dataDir: string, at: Date): { beside: string; aside: string } {
  const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '')
  return { beside: join(dataDir, making + stamp), aside: join(dataDir, before + stamp) }
}

/** What restores that were killed have left. */
export function listLeft(dataDir: string): string[] {
  return readdirSync(dataDir)
    .filter((name) => name.startsWith(making))
    .map((name) => join(dataDir, name))
}

/** Throws a StartProblem where a restore was killed between the old and the new: a start would begin with nothing. */
export function assertExchanged(dataDir: string): void {
  for (const left of listLeft(dataDir)) {
    const aside = left.replace(/restore-(?=[^/]*$)/, before)
    if (existsSync(aside) && kept.some((name) => existsSync(join(left, name)))) throw brokenOff(dataDir, aside)
  }
}

/** Puts what was restored in the place of what was there, and answers where that is now. */
export async function exchange(dataDir: string, { beside, aside }: { beside: string; aside: string }) {
  const found = await readdir(beside)
  const leaving = kept.filter((name) => {
    const isOfServer = name !== 'operator.key'
    return existsSync(join(dataDir, name)) && (isOfServer || found.includes(name))
  })
  // There before anything is moved: whoever is killed from here on is found out by it.
  await mkdir(aside, { mode: 0o700 })
  for (const name of leaving) await rename(join(dataDir, name), join(aside, name))
  for (const name of kept) if (found.includes(name)) await rename(join(beside, name), join(dataDir, name))
  if (leaving.length > 0) return aside
  await rmdir(aside)
  return null
}
