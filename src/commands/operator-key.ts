import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, isOperatorKey, operatorKeyExpects } from '#platform/config'
import { folderProblem } from '#platform/folder-problem'
import { openDataFolder, serverUser } from '#platform/postgres-folder'
import { StartProblem } from '#platform/start-problem'

/** The operator's API key, and the file that holds it where it was not given by a setting. */
export interface OperatorKey {
  readonly key: string
  readonly path: string | null
}

/**
 * The key of the settings, else the one in the data folder, which is made when it is missing. Throws a StartProblem
 * where that file cannot be used or holds less than the setting would have to.
 */
export function openOperatorKey(config: Pick<Config, 'operatorKey' | 'dataDir'>): OperatorKey {
  if (config.operatorKey) return { key: config.operatorKey, path: null }
  const path = join(config.dataDir, 'operator.key')
  openDataFolder(config.dataDir, serverUser())
  try {
    writeFileSync(path, `podo_sk_${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw folderProblem(config.dataDir, error)
  }
  const key = readKey(path, config.dataDir)
  if (!isOperatorKey(key)) throw noKey(path)
  return { key, path }
}

function readKey(path: string, dataDir: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw folderProblem(dataDir, error)
  }
}

/** An empty one would start and refuse everybody; a short one can be guessed. */
function noKey(path: string): StartProblem {
  const { ko, en } = operatorKeyExpects
  return new StartProblem({
    ko: `${path} 파일에 운영자 키가 없습니다. 있어야 하는 것: ${ko}. 백업에서 되돌려 놓거나, 파일을 지우고 다시 시작하면 새 키를 만듭니다.`,
    en: `${path} holds no operator's key: it must be ${en}. Put it back from a backup, or remove it: the next start makes a new one.`,
  })
}
