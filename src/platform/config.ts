import { accessSync, constants, realpathSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Static } from 'typebox'
import { Check } from 'typebox/schema'
import { configProblem, mistakes } from './config-mistakes.ts'
import { parsePostgresUrl } from './postgres-url.ts'
import type { Text } from './problem.ts'
import { isRedisUrl } from './redis-settings.ts'
import { findSecretKeys, readFormerSecrets, readSettingTexts, type SettingTexts, textOf } from './secret-keys.ts'
import { decryptByAny, isEncrypted } from './secrets.ts'
import { listOf, type Setting, settings } from './settings.ts'

type Field = keyof typeof settings

/** The settings of this process; days are calendar days, `dataDir` is absolute, secrets are in clear text. */
export type Config = { readonly [F in Field]: Static<(typeof settings)[F]['schema']> }

/**
 * Reads the environment, and the `.env` file of `directory` for what the environment leaves out.
 * Throws one StartProblem that names every mistake.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env, directory = process.cwd()): Config {
  const given = readSettingTexts(environment, directory)
  const found = unknownNames(given.file)

  const texts = {} as Record<Field, string | undefined>
  for (const field of fields) texts[field] = textOf(given, settings[field].name)
  const keys = findSecretKeys(given, found)
  const decrypted = decryptAll(texts, keys, found)

  const values = {} as Record<Field, unknown>
  for (const field of fields) {
    const setting: Setting = settings[field]
    const text = decrypted[field]
    if (text === unreadable) continue
    values[field] = text === undefined ? setting.default : fromText(text, setting)
    if (!Check(setting.schema, values[field])) found.push(mistakeOf(setting, text ?? ''))
  }
  if (values.profile === 'production') {
    found.push(...defaultSecrets(values), ...(isInRepository(directory) ? clearTextSecrets(given.file) : []))
    if (values.operatorKey === null) {
      found.push(mistakes.operatorKeyMissing)
    }
  }
  if (values.databaseOwnerUrl && values.databaseUrl === null) {
    found.push(mistakes.ownerWithoutService)
  }
  if (values.smtpUrl && values.mailFrom === null) {
    found.push(mistakes.mailFromMissing)
  }
  if (values.profile === 'production' && values.alertEmail && values.smtpUrl === null) {
    found.push(mistakes.alertMailUnsent)
  }
  for (const [id, secret] of clientPairs) {
    if ((values[id] === null) !== (values[secret] === null)) {
      found.push(mistakes.halfGiven(settings[id].name, settings[secret].name))
    }
  }
  found.push(...kafkaMistakes(values, directory))
  if (values.backupDir && values.databaseUrl) found.push(mistakes.backupOfAnother)
  if (found.length > 0) throw configProblem(found)
  if (values.kafkaCaFile) values.kafkaCaFile = resolve(directory, values.kafkaCaFile as string)
  values.dataDir = resolve(directory, values.dataDir as string)
  if (values.backupDir) values.backupDir = resolve(directory, values.backupDir as string)
  // Wherever it came from.
  const [secretKey, ...former] = keys.map((key) => key.toString('base64'))
  values.secretKey = secretKey ?? null
  values.secretKeyFormer = [...former, ...listOf(values.secretKeyFormer as string | null)].join() || null
  return Object.freeze(values) as Config
}

/**
 * What the service seals with in the database, and what it did before: whoever sets a key only later had it sealed with
 * the operator's.
 */
export function sealingSecretsOf(config: Config, operatorKey: string): { secret: string; former: readonly string[] } {
  const { secretKey, secretKeyFormer } = config
  const former = readFormerSecrets(listOf(secretKeyFormer))
  return secretKey === null ? { secret: operatorKey, former } : { secret: secretKey, former: [...former, operatorKey] }
}

