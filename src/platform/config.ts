import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Static } from 'typebox'
import { Check } from 'typebox/schema'
import { configProblem, mistakes } from './config-mistakes.ts'
import type { Text } from './problem.ts'
import { decryptSecret, isEncrypted, parseSecretKey } from './secrets.ts'
import { isPostgresUrl, type Setting, settings } from './settings.ts'

type Field = keyof typeof settings

/** The settings of this process; days are calendar days, `dataDir` is absolute, secrets are in clear text. */
export type Config = { readonly [F in Field]: Static<(typeof settings)[F]['schema']> }

/**
 * Reads the environment, and the `.env` file of `directory` for what the environment leaves out.
 * Throws one StartProblem that names every mistake.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env, directory = process.cwd()): Config {
  const path = join(directory, '.env')
  const file = existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {}
  const found = unknownNames(file)

  const texts = {} as Record<Field, string | undefined>
  for (const field of fields)
    texts[field] = environment[settings[field].name] || file[settings[field].name] || undefined
  const key = findSecretKey(texts.secretKey, texts.secretKeyFile, directory, found)
  const decrypted = decryptAll(texts, key, found)

  const values = {} as Record<Field, unknown>
  for (const field of fields) {
    const setting: Setting = settings[field]
    const text = decrypted[field]
    if (text === unreadable) continue
    values[field] = text === undefined ? setting.default : fromText(text, setting)
    if (!Check(setting.schema, values[field])) found.push(mistakeOf(setting, text ?? ''))
  }
  if (values.profile === 'production') {
    found.push(...defaultSecrets(values), ...(isInRepository(directory) ? clearTextSecrets(file) : []))
    if (values.operatorKey === null) {
      found.push(mistakes.operatorKeyMissing)
    }
  }
  if (values.databaseOwnerUrl && values.databaseUrl === null) {
    found.push(mistakes.ownerWithoutService)
  }
  if (found.length > 0) throw configProblem(found)
  values.dataDir = resolve(directory, values.dataDir as string)
  // Wherever it came from.
  values.secretKey = key?.toString('base64') ?? null
  return Object.freeze(values) as Config
}

/** Where people reach Podo, without a slash at its end. */
export function publicOrigin({ publicUrl, host, port }: Config): string {
  if (publicUrl !== null) return publicUrl
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** What an operator's key has to be, wherever it comes from. */
export const operatorKeyExpects: Text = settings.operatorKey.expects

/** Whether a text is that. */
export function isOperatorKey(text: string): boolean {
  return Check(settings.operatorKey.schema, text)
}

/** Variables that begin with PODO_ and are no setting, nor the demo's address or a switch of the tests. */
export function findUnknownSettings(environment: NodeJS.ProcessEnv = process.env): string[] {
  return unknownIn(environment).filter((name) => !/^PODO_(TEST_|URL$)/.test(name))
}

/** The key that `enc:…` settings are made with; throws a StartProblem where none is given. */
export function readSecretKey(environment: NodeJS.ProcessEnv = process.env, directory = process.cwd()): Buffer {
  const path = join(directory, '.env')
  const file = existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {}
  const found: Text[] = []
  const read = (name: string) => environment[name] || file[name] || undefined
  const key = findSecretKey(read('PODO_SECRET_KEY'), read('PODO_SECRET_KEY_FILE'), directory, found)
  if (found.length > 0) throw configProblem(found)
  if (key) return key
  throw configProblem([mistakes.noKey])
}

/** The text of `.env.example`: every setting with its default and what it is for. */
export function renderEnvExample(): string {
  const blocks = fields.map((field) => {
    const setting: Setting = settings[field]
    return [
      `# ${setting.description}`,
      `# Must be ${setting.expects.en}.${setting.secret && field !== 'secretKey' ? ' May be given as enc:….' : ''}`,
      `# ${setting.name}=${setting.default ?? ''}`,
    ].join('\n')
  })
  const head =
    '# Settings of Podo: copy to .env and uncomment what should differ. The environment goes before the file.'
  return `${[head, ...blocks].join('\n\n')}\n`
}

const fields = Object.keys(settings) as Field[]
const repository = realpathSync(join(import.meta.dirname, '../..'))
const unreadable = Symbol('a secret that could not be decrypted')

function unknownIn(environment: NodeJS.Dict<string>): string[] {
  const known = new Set<string>(fields.map((field) => settings[field].name))
  return Object.keys(environment).filter((name) => name.startsWith('PODO_') && !known.has(name))
}

function unknownNames(file: NodeJS.Dict<string>): Text[] {
  return unknownIn(file).map(mistakes.unknown)
}

function decryptAll(texts: Record<Field, string | undefined>, key: Buffer | null, found: Text[]) {
  const decrypted: Partial<Record<Field, string | typeof unreadable>> = { ...texts }
  for (const field of fields) {
    const text = texts[field]
    if (field === 'secretKey' || !text || !isEncrypted(text)) continue
    const value = key && decryptSecret(text, key)
    decrypted[field] = value ?? unreadable
    const { name } = settings[field]
    if (!key) found.push(mistakes.keyMissing(name))
    else if (value === null) found.push(mistakes.notDecrypted(name))
  }
  return decrypted
}

function findSecretKey(key: string | undefined, path: string | undefined, directory: string, found: Text[]) {
  if (key && path) {
    found.push(mistakes.twoKeys)
    return null
  }
  if (key) return parseSecretKey(key)
  if (!path) return null
  try {
    const bytes = readFileSync(resolve(directory, path))
    const parsed = bytes.length === 32 ? bytes : parseSecretKey(bytes.toString('utf8'))
    if (!parsed) found.push(mistakes.keyFileWrong(path))
    return parsed
  } catch (error) {
    found.push(mistakes.keyFileUnreadable(path, (error as NodeJS.ErrnoException).code))
    return null
  }
}

function fromText(text: string, { schema }: Setting): unknown {
  const { type } = schema as { type?: string }
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function mistakeOf({ name, expects, secret, default: otherwise }: Setting, text: string): Text {
  return mistakes.value({ name, expects, otherwise, shown: secret ? null : text })
}

function defaultSecrets(values: Partial<Record<Field, unknown>>): Text[] {
  const found: Text[] = []
  if (typeof values.operatorKey === 'string' && isGuessable(values.operatorKey)) {
    found.push(mistakes.operatorKeyGuessable)
  }
  for (const field of ['databaseUrl', 'databaseOwnerUrl'] as const) {
    const url = values[field]
    if (typeof url !== 'string' || !isPostgresUrl(url)) continue
    const { username, password } = new URL(url)
    if (password && (password === username || /^(postgres|password|podo|secret|admin|root|1234.*)$/i.test(password))) {
      found.push(mistakes.passwordGuessable(settings[field].name))
    }
  }
  return found
}

function isGuessable(key: string): boolean {
  return new Set(key).size < 8 || /change.?me|default|example|placeholder|your.?key|0123456789abcdef{2}/i.test(key)
}

function clearTextSecrets(file: NodeJS.Dict<string>): Text[] {
  return fields
    .filter((field) => (settings[field] as Setting).secret)
    .map((field) => settings[field].name)
    .filter(
      (name) => file[name] && !isEncrypted(file[name]) && !(isPostgresUrl(file[name]) && !new URL(file[name]).password),
    )
    .map(mistakes.clearText)
}

function isInRepository(directory: string): boolean {
  return !relative(repository, realpathSync(directory)).startsWith('..')
}
