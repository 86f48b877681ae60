import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { EncryptedSetting, EncryptedSettings } from '#platform/config'
import { decryptSecret, encryptSecret } from '#platform/secrets'
import { StartProblem } from '#platform/start-problem'
import { replaceFile } from './secret-files.ts'
import { secretTexts } from './secret-texts.ts'

/** One file as it was and as it becomes. */
interface Write {
  readonly path: string
  readonly before: Buffer
  readonly after: Buffer
}

/** What a rotation does: after each write, as before the first, every setting can be read. */
export interface Rotation {
  readonly writes: readonly Write[]
  /** What somebody else has to set, as `NAME=value`. */
  readonly lines: readonly string[]
  /** How many values in `.env` are encrypted again. */
  readonly values: number
}

/**
 * Former keys that are kept, for what the service sealed by them: the last, and the one before it, for nothing may have
 * been sealed by the last yet, where a rotation was killed and run again.
 */
const formerMax = 2
const formerName = 'PODO_SECRET_KEY_FORMER'

/** Decides what becomes of the files, and changes nothing. Throws a StartProblem where `.env` cannot be rewritten. */
export function planRotation(given: EncryptedSettings, key: Buffer): Rotation {
  if (given.keyFrom === 'keyFile') return planWithKeyFile(given, key)
  const settings = withFormer(given)
  const isInEnvironment = settings.some(({ from }) => from === 'environment')
  const keyLine = `PODO_SECRET_KEY=${key.toString('base64')}`
  // The key and what it decrypts would part, for there is no writing both places at once.
  if (given.keyFrom === 'environment' || isInEnvironment) {
    // Of a name in both places the environment's counts.
    const byName = new Map(settings.toReversed().map((setting) => [setting.name, setting]))
    return { writes: [], lines: [keyLine, ...Array.from(byName.values(), (it) => toLine(it, key))], values: 0 }
  }
  return { writes: [planEnvFile({ ...given, settings }, key)], lines: [], values: settings.length - 1 }
}

/** Carries out what was planned, a file at a time, each as a whole or not at all. */
export function carryOut({ writes }: Rotation): void {
  for (const write of writes) replaceFile(write)
}

function planWithKeyFile(given: EncryptedSettings, key: Buffer): Rotation {
  const path = given.keyFile!
  const inFile = given.settings.filter(({ from }) => from === 'file')
  const inEnvironment = given.settings.filter(({ from }) => from === 'environment')
  // What a setting needs stays until the next rotation, whether or not that setting is written below.
  const isNeeded = (former: Buffer) => given.settings.some(({ text }) => decryptSecret(text, former) !== null)
  const former = given.keys.filter((each, place) => place < formerMax || isNeeded(each))
  const envFile = inFile.length > 0 ? [planEnvFile(given, key)] : []
  return {
    writes: [{ path, before: readFileSync(path), after: toKeyFile([key, ...former]) }, ...envFile],
    lines: inEnvironment.map((setting) => toLine(setting, key)),
    values: inFile.length,
  }
}

/** The settings, with the former keys as they are to be among them. */
function withFormer({ keys, former, settings }: EncryptedSettings): readonly EncryptedSetting[] {
  const value = [keys[0]!.toString('base64'), ...former.secrets].slice(0, formerMax).join()
  return [
    ...settings.filter(({ name }) => name !== formerName),
    { name: formerName, from: former.from, text: '', value },
  ]
}

/** `.env` with each value encrypted again and, where it stands there, the key; every other byte stays. */
function planEnvFile({ envFile, keyFrom, settings }: EncryptedSettings, key: Buffer): Write {
  const before = readFileSync(envFile)
  const was = parseEnv(before.toString('utf8'))
  const becomes = new Map<string, string>()
  for (const { name, from, value } of settings) if (from === 'file') becomes.set(name, encryptSecret(value, key))
  if (keyFrom === 'file') becomes.set('PODO_SECRET_KEY', key.toString('base64'))
  // A comment in any encoding comes out as it went in.
  let text = before.toString('latin1')
  for (const [name, value] of becomes) {
    text = name in was ? replaceValue(text, { name, was: was[name]!, value }) : addBeforeKey(text, `${name}=${value}`)
  }
  const after = Buffer.from(text, 'latin1')
  const is = parseEnv(after.toString('utf8'))
  const names = [...Object.keys(was), ...becomes.keys()]
  const wrong = names.find((name) => is[name] !== (becomes.get(name) ?? was[name]))
  if (wrong !== undefined) throw new StartProblem(secretTexts.notOneLine(wrong))
  return { path: envFile, before, after }
}

function replaceValue(text: string, { name, was, value }: { name: string; was: string; value: string }): string {
  const line = new RegExp(`^([ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=[ \\t]*['"\`]?)${RegExp.escape(was)}`, 'gm')
  return text.replace(line, (_whole, beginning: string) => beginning + value)
}

function addBeforeKey(text: string, line: string): string {
  return text.replace(/^(?=[ \t]*(?:export[ \t]+)?PODO_SECRET_KEY[ \t]*=)/m, () => `${line}\n`)
}

function toLine({ name, value }: EncryptedSetting, key: Buffer): string {
  return `${name}=${encryptSecret(value, key)}`
}

function toKeyFile(keys: readonly Buffer[]): Buffer {
  return Buffer.from(keys.map((key) => `${key.toString('base64')}\n`).join(''))
}
