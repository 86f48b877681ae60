import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import Type, { type Static, type TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { decryptSecret, isEncrypted, parseSecretKey } from './secrets.ts'
import { StartProblem } from './start-problem.ts'

interface Setting {
  /** Name of the environment variable. */
  readonly name: string
  readonly schema: TSchema
  readonly default: string | number | boolean | null
  /** What a value has to be, to go after "must be". */
  readonly expects: string
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
    expects: 'demo or production',
    description: 'demo runs stand-ins inside and lets the test clock be moved; production has neither.',
  },
  role: {
    name: 'PODO_ROLE',
    schema: oneOf('all', 'api', 'worker'),
    default: 'all',
    expects: 'all, api or worker',
    description: 'Which part of Podo this process is.',
  },
  host: {
    name: 'HOST',
    schema: Type.String({ pattern: '^[A-Za-z0-9.:_-]+$' }),
    default: '127.0.0.1',
    expects: 'a host name or an IP address',
    description: 'Address on which the API listens.',
  },
  port: {
    name: 'PORT',
    schema: Type.Integer({ minimum: 0, maximum: 65535 }),
    default: 8080,
    expects: 'a port number from 0 (any free one) to 65535',
    description: 'Port of the API.',
  },
  workerPort: {
    name: 'WORKER_PORT',
    schema: Type.Integer({ minimum: 0, maximum: 65535 }),
    default: 8081,
    expects: 'a port number from 0 (any free one) to 65535',
    description: 'Port on which a worker answers for its health and metrics.',
  },
  dataDir: {
    name: 'PODO_DATA_DIR',
    schema: Type.String({ minLength: 1 }),
    default: '.podo',
    expects: 'the path of a folder',
    description: 'Folder of the PostgreSQL that Podo starts itself, and of the keys that it makes.',
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    schema: postgresUrl,
    default: null,
    expects: 'an address like postgres://podo_service:…@host:5432/podo',
    description: 'Another PostgreSQL (16 or newer), by the login of the service. Without it Podo starts its own.',
    secret: true,
  },
  databaseOwnerUrl: {
    name: 'DATABASE_OWNER_URL',
    schema: postgresUrl,
    default: null,
    expects: 'an address like postgres://podo_owner:…@host:5432/podo',
    description: 'The same database by the login that owns its tables: for migrations. Default: DATABASE_URL.',
    secret: true,
  },
  poolSize: {
    name: 'PODO_POOL_SIZE',
    schema: Type.Integer({ minimum: 2, maximum: 64 }),
    default: 8,
    expects: 'a number from 2 to 64',
    description: 'Database connections of a process.',
  },
  operatorKey: {
    name: 'PODO_OPERATOR_KEY',
    schema: nullable(Type.String({ pattern: '^[\\x21-\\x7e]{32,1024}$' })),
    default: null,
    expects: 'at least 32 visible ASCII characters (for example the output of "openssl rand -hex 32")',
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
    expects: '32 bytes in base64 or hex (for example the output of "openssl rand -base64 32")',
    description: 'Key of the settings that are given as enc:… (made by "podo secret encrypt").',
    secret: true,
  },
  secretKeyFile: {
    name: 'PODO_SECRET_KEY_FILE',
    schema: nullable(Type.String({ minLength: 1 })),
    default: null,
    expects: 'the path of a file that holds 32 bytes in base64 or hex',
    description: 'File that holds that key, in place of PODO_SECRET_KEY.',
  },
  logLevel: {
    name: 'LOG_LEVEL',
    schema: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    expects: 'trace, debug, info, warn, error, fatal or silent',
    description: 'The least level of what is logged.',
  },
  language: {
    name: 'PODO_LANGUAGE',
    schema: oneOf('ko', 'en'),
    default: 'ko',
    expects: 'ko or en',
    description: 'Language of the programme: that of answers to callers who ask for none.',
  },
  timeZone: {
    name: 'PODO_TIME_ZONE',
    schema: Type.Refine(Type.String(), isTimeZone, () => 'must be a time zone'),
    default: 'Asia/Seoul',
    expects: 'the name of a time zone like Asia/Seoul',
    description: 'Time zone of the programme: where its days begin.',
  },
  spendOrder: {
    name: 'PODO_SPEND_ORDER',
    schema: oneOf('bonus-first', 'fifo'),
    default: 'bonus-first',
    expects: 'bonus-first or fifo',
    description: 'Which points are spent first: bonus before prize before paid, or the oldest.',
  },
  refundGraceDays: {
    name: 'PODO_REFUND_GRACE_DAYS',
    schema: Type.Integer({ minimum: 0, maximum: 3650 }),
    default: 30,
    expects: 'a number of days from 0 (they are forfeit) to 3650',
    description: 'How long points may still be spent that are refunded after they expired.',
  },
  movesAcrossCompanies: {
    name: 'PODO_MOVES_ACROSS_COMPANIES',
    schema: Type.Boolean(),
    default: false,
    expects: 'true or false',
    description: "Whether points may be moved to another company's wallets.",
  },
  expiringSoonDays: {
    name: 'PODO_EXPIRING_SOON_DAYS',
    schema: Type.Integer({ minimum: 1, maximum: 3650 }),
    default: 30,
    expects: 'a number of days from 1 to 3650',
    description: "How far ahead a wallet's list of points that expire soon looks.",
  },
  laneQueueMax: {
    name: 'PODO_LANE_QUEUE_MAX',
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    default: 10_000,
    expects: 'a number from 1 to 1000000',
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
  const mistakes = unknownNames(file)

  const texts = {} as Record<Field, string | undefined>
  for (const field of fields)
    texts[field] = environment[settings[field].name] || file[settings[field].name] || undefined
  const decrypted = decryptAll(texts, directory, mistakes)

  const values = {} as Record<Field, unknown>
  for (const field of fields) {
    const setting: Setting = settings[field]
    const text = decrypted[field]
    if (text === unreadable) continue
    values[field] = text === undefined ? setting.default : fromText(text, setting)
    if (!Check(setting.schema, values[field])) mistakes.push(mistakeOf(setting, text ?? ''))
  }
  if (values.profile === 'production') {
    mistakes.push(...defaultSecrets(values), ...(isInRepository(directory) ? clearTextSecrets(file) : []))
    if (values.operatorKey === null) {
      mistakes.push('PODO_OPERATOR_KEY is missing: in production you choose it. Set it to at least 32 characters.')
    }
  }
  if (values.databaseOwnerUrl && values.databaseUrl === null) {
    mistakes.push('DATABASE_OWNER_URL is set without DATABASE_URL. Set both, or neither for the PostgreSQL of Podo.')
  }
  if (mistakes.length > 0) throw configProblem(mistakes)
  values.dataDir = resolve(directory, values.dataDir as string)
  return Object.freeze(values) as Config
}

/** Variables that begin with PODO_ and are no setting, nor the demo's address or a switch of the tests. */
export function findUnknownSettings(environment: NodeJS.ProcessEnv = process.env): string[] {
  return unknownIn(environment).filter((name) => !/^PODO_(TEST_|URL$)/.test(name))
}

/** The key that `enc:…` settings are made with; throws a StartProblem where none is given. */
export function readSecretKey(environment: NodeJS.ProcessEnv = process.env, directory = process.cwd()): Buffer {
  const path = join(directory, '.env')
  const file = existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {}
  const mistakes: string[] = []
  const read = (name: string) => environment[name] || file[name] || undefined
  const key = findSecretKey(read('PODO_SECRET_KEY'), read('PODO_SECRET_KEY_FILE'), directory, mistakes)
  if (mistakes.length > 0) throw configProblem(mistakes)
  if (key) return key
  throw configProblem(['PODO_SECRET_KEY is missing. Set it to the output of "openssl rand -base64 32", and keep it.'])
}

/** The text of `.env.example`: every setting with its default and what it is for. */
export function renderEnvExample(): string {
  const blocks = fields.map((field) => {
    const setting: Setting = settings[field]
    return [
      `# ${setting.description}`,
      `# Must be ${setting.expects}.${setting.secret && field !== 'secretKey' ? ' May be given as enc:….' : ''}`,
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

function unknownNames(file: NodeJS.Dict<string>): string[] {
  return unknownIn(file).map((name) => `${name} in .env is no setting of Podo. See .env.example for their names.`)
}

function decryptAll(texts: Record<Field, string | undefined>, directory: string, mistakes: string[]) {
  const key = findSecretKey(texts.secretKey, texts.secretKeyFile, directory, mistakes)
  const decrypted: Partial<Record<Field, string | typeof unreadable>> = { ...texts }
  for (const field of fields) {
    const text = texts[field]
    if (field === 'secretKey' || !text || !isEncrypted(text)) continue
    const value = key && decryptSecret(text, key)
    decrypted[field] = value ?? unreadable
    const { name } = settings[field]
    if (!key)
      mistakes.push(`${name} is encrypted, but its key is not given. Set PODO_SECRET_KEY or PODO_SECRET_KEY_FILE.`)
    else if (value === null) mistakes.push(`${name} cannot be decrypted: encrypt it again with the present key.`)
  }
  return decrypted
}

function findSecretKey(key: string | undefined, path: string | undefined, directory: string, mistakes: string[]) {
  if (key && path) {
    mistakes.push('PODO_SECRET_KEY and PODO_SECRET_KEY_FILE are both given. Keep one of them.')
    return null
  }
  if (key) return parseSecretKey(key)
  if (!path) return null
  try {
    const bytes = readFileSync(resolve(directory, path))
    const parsed = bytes.length === 32 ? bytes : parseSecretKey(bytes.toString('utf8'))
    if (!parsed) mistakes.push(`PODO_SECRET_KEY_FILE names ${path}, which must hold 32 bytes in base64 or hex.`)
    return parsed
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    mistakes.push(`PODO_SECRET_KEY_FILE names ${path}, which cannot be read (${code}). Correct the path or its rights.`)
    return null
  }
}

function fromText(text: string, { schema }: Setting): unknown {
  const { type } = schema as { type?: string }
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function mistakeOf({ name, expects, secret, default: otherwise }: Setting, text: string): string {
  const shown = secret ? `${name} does not fit` : `${name} is ${JSON.stringify(text.slice(0, 80))}`
  const way = otherwise === null ? 'Correct or remove it.' : `Correct it, or remove it for the default, ${otherwise}.`
  return `${shown}: it must be ${expects}. ${way}`
}

function defaultSecrets(values: Partial<Record<Field, unknown>>): string[] {
  const mistakes: string[] = []
  if (typeof values.operatorKey === 'string' && isGuessable(values.operatorKey)) {
    mistakes.push('PODO_OPERATOR_KEY can be guessed. Set it to a random text, for example of "openssl rand -hex 32".')
  }
  for (const field of ['databaseUrl', 'databaseOwnerUrl'] as const) {
    const url = values[field]
    if (typeof url !== 'string' || !isPostgresUrl(url)) continue
    const { username, password } = new URL(url)
    if (password && (password === username || /^(postgres|password|podo|secret|admin|root|1234.*)$/i.test(password))) {
      mistakes.push(`${settings[field].name} has a password that can be guessed. Give its login a random one.`)
    }
  }
  return mistakes
}

function isGuessable(key: string): boolean {
  return new Set(key).size < 8 || /change.?me|default|example|placeholder|your.?key|0123456789abcdef{2}/i.test(key)
}

function clearTextSecrets(file: NodeJS.Dict<string>): string[] {
  return fields
    .filter((field) => (settings[field] as Setting).secret)
    .map((field) => settings[field].name)
    .filter(
      (name) => file[name] && !isEncrypted(file[name]) && !(isPostgresUrl(file[name]) && !new URL(file[name]).password),
    )
    .map(
      (name) =>
        `${name} stands in clear text in .env inside the repository, which production refuses. ` +
        'Encrypt it ("podo secret encrypt"), or set it in the environment of the process.',
    )
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

function configProblem(mistakes: readonly string[]): StartProblem {
  const list = mistakes.map((mistake) => `  - ${mistake}`).join('\n')
  return new StartProblem({
    ko: `설정에 잘못된 곳이 ${mistakes.length}개 있습니다. 고친 뒤 다시 시작하십시오.\n${list}`,
    en: `The settings have ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}. Correct and start again.\n${list}`,
  })
}
