import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#platform/config'
import { folderProblem } from '#platform/folder-problem'
import { openDataFolder, serverUser } from '#platform/postgres-folder'

/** The operator's API key, and the file that holds it where it was not given by a setting. */
export interface OperatorKey {
  readonly key: string
  readonly path: string | null
}

/** The key of the settings, else the one in the data folder, which is made when it is missing. */
export function openOperatorKey(config: Pick<Config, 'operatorKey' | 'dataDir'>): OperatorKey {
  if (config.operatorKey) return { key: config.operatorKey, path: null }
  const path = join(config.dataDir, 'operator.key')
  openDataFolder(config.dataDir, serverUser())
  try {
    writeFileSync(path, `podo_sk_${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw folderProblem(config.dataDir, error)
  }
  try {
    return { key: readFileSync(path, 'utf8').trim(), path }
  } catch (error) {
    throw folderProblem(config.dataDir, error)
  }
}