/** Where people reach Podo, without a slash at its end. */
export function publicOrigin({ publicUrl, host, port }: Config): string {
  if (publicUrl !== null) return publicUrl
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Whose pages may call from a browser. */
export function originsOf(config: Config): { own: string; trusted: ReadonlySet<string> } {
  return { own: publicOrigin(config), trusted: new Set(listOf(config.corsOrigins)) }
}

/** Networks of the proxies in front of this process. */
export function trustedProxiesOf({ trustedProxies }: Config): readonly string[] {
  return listOf(trustedProxies)
}

/** Networks that are not on the internet, and that webhooks are sent to nevertheless. */
export function webhookNetworksOf({ webhookNetworks, profile }: Config): readonly string[] {
  return [...listOf(webhookNetworks), ...(profile === 'demo' ? ['127.0.0.0/8', '::1'] : [])]
}

/** What an operator's key has to be, wherever it comes from. */
export const operatorKeyExpects: Text = settings.operatorKey.expects

/** Whether a text is that. */
export function isOperatorKey(text: string): boolean {
  return Check(settings.operatorKey.schema, text)
}

/** Variables that begin with PODO_ and are no setting, nor what commands call with, nor a switch of the tests. */
export function findUnknownSettings(environment: NodeJS.ProcessEnv = process.env): string[] {
  return unknownIn(environment).filter((name) => !/^PODO_(TEST_|URL$|API_KEY$)/.test(name))
}

/** The key that `enc:…` settings are made with; throws a StartProblem where none is given. */
export function readSecretKey(environment: NodeJS.ProcessEnv = process.env, directory = process.cwd()): Buffer {
  const found: Text[] = []
  const keys = readKeys(readSettingTexts(environment, directory), found)
  if (found.length > 0) throw configProblem(found)
  return keys[0]!
}

/** A setting that is given as `enc:…`. */
export interface EncryptedSetting {
  readonly name: string
  readonly from: 'environment' | 'file'
  /** As it was given, and what it stands for. */
  readonly text: string
  readonly value: string
}

/** Where the key of the `enc:…` settings is, and all of them. */
export interface EncryptedSettings {
  /** The first encrypts, all decrypt. */
  readonly keys: readonly Buffer[]
  readonly keyFrom: 'environment' | 'file' | 'keyFile'
  /** The file of keys, where there is one. */
  readonly keyFile: string | null
  readonly envFile: string
  /** What `PODO_SECRET_KEY_FORMER` says, and where: in the environment, or else in `.env` if anywhere. */
  readonly former: { readonly from: 'environment' | 'file'; readonly secrets: readonly string[] }
  readonly settings: readonly EncryptedSetting[]
}

/** Reads all of them, those too that the environment hides; throws one StartProblem that names every mistake. */
export function readEncryptedSettings(
  environment: NodeJS.ProcessEnv = process.env,
  directory = process.cwd(),
): EncryptedSettings {
  const found: Text[] = []
  const texts = readSettingTexts(environment, directory)
  const keys = readKeys(texts, found)
  const encrypted: EncryptedSetting[] = []
  for (const from of ['environment', 'file'] as const) {
    for (const { name } of Object.values<Setting>(settings)) {
      const text = texts[from][name]
      if (name === settings.secretKey.name || !text || !isEncrypted(text)) continue
      const value = decryptByAny(text, keys)
      if (value !== null) encrypted.push({ name, from, text, value })
      else if (keys.length > 0) found.push(mistakes.notDecrypted(name))
    }
  }
  if (found.length > 0) throw configProblem(found)
  const path = textOf(texts, settings.secretKeyFile.name)
  const { name } = settings.secretKeyFormer
  const former = textOf(texts, name) ?? null
  return {
    keys,
    keyFrom: path ? 'keyFile' : environment[settings.secretKey.name] ? 'environment' : 'file',
    keyFile: path ? resolve(directory, path) : null,
    envFile: join(directory, '.env'),
    former: {
      from: environment[name] ? 'environment' : 'file',
      secrets: listOf(former && isEncrypted(former) ? decryptByAny(former, keys) : former),
    },
    settings: encrypted,
  }
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
const clientPairs = [
  ['kakaoClientId', 'kakaoClientSecret'],
  ['naverClientId', 'naverClientSecret'],
  ['googleClientId', 'googleClientSecret'],
] as const
const repository = realpathSync(join(import.meta.dirname, '../..'))
const unreadable = Symbol('a secret that could not be decrypted')

function unknownIn(environment: NodeJS.Dict<string>): string[] {
  const known = new Set<string>(fields.map((field) => settings[field].name))
  return Object.keys(environment).filter((name) => name.startsWith('PODO_') && !known.has(name))
}

function unknownNames(file: NodeJS.Dict<string>): Text[] {
  return unknownIn(file).map(mistakes.unknown)
}

function decryptAll(texts: Record<Field, string | undefined>, keys: readonly Buffer[], found: Text[]) {
  const decrypted: Partial<Record<Field, string | typeof unreadable>> = { ...texts }
  for (const field of fields) {
    const text = texts[field]
    if (field === 'secretKey' || !text || !isEncrypted(text)) continue
    const value = decryptByAny(text, keys)
    decrypted[field] = value ?? unreadable
    const { name } = settings[field]
    if (keys.length === 0) found.push(mistakes.keyMissing(name))
    else if (value === null) found.push(mistakes.notDecrypted(name))
  }
  return decrypted
}

/** At least one key, unless what is wrong goes to `found`. */
function readKeys(texts: SettingTexts, found: Text[]): readonly Buffer[] {
  const keys = findSecretKeys(texts, found)
  if (keys.length === 0 && found.length === 0) {
    const isGiven = textOf(texts, settings.secretKey.name) !== undefined
    found.push(isGiven ? mistakeOf(settings.secretKey, '') : mistakes.noKey)
  }
  return keys
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
  if (listOf(values.secretKeyFormer as string | null).some(isGuessable)) {
    found.push(mistakes.formerKeyGuessable)
  }
  for (const field of ['databaseUrl', 'databaseOwnerUrl'] as const) {
    const url = values[field]
    const { username, password } = (typeof url === 'string' && parsePostgresUrl(url)) || {}
    if (password && (password === username || /^(postgres|password|podo|secret|admin|root|1234.*)$/i.test(password))) {
      found.push(mistakes.passwordGuessable(settings[field].name))
    }
  }
  return found
}

function kafkaMistakes(values: Partial<Record<Field, unknown>>, directory: string): Text[] {
  const found: Text[] = []
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = values
  const missing = [mechanism, username, password].filter((value) => value === null)
  if (missing.length === 1 || missing.length === 2) found.push(mistakes.kafkaSignInHalfGiven)
  if (mechanism === 'PLAIN' && values.kafkaTls === false) found.push(mistakes.kafkaPasswordInClear)
  const { kafkaCaFile: path } = values
  if (typeof path === 'string') {
    try {
      accessSync(resolve(directory, path), constants.R_OK)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      found.push(mistakes.fileUnreadable(settings.kafkaCaFile.name, path, code))
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
    .filter((name) => file[name] && !isEncrypted(file[name]) && !isOpenAddress(file[name]))
    .map(mistakes.clearText)
}

/** Whether a text says only where something is: an address of a database without a password. */
function isOpenAddress(text: string): boolean {
  if (isRedisUrl(text)) return new URL(text).password === ''
  return parsePostgresUrl(text)?.password === ''
}

function isInRepository(directory: string): boolean {
  return !relative(repository, realpathSync(directory)).startsWith('..')
}
