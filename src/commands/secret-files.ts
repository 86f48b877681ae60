import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { StartProblem } from '#platform/start-problem'
import { secretTexts } from './secret-texts.ts'

/**
 * Puts `after` in the place of a file, as a whole or not at all, and on the disk when it returns; owner and rights
 * stay. Throws a StartProblem where that cannot be, or where the file is not `before` any more.
 */
export function replaceFile({ path, before, after }: { path: string; before: Buffer; after: Buffer }): void {
  try {
    // A link stays a link.
    const target = realpathSync(path)
    // Always the same name, so that what a process left behind that was killed here goes with the next rotation.
    const beside = `${target}.rotating`
    rmSync(beside, { force: true })
    try {
      writeLike(target, { path: beside, bytes: after })
      if (!readFileSync(target).equals(before)) throw new StartProblem(secretTexts.changedMeanwhile(path))
      renameSync(beside, target)
    } finally {
      rmSync(beside, { force: true })
    }
    syncFolder(dirname(target))
  } catch (error) {
    if (error instanceof StartProblem) throw error
    throw new StartProblem(secretTexts.unwritable(path, (error as NodeJS.ErrnoException).code ?? ''), { cause: error })
  }
}

/** Nobody else can read it at any moment: it is made closed, and opened as far as the file that it will be. */
function writeLike(model: string, { path, bytes }: { path: string; bytes: Buffer }): void {
  const { mode, uid, gid } = statSync(model)
  const file = openSync(path, 'wx', 0o600)
  try {
    fchownSync(file, uid, gid)
    fchmodSync(file, mode & 0o777)
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
