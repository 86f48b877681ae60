import Type, { type TSchema } from 'typebox'
import { isNetwork } from './addresses.ts'
import { backupSettings } from './backup-settings.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { isCallable } from './outgoing.ts'
import { isPostgresUrl } from './postgres-url.ts'
import type { Text } from './problem.ts'
import { providerSettings } from './provider-settings.ts'
import { redisSettings } from './redis-settings.ts'
import { secretSettings } from './secret-settings.ts'

/** One setting of a process. */
export interface Setting {
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

/** Every setting, by the field of the configuration that it becomes. */
export const settings = {
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
  publicUrl: {
    name: 'PODO_PUBLIC_URL',
    schema: nullable(Type.Refine(Type.String(), isOrigin, () => 'must be an origin')),
    default: null,
    expects: {
      ko: '경로 없는 https://points.example.com 형식의 주소',
      en: 'an address like https://points.example.com, without a path',
    },
    description: 'Where people reach Podo: what links in mails begin with. Default: http://HOST:PORT.',
  },
  smtpUrl: {
    name: 'PODO_SMTP_URL',
    schema: nullable(Type.Refine(Type.String(), isSmtpUrl, () => 'must be an address')),
    default: null,
    expects: {
      ko: 'smtps://user:…@mail.example.com:465 형식의 주소',
      en: 'an address like smtps://user:…@mail.example.com:465',
    },
    description: 'Mail server. Without it the demo shows mails on /sandbox/mails, and production sends none.',
    secret: true,
  },
  mailFrom: {
    name: 'PODO_MAIL_FROM',
    schema: nullable(
      Type.String({ pattern: '^(?:[^<>@\\x00-\\x1f]+ <[^\\s<>@]+@[^\\s<>@]+>|[^\\s<>@]+@[^\\s<>@]+)$' }),
    ),
    default: null,
    expects: {
      ko: '"Podo <no-reply@example.com>" 형식의 보내는 사람',
      en: 'a sender like "Podo <no-reply@example.com>"',
    },
    description: 'Who mails come from; needed with PODO_SMTP_URL.',
  },
  alertEmail: {
    name: 'PODO_ALERT_EMAIL',
    schema: nullable(Type.String({ pattern: '^[^\\s<>@]+@[^\\s<>@]+$', maxLength: 254 })),
    default: null,
    expects: { ko: 'ops@example.com 형식의 이메일 주소', en: 'an address like ops@example.com' },
    description: 'Who is mailed when somebody should look at something, once for each cause. Default: nobody.',
  },
  alertUrl: {
    name: 'PODO_ALERT_URL',
    schema: nullable(Type.Refine(Type.String(), isCallable, () => 'must be an address')),
    default: null,
    expects: {
      ko: 'https://hooks.example.com/… 형식의 주소(이 컴퓨터의 것이면 http도 됨)',
      en: 'an address like https://hooks.example.com/… (or of http, on this machine)',
    },
    description: 'Where the same is posted as JSON; chats that show "text" (Slack, Mattermost) understand it.',
    secret: true,
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
      ko: 'postgres://podo_service:…@host:5432/podo 형식의 주소(호스트가 여럿이면 쉼표로 구분)',
      en: 'an address like postgres://podo_service:…@host:5432/podo (several hosts with commas between them)',
    },
    description:
      'Another PostgreSQL (16 or newer), by the login of the service. Without it Podo starts its own. Of several hosts ' +
      '(…@db1:5432,db2:5432/podo) the one that takes writes is used; target_session_attrs chooses otherwise.',
    secret: true,
  },
  databaseOwnerUrl: {
    name: 'DATABASE_OWNER_URL',
    schema: postgresUrl,
    default: null,
    expects: {
      ko: 'postgres://podo_owner:…@host:5432/podo 형식의 주소(호스트가 여럿이면 쉼표로 구분)',
      en: 'an address like postgres://podo_owner:…@host:5432/podo (several hosts with commas between them)',
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
  ...secretSettings,
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
    description: 'How long points may still be spent that are refunded after they expired. They get it once.',
  },
  movesAcrossCompanies: {
    name: 'PODO_MOVES_ACROSS_COMPANIES',
    schema: Type.Boolean(),
    default: false,
    expects: { ko: 'true 또는 false', en: 'true or false' },
    description: "Whether points may be moved to another company's wallets.",
  },
  companiesByMembers: {
    name: 'PODO_COMPANIES_BY_MEMBERS',
    schema: Type.Boolean(),
    default: false,
    expects: { ko: 'true 또는 false', en: 'true or false' },
    description:
      'Whether people who sign in may make companies, which they own; otherwise only the operator does. ' +
      'Every company gives bonus points with its keys, and they are spent at all others: only for people you trust.',
  },
  expiringSoonDays: {
    name: 'PODO_EXPIRING_SOON_DAYS',
    schema: Type.Integer({ minimum: 1, maximum: 3650 }),
    default: 30,
    expects: { ko: '1부터 3650까지의 일수', en: 'a number of days from 1 to 3650' },
    description: "How far ahead a wallet's list of points that expire soon looks.",
  },
  corsOrigins: {
    name: 'PODO_CORS_ORIGINS',
    schema: nullable(Type.Refine(Type.String(), isListOf(isOrigin), () => 'must be origins')),
    default: null,
    expects: {
      ko: '쉼표로 구분한 https://app.example.com 형식의 출처',
      en: 'origins like https://app.example.com, separated by commas',
    },
    description: 'Origins whose pages may call the API from a browser, with what our own pages may do. Default: none.',
  },
  trustedProxies: {
    name: 'PODO_TRUSTED_PROXIES',
    schema: nullable(Type.Refine(Type.String(), isListOf(isNetwork), () => 'must be networks')),
    default: null,
    expects: {
      ko: '쉼표로 구분한 10.0.0.0/8 형식의 IP 주소나 대역',
      en: 'IP addresses or networks like 10.0.0.0/8, separated by commas',
    },
    description: 'Proxies in front of Podo, whose X-Forwarded-For says where a request came from. Default: none.',
  },
  webhookNetworks: {
    name: 'PODO_WEBHOOK_NETWORKS',
    schema: nullable(Type.Refine(Type.String(), isListOf(isNetwork), () => 'must be networks')),
    default: null,
    expects: {
      ko: '쉼표로 구분한 10.0.0.0/8 형식의 IP 주소나 대역',
      en: 'IP addresses or networks like 10.0.0.0/8, separated by commas',
    },
    description:
      'Networks that webhooks are sent to though they are not on the internet. Default: none; the demo adds this machine.',
  },
  rateLimits: {
    name: 'PODO_RATE_LIMITS',
    schema: Type.Boolean(),
    default: true,
    expects: { ko: 'true 또는 false', en: 'true or false' },
    description: "Whether callers who ask too often are answered 429. The operator's key is never limited.",
  },
  rateLimitAddress: {
    name: 'PODO_RATE_LIMIT_ADDRESS',
    schema: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
    default: 6_000,
    expects: { ko: '1부터 100000000까지의 수', en: 'a number from 1 to 100000000' },
    description: 'Requests a minute that people, and whoever is not known, may make from one address.',
  },
  rateLimitKey: {
    name: 'PODO_RATE_LIMIT_KEY',
    schema: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
    default: 300_000,
    expects: { ko: '1부터 100000000까지의 수', en: 'a number from 1 to 100000000' },
    description: "Requests a minute that may be made with one of a company's keys.",
  },
  rateLimitFailures: {
    name: 'PODO_RATE_LIMIT_FAILURES',
    schema: Type.Integer({ minimum: 1, maximum: 1_000 }),
    default: 10,
    expects: { ko: '1부터 1000까지의 수', en: 'a number from 1 to 1000' },
    description: 'Sign-ins that may fail with one account from one address in a quarter of an hour.',
  },
  rateLimitSignUps: {
    name: 'PODO_RATE_LIMIT_SIGN_UPS',
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    default: 120,
    expects: { ko: '1부터 1000000까지의 수', en: 'a number from 1 to 1000000' },
    description: 'Sign-ups an hour from one address.',
  },
  laneQueueMax: {
    name: 'PODO_LANE_QUEUE_MAX',
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    default: 10_000,
    expects: { ko: '1부터 1000000까지의 수', en: 'a number from 1 to 1000000' },
    description: 'How many calls may wait for the ledger before more are answered 503.',
  },
  laneAgeMaxMs: {
    name: 'PODO_LANE_AGE_MAX_MS',
    schema: Type.Integer({ minimum: 10, maximum: 60_000 }),
    default: 2_000,
    expects: { ko: '10부터 60000까지의 밀리초', en: 'milliseconds from 10 to 60000' },
    description: 'How long calls may have waited for the ledger before more are answered 503.',
  },
  ...backupSettings,
  ...kafkaSettings,
  ...redisSettings,
  ...providerSettings,
} as const satisfies Record<string, Setting>

function isSmtpUrl(text: string): boolean {
  return /^smtps?:\/\/[^/]/.test(text) && URL.canParse(text)
}

/** The parts of a setting that is a list. */
export function listOf(text: string | null): string[] {
  return text === null ? [] : text.split(',').map((part) => part.trim())
}

function isListOf(isPart: (part: string) => boolean): (text: string) => boolean {
  return (text) => listOf(text).every(isPart)
}

function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text
}

function isTimeZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
