import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { mistakes } from './config-mistakes.ts'
import type { Text } from './problem.ts'
import { parseSecretKey } from './secrets.ts'

/** Settings as they were written: those of the environment, and those of the `.env` file of `directory`. */
export interface SettingTexts {
  readonly environment: NodeJS.Dict<string>
  readonly file: NodeJS.Dict<string>
  readonly directory: string
}

/** Reads the `.env` file of `directory` where there is one. */
export function readSettingTexts(environment: NodeJS.Dict<string>, directory: string): SettingTexts {
  const path = join(directory, '.env')
  return { environment, file: existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {}, directory }
}

/** What a setting was given as; the environment goes before the file, and an empty text counts as none. */
export function textOf({ environment, file }: SettingTexts, name: string): string | undefined {
  return environment[name] || file[name] || undefined
}

/** The keys of `enc:…` settings: the first encrypts, all decrypt. Empty without any; what is wrong goes to `found`. */
export function findSecretKeys(texts: SettingTexts, found: Text[]): readonly Buffer[] {
  const key = textOf(texts, 'PODO_SECRET_KEY')
  const path = textOf(texts, 'PODO_SECRET_KEY_FILE')
  if (key && path) {
    found.push(mistakes.twoKeys)
    return []
  }
  if (key) return [parseSecretKey(key) ?? []].flat()
  if (!path) return []
  try {
    const keys = parseKeyFile(readFileSync(resolve(texts.directory, path)))
    if (!keys) found.push(mistakes.keyFileWrong(path))
    return keys ?? []
  } catch (error) {
    found.push(mistakes.keyFileUnreadable(path, (error as NodeJS.ErrnoException).code))
    return []
  }
}

/**
 * Former secrets as they were: an operator's key was one as it is written, and a key by its bytes; what could be either
 * is both.
 */
export function readFormerSecrets(texts: readonly string[]): readonly string[] {
  const read = texts.flatMap((text) => [text, parseSecretKey(text)?.toString('base64') ?? text])
  return [...new Set(read)]
}

/** The 32 bytes of one key, or lines with a key each; null where there is anything else. */
function parseKeyFile(bytes: Buffer): readonly Buffer[] | null {
  if (bytes.length === 32) return [bytes]
  const lines = bytes.toString('utf8').split('\n')
  const keys = lines.filter((line) => line.trim() !== '').map(parseSecretKey)
  return keys.length > 0 && keys.every((key) => key !== null) ? keys : null
}
