import { open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Puts a file where it belongs, as a whole or not at all, and on the disk when it resolves; closed to others. */
export async function writeDurably(path: string, bytes: Buffer | string): Promise<void> {
  const beside = `${path}.new`
  await rm(beside, { force: true })
  await writeFile(beside, bytes, { mode: 0o600, flush: true })
  await moveDurably(beside, path)
}

/** Gives a file or folder that is on the disk its name, and resolves when the name is on the disk too. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await syncFolder(dirname(from))
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** Resolves when the names in a folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
