import { hash, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import {
  companiesActs,
  companiesProblems,
  companiesRoutes,
  leavingRoutes,
  registrationNumberFormat,
} from '#modules/companies'
import {
  findCaller,
  findPlaces,
  identityActs,
  identityProblems,
  identityRoutes,
  type Keyring,
  keepSearchesFresh,
  mailJob,
  nicknameFormat,
  nightlyTidying,
  openKeyring,
  openPeople,
  type PasswordCost,
  type People,
  socialProblems,
} from '#modules/identity'
import { findRollUpLag, keepBalancesFolded, ledgerProblems, nightlyVerification, openLedgerLane } from '#modules/ledger'
import { opsRoutes, statisticsJob } from '#modules/ops'
import { openPoints, pointsActs, pointsProblems, pointsRoutes } from '#modules/points'
import type { ActName } from '#platform/audit'
import { findHorizonHolder } from '#platform/cluster'
import { type Config, originsOf, publicOrigin, trustedProxiesOf } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { findDurability } from '#platform/durability'
import { closeHttp, type HttpOptions, type HttpServer, openHttp, type RoutesPlugin } from '#platform/http'
import { clockProblems, clockRoutes } from '#platform/http-clock'
import { readBearer } from '#platform/http-headers'
import { addHealth, type ReadinessCheck } from '#platform/http-health'
import { openLimits } from '#platform/http-limits'
import { addOpenApi } from '#platform/http-openapi'
import { addPages } from '#platform/http-pages'
import { httpProblems } from '#platform/http-problems'
import { openValidation } from '#platform/http-validation'
import { idempotencyProblems } from '#platform/idempotency'
import { laneProblems } from '#platform/lane'
import { countLinesLost, type Logger } from '#platform/log'
import { findMailProblem, openMailer } from '#platform/mail'
import { type MailOutbox, mailOutboxRoutes, openMailOutbox } from '#platform/mail-outbox'
import { type Metrics, openMetrics } from '#platform/metrics'
import type { ProblemKind, Text } from '#platform/problem'
import { openSealing, type Sealing } from '#platform/sealing'
import { type WithWork, workOver } from '#platform/work'
import { widenYoungGeneration } from '#platform/young-generation'
import type { InsideProviders } from '#sandbox/providers/inside'
import packageJson from '../package.json' with { type: 'json' }

export interface AppOptions {
  readonly config: Config
  /** The database as the service sees it; it is migrated already. */
  readonly databaseUrl: string
  /** The database's owner, for the archive. */
  readonly ownerUrl?: string
  /** The role to take on after connecting, where the login is not the service's own. */
  readonly role?: string | undefined
  readonly operatorKey: string
  readonly log: Logger
  /** Why the database is known to be away, in a sentence. */
  readonly databaseProblem?: () => Text | null
}

export interface App {
  readonly server: HttpServer
  /** Takes no more requests, finishes what runs (10 seconds at most), and lets the database go. */
  close(): Promise<void>
}

/** Every way in which Podo refuses. */
export const problems: readonly ProblemKind[] = [
  httpProblems,
  idempotencyProblems,
  laneProblems,
  clockProblems,
  ledgerProblems,
  identityProblems,
  socialProblems,
  companiesProblems,
  pointsProblems,
].flatMap((room) => Object.values<ProblemKind>(room))

/** What the audit log tells of. */
const acts = [identityActs, companiesActs, pointsActs].flatMap((room) => Object.values<ActName>(room)).toSorted()

const apiDocument = {
  title: 'Podo',
  version: packageJson.version,
  description:
    'An exact, fast points ledger. Amounts are whole points. Every POST that moves points or creates something takes ' +
    'an `Idempotency-Key`: sent again with the same key, it takes effect once and answers the same. ' +
    'Beside what each operation lists, any request may be refused before it reaches one: ' +
    '[400](/problems/http/malformed-http) where it is no HTTP or [has no Host](/problems/http/host-missing), ' +
    '[404](/problems/http/not-found), [405](/problems/http/method-not-allowed), ' +
    '[408](/problems/http/request-timeout) where it took too long to arrive, ' +
    '[414](/problems/http/uri-too-long), ' +
    '[417](/problems/http/expectation-unknown) and [431](/problems/http/headers-too-large).',
  tags: [
    { name: 'Companies', description: 'Companies: where points are spent, and who has a wallet of its own.' },
    { name: 'People', description: 'Accounts of people who sign in, and what they may change of their own.' },
    { name: 'Sessions', description: 'Signing in, going on, and signing out.' },
    { name: 'API keys', description: 'What the servers of a company call with.' },
    { name: 'Members', description: 'Members: people who hold a wallet.' },
    { name: 'Wallets and points', description: 'Wallets, their points, and every movement of them.' },
    {
      name: 'Payment codes',
      description: 'What somebody shows at a till, so that a company spends from the wallet once.',
    },
    { name: 'Operations', description: 'For administrators: who did what, and how the programme goes.' },
    { name: 'Sandbox', description: 'What only the demo profile has.' },
    { name: 'Service', description: 'For whoever watches the process.' },
  ],
}

/** What schemas of modules name. */
const formats = { 'business-registration-number': registrationNumberFormat, nickname: nicknameFormat }

/** The whole service without a port: everything that depends on something is given it here. */
export async function buildApp(
  options: AppOptions & {
    readonly withProcessMetrics?: boolean
    /** What goes on without requests, as far as it is for a process of this role. */
    readonly withBackground?: boolean
    /** How long somebody may hold the horizon before it is told: nothing behind it can be folded. */
    readonly horizonAgeMaxSeconds?: number
    /** Routes beside those of the modules: a bench compares with one that does nothing. */
    readonly moreRoutes?: RoutesPlugin
    /** What hashing a password costs, where it protects nobody. */
    readonly passwordCost?: PasswordCost
  },
): Promise<App> {
  const { config, log } = options
  const metrics = openMetrics({ withProcess: options.withProcessMetrics ?? false })
  let isClosing = false
  const database = openDatabase({
    url: options.databaseUrl,
    poolSize: config.poolSize,
    role: options.role,
    onError: (error) => isClosing || log.warn(`An idle connection to the database was lost: ${error.message}`),
  })
  addGauges(metrics, database)
  const withWork = workOver(database)
  const lane = openLedgerLane({
    withWork,
    settings: { spendOrder: config.spendOrder, refundGraceDays: config.refundGraceDays },
    poolSize: config.poolSize,
    queueMax: config.laneQueueMax,
    observe: metrics.lane('ledger', () => lane.depth()),
  })
  const { movesAcrossCompanies, expiringSoonDays, timeZone, providerTimeoutMs } = config
  const sealing = openSealing(config.secretKey ?? options.operatorKey)
  const points = openPoints({ lane, reads: database, settings: { movesAcrossCompanies, expiringSoonDays }, sealing })
  const standIns = config.profile === 'demo' ? await openStandIns(config, sealing) : null
  const places = findPlaces(config, standIns?.placeOf)
  const { passwordCost } = options
  const origin = publicOrigin(config)
  const told = { origin, issuer: config.publicUrl ?? 'podo', timeZone, places, providerTimeoutMs, passwordCost }
  const people = openPeople({ database, withWork, sealing, ...told })
  const outbox = openMailOutbox({ reads: database, withWork, sealing })
  const validation = openValidation(formats)
  const server = openHttp({
    log,
    language: config.language,
    validation,
    sealing,
    authenticate: authenticateWith({ operatorKey: options.operatorKey, keyring: openKeyring(database), people }),
    observe: metrics.operation,
    ...outsideOf(config),
  })

  const isApi = config.role !== 'worker'
  if (isApi) addPages(server, { openApi: await addOpenApi(server, apiDocument), problems })
  addHealth(server, {
    checks: [{ name: 'database', check: () => checkDatabase(database, options.databaseProblem) }],
    warnings: listWarnings(database, { config, horizonAgeMaxSeconds: options.horizonAgeMaxSeconds ?? 5 }),
    durability: () => findDurability(database),
    metrics,
    isClosing: () => isClosing,
  })
  if (isApi) {
    await server.register(identityRoutes(people))
    await server.register(leavingRoutes({ people, settings: config }))
    const { search } = people
    await server.register(companiesRoutes({ database, withWork, search, byMembers: config.companiesByMembers }))
    await server.register(pointsRoutes({ points, validation, log, timeZone, withWork }))
    await server.register(opsRoutes({ database, timeZone, acts }))
    if (standIns) await server.register(sandboxRoutes({ withWork, outbox, origin, timeZone, standIns }))
  }
  if (options.moreRoutes) await server.register(options.moreRoutes)
  const [background] = await Promise.all([
    options.withBackground ? startBackground({ ...options, database, withWork, metrics, people, outbox }) : null,
    server.ready(),
  ])

  return {
    server,
    async close() {
      isClosing = true
      await closeHttp(server)
      await background?.close()
      await lane.close()
      await database.close()
    },
  }
}

/** What every process tells of itself. */
function addGauges(metrics: Metrics, database: Database): void {
  metrics.pool('database', () => database.pool())
  metrics.gauge(
    'database_horizon_age_seconds',
    'Age of the oldest transaction that holds the horizon back, 0 without one.',
    async () => (await findHorizonHolder(database))?.ageSeconds ?? 0,
  )
  metrics.gauge('log_lines_lost', 'Lines of the log that could not be written.', countLinesLost)
}

/** Where requests come from, and how many are taken. */
function outsideOf(config: Config): Pick<HttpOptions, 'origins' | 'trustedProxies' | 'limits'> {
  const limits = config.rateLimits ? openLimits(config) : null
  return { origins: originsOf(config), trustedProxies: trustedProxiesOf(config), limits }
}

interface SandboxParts {
  readonly withWork: WithWork
  readonly outbox: MailOutbox
  readonly origin: string
  readonly timeZone: string
  readonly standIns: InsideProviders
}

/** What only the demo profile has. */
function sandboxRoutes(by: SandboxParts): RoutesPlugin {
  return async (server) => {
    await server.register(clockRoutes(by))
    await server.register(mailOutboxRoutes(by))
    await server.register(by.standIns.routes)
  }
}

/** The stand-ins of the providers, which run inside where nobody real is signed in. */
async function openStandIns(config: Config, sealing: Sealing): Promise<InsideProviders> {
  const { openInside } = await import('#sandbox/providers/inside')
  const secretOf = (name: string) => sealing.mac('stand-in', name).toString('base64url')
  return openInside({ origin: publicOrigin(config), secretOf })
}

interface BackgroundParts extends AppOptions {
  readonly database: Database
  readonly withWork: WithWork
  readonly metrics: Metrics
  readonly people: People
  readonly outbox: MailOutbox
}

/** What goes on without requests. */
async function startBackground(app: BackgroundParts): Promise<{ close(): Promise<unknown> }> {
  const { config, people, log } = app
  const onError = (error: unknown) =>
    log.warn({ err: error }, 'A search could not be made anew; the next who asks waits')
  const searches = config.role === 'worker' ? null : keepSearchesFresh(people.search, onError)
  const worker = config.role === 'api' ? null : await startWorker(app)
  return { close: () => Promise.all([searches?.close(), worker?.close()]) }
}

/** What a worker does without being asked: balances are folded, and jobs are done when their time comes. */
async function startWorker(app: BackgroundParts): Promise<{ close(): Promise<void> }> {
  const { database, withWork, metrics, log, people } = app
  const mailer = openMailer(app.config, app.outbox)
  let differences = Number.NaN
  metrics.gauge('ledger_roll_up_lag_seconds', 'Age of the oldest transfer that is not folded yet.', () =>
    findRollUpLag(database),
  )
  metrics.gauge(
    'ledger_differences',
    'Differences that the last nightly verification of this process found; NaN until one has run.',
    () => differences,
  )
  const { openJobs } = await import('#platform/jobs')
  const jobs = await openJobs({
    url: app.databaseUrl,
    role: app.role,
    concurrency: 2,
    log,
    jobs: [
      nightlyTidying({ database, timeZone: app.config.timeZone, now: new Date() }),
      nightlyVerification({
        database,
        timeZone: app.config.timeZone,
        now: new Date(),
        onDifference: (difference) => log.error(difference, 'A projection differs from the journal'),
        onEnd(report) {
          differences = report.differences
          const { transfers, accounts } = report
          log[differences > 0 ? 'error' : 'info']({ transfers, accounts, differences }, 'The ledger was verified')
        },
      }),
      mailJob({ people, mailer }),
      statisticsJob({ database, withWork, timeZone: app.config.timeZone }),
    ],
  })
  const folding = keepBalancesFolded({
    reads: database,
    withWork,
    onError: (error) => log.warn({ err: error }, 'Balances could not be folded; they will be, a little later'),
  })
  return {
    async close() {
      await Promise.all([folding.close(), jobs.close()])
      mailer.close()
    },
  }
}

/** The service on its port: the API's, or that of a worker, which answers for its health only. */
export async function startApp(options: AppOptions): Promise<{ url: string; close(): Promise<void> }> {
  widenYoungGeneration()
  const { config } = options
  const mailProblem = findMailProblem(config)
  if (mailProblem) options.log.warn(mailProblem.en)
  const app = await buildApp({ ...options, withProcessMetrics: true, withBackground: true })
  const port = config.role === 'worker' ? config.workerPort : config.port
  try {
    await app.server.listen({ host: config.host, port, backlog: 2_048 })
  } catch (error) {
    await app.close()
    throw error
  }
  const { port: bound } = app.server.server.address() as AddressInfo
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  return { url: `http://${host}:${bound}`, close: app.close }
}

/** Compares digests of equal length in constant time: of the operator's key an answer's delay says its length at most. */
function authenticateWith(by: { operatorKey: string; keyring: Keyring; people: People }): HttpOptions['authenticate'] {
  const { length } = by.operatorKey
  const expected = digest(by.operatorKey)
  return (request) => {
    const credential = readBearer(request.headers.authorization)
    const isOperator = credential?.length === length && timingSafeEqual(digest(credential), expected)
    return isOperator ? { ...operator, address: request.address } : findCaller(by, request)
  }
}

const operator = { actor: { type: 'operator', id: null }, scopes: [], isAdmin: false, credentialId: null } as const

function digest(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

function listWarnings(
  database: Database,
  { config, horizonAgeMaxSeconds }: { config: Config; horizonAgeMaxSeconds: number },
): ReadinessCheck[] {
  return [
    { name: 'horizon', check: () => checkHorizon(database, horizonAgeMaxSeconds) },
    { name: 'writes', check: () => checkWrites(database) },
    { name: 'mail', check: async () => findMailProblem(config) },
  ]
}

async function checkHorizon(database: Database, ageMaxSeconds: number): Promise<Text | null> {
  const [holder, lag] = await Promise.all([findHorizonHolder(database), findRollUpLag(database)])
  if (!holder || holder.ageSeconds < ageMaxSeconds) return lag > ageMaxSeconds ? foldedLate(Math.round(lag)) : null
  const { application, pid, database: name, state, ageSeconds } = holder
  const seconds = Math.round(ageSeconds)
  return {
    ko: `"${application}" 세션(프로세스 ${pid}, 데이터베이스 ${name}, ${state})이 ${seconds}초 동안 트랜잭션을 열어 두어 집계가 늦어집니다. 끝내 주십시오.`,
    en: `The session "${application}" (process ${pid}, database ${name}, ${state}) has held the horizon for ${seconds} s; let it end.`,
  }
}

function foldedLate(seconds: number): Text {
  return { ko: `${seconds}초 동안 잔액을 집계하지 못했습니다.`, en: `Balances have not been folded for ${seconds} s.` }
}

async function checkWrites(database: Database): Promise<Text | null> {
  if ((await findDurability(database)) !== 'none') return null
  return {
    ko: '데이터베이스가 쓰기를 받지 않습니다. 대기 서버이거나 읽기 전용입니다. 쓰는 요청에는 503으로 답합니다.',
    en: 'The database takes no writes: it is a standby, or set to be read-only. What writes is answered 503.',
  }
}

async function checkDatabase(database: Database, problem: AppOptions['databaseProblem']): Promise<Text | null> {
  const known = problem?.() ?? null
  if (known === null) await database.sql.rows('select 1 as one')
  return known
}
