import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import Type, { type Static, type TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { configProblem, mistakes } from './config-mistakes.ts'
import type { Text } from './problem.ts'
import { decryptSecret, isEncrypted, parseSecretKey } from './secrets.ts'

interface Setting {
  /** Name of the environment variable. */
  readonly name: string
  readonly schema: TSchema
  readonly default: string | number | boolean | null
  /** What a value has to be; in English to go after "must be". */
  readonly expects: Text
  readonly description: string
  /** A secret may be given as `enc:…`; in production its clear text stays out of the repository. */
  readonly secret?: boolean
}

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number]>(Type.String({ enum: [...values] }))
const postgresUrl = nullable(Type.Refine(Type.String(), isPostgresUrl, () => 'must be an address'))

const settings = {
  profile: {
    name: 'PODO_PROFILE',
    schema: oneOf('demo', 'production'),
    default: 'demo',
    expects: { ko: 'demo 또는 production', en: 'demo or production' },
    description: 'demo runs stand-ins inside and lets the test clock be moved; production has neither.',
  },
  role: {
    name: 'PODO_ROLE',
    schema: oneOf('all', 'api', 'worker'),
    default: 'all',
    expects: { ko: 'all, api, worker 중 하나', en: 'all, api or worker' },
    description: 'Which part of Podo this process is.',
  },
  host: {
    name: 'HOST',
    schema: Type.String({ pattern: '^[A-Za-z0-9.:_-]+$' }),
    default: '127.0.0.1',
    expects: { ko: '호스트 이름이나 IP 주소', en: 'a host name or an IP address' },
    description: 'Address on which the API listens.',
  },
  port: {
    name: 'PORT',
    schema: Type.Integer({ minimum: 0, maximum: 65535 }),
    default: 8080,
    expects: {
      ko: '0(비어 있는 아무 포트)부터 65535까지의 포트 번호',
      en: 'a port number from 0 (any free one) to 65535',
    },
    description: 'Port of the API.',
  },
  workerPort: {
    name: 'WORKER_PORT',
    schema: Type.Integer({ minimum: 0, maximum: 65535 }),
    default: 8081,
    expects: {
      ko: '0(비어 있는 아무 포트)부터 65535까지의 포트 번호',
      en: 'a port number from 0 (any free one) to 65535',
    },
    description: 'Port on which a worker answers for its health and metrics.',
  },
  dataDir: {
    name: 'PODO_DATA_DIR',
    schema: Type.String({ minLength: 1 }),
    default: '.podo',
    expects: { ko: '폴더의 경로', en: 'the path of a folder' },
    description: 'Folder of the PostgreSQL that Podo starts itself, and of the keys that it makes.',
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    schema: postgresUrl,
    default: null,
    expects: {
      ko: 'postgres://podo_service:…@host:5432/podo 형식의 주소',
      en: 'an address like postgres://podo_service:…@host:5432/podo',
    },
    description: 'Another PostgreSQL (16 or newer), by the login of the service. Without it Podo starts its own.',
    secret: true,
  },
  databaseOwnerUrl: {
    name: 'DATABASE_OWNER_URL',
    schema: postgresUrl,
    default: null,
    expects: {
      ko: 'postgres://podo_owner:…@host:5432/podo 형식의 주소',
      en: 'an address like postgres://podo_owner:…@host:5432/podo',
    },
    description: 'The same database by the login that owns its tables: for migrations. Default: DATABASE_URL.',
    secret: true,
  },
  poolSize: {
    name: 'PODO_POOL_SIZE',
    schema: Type.Integer({ minimum: 2, maximum: 64 }),
    default: 8,
    expects: { ko: '2부터 64까지의 수', en: 'a number from 2 to 64' },
    description: 'Database connections of a process.',
  },
  operatorKey: {
    name: 'PODO_OPERATOR_KEY',
    schema: nullable(Type.String({ pattern: '^[\\x21-\\x7e]{32,1024}$' })),
    default: null,
    expects: {
      ko: '공백 없는 ASCII 문자 32자 이상(예: "openssl rand -hex 32"의 출력)',
      en: 'at least 32 visible ASCII characters (for example the output of "openssl rand -hex 32")',
    },
    description: "The operator's API key. Without it the first start makes one in the data folder.",
    secret: true,
  },
  secretKey: {
    name: 'PODO_SECRET_KEY',
    schema: nullable(
      Type.Refine(
        Type.String(),
        (text) => parseSecretKey(text) !== null,
        () => 'must be 32 bytes',
      ),
    ),
    default: null,
    expects: {
      ko: 'base64나 16진수로 적은 32바이트(예: "openssl rand -base64 32"의 출력)',
      en: '32 bytes in base64 or hex (for example the output of "openssl rand -base64 32")',
    },
    description: 'Key of the settings that are given as enc:… (made by "podo secret encrypt").',
    secret: true,
  },
  secretKeyFile: {
    name: 'PODO_SECRET_KEY_FILE',
    schema: nullable(Type.String({ minLength: 1 })),
    default: null,
    expects: {
      ko: 'base64나 16진수로 적은 32바이트가 들어 있는 파일의 경로',
      en: 'the path of a file that holds 32 bytes in base64 or hex',
    },
    description: 'File that holds that key, in place of PODO_SECRET_KEY.',
  },
  logLevel: {
    name: 'LOG_LEVEL',
    schema: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    expects: {
      ko: 'trace, debug, info, warn, error, fatal, silent 중 하나',
      en: 'trace, debug, info, warn, error, fatal or silent',
    },
    description: 'The least level of what is logged.',
  },
  language: {
    name: 'PODO_LANGUAGE',
    schema: oneOf('ko', 'en'),
    default: 'ko',
    expects: { ko: 'ko 또는 en', en: 'ko or en' },
    description: 'Language of the programme: that of answers to callers who ask for none.',
  },
  timeZone: {
    name: 'PODO_TIME_ZONE',
    schema: Type.Refine(Type.String(), isTimeZone, () => 'must be a time zone'),
    default: 'Asia/Seoul',
    expects: { ko: 'Asia/Seoul 같은 시간대 이름', en: 'the name of a time zone like Asia/Seoul' },
    description: 'Time zone of the programme: where its days begin.',
  },
  spendOrder: {
    name: 'PODO_SPEND_ORDER',
    schema: oneOf('bonus-first', 'fifo'),
    default: 'bonus-first',
    expects: { ko: 'bonus-first 또는 fifo', en: 'bonus-first or fifo' },
    description: 'Which points are spent first: bonus before prize before paid, or the oldest.',
  },
  refundGraceDays: {
    name: 'PODO_REFUND_GRACE_DAYS',
    schema: Type.Integer({ minimum: 0, maximum: 3650 }),
    default: 30,
    expects: { ko: '0(소멸)부터 3650까지의 일수', en: 'a number of days from 0 (they are forfeit) to 3650' },
    description: 'How long points may still be spent that are refunded after they expired.',
  },
  movesAcrossCompanies: {
    name: 'PODO_MOVES_ACROSS_COMPANIES',
    schema: Type.Boolean(),
    default: false,
    expects: { ko: 'true 또는 false', en: 'true or false' },
    description: "Whether points may be moved to another company's wallets.",
  },
  expiringSoonDays: {
    name: 'PODO_EXPIRING_SOON_DAYS',
    schema: Type.Integer({ minimum: 1, maximum: 3650 }),
    default: 30,
    expects: { ko: '1부터 3650까지의 일수', en: 'a number of days from 1 to 3650' },
    description: "How far ahead a wallet's list of points that expire soon looks.",
  },
  laneQueueMax: {
    name: 'PODO_LANE_QUEUE_MAX',
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    default: 10_000,
    expects: { ko: '1부터 1000000까지의 수', en: 'a number from 1 to 1000000' },
    description: 'How many calls may wait for the ledger before more are answered 503.',
  },
} as const satisfies Record<string, Setting>

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
  const decrypted = decryptAll(texts, directory, found)

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
  return Object.freeze(values) as Config
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

function decryptAll(texts: Record<Field, string | undefined>, directory: string, found: Text[]) {
  const key = findSecretKey(texts.secretKey, texts.secretKeyFile, directory, found)
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

function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text)
}

function isTimeZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
