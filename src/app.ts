import { hash, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { companiesRoutes, keepQueuingKnown, leavingRoutes, type Queuing } from '#modules/companies'
import { earningRoutes } from '#modules/earning'
import {
  findCaller,
  findPlaces,
  identityRoutes,
  type Keyring,
  openKeyring,
  openPeople,
  type PasswordCost,
  type People,
  recallCaller,
} from '#modules/identity'
import { findRollUpLag, type LedgerLane, openLedgerLane } from '#modules/ledger'
import { opsRoutes } from '#modules/ops'
import { openPoints, type Points, pointsRoutes } from '#modules/points'
import { openPlaces, type Resolve, type Webhooks, webhooksRoutes } from '#modules/webhooks'
import { findBackupProblem } from '#platform/backup/schedule'
import { findHorizonHolder } from '#platform/cluster'
import {
  type Config,
  originsOf,
  publicOrigin,
  sealingSecretsOf,
  trustedProxiesOf,
  webhookNetworksOf,
} from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { findDurability } from '#platform/durability'
import type { CloudEvent } from '#platform/events/cloud-events'
import type { Subscriber } from '#platform/events/delivery'
import { closeHttp, type HttpOptions, type HttpServer, openHttp, type RoutesPlugin } from '#platform/http'
import { clockRoutes } from '#platform/http-clock'
import { readBearer } from '#platform/http-headers'
import { addHealth, type ReadinessCheck } from '#platform/http-health'
import { openLimits } from '#platform/http-limits'
import { addOpenApi } from '#platform/http-openapi'
import { addPages } from '#platform/http-pages'
import { openValidation } from '#platform/http-validation'
import { countLinesLost, type Logger } from '#platform/log'
import { findMailProblem } from '#platform/mail'
import { type MailOutbox, mailOutboxRoutes, openMailOutbox } from '#platform/mail-outbox'
import { type Metrics, openMetrics } from '#platform/metrics'
import { operationRoutes } from '#platform/operations/routes'
import type { Text } from '#platform/problem'
import { guardsOver } from '#platform/resilience'
import { openSealing, type Sealing } from '#platform/sealing'
import { findRedisProblem, openSharing, type Sharing } from '#platform/sharing'
import { type WithWork, workOver } from '#platform/work'
import { widenYoungGeneration } from '#platform/young-generation'
import type { InsideProviders } from '#sandbox/providers/inside'
import { startBackground } from './background.ts'
import {
  acts,
  apiDocument,
  audiences,
  envelopesOf,
  eventKinds,
  formats,
  operationAskers,
  problems,
} from './catalogue.ts'
import { type OperationsOfApp, openCommands, openOperationsOf } from './operations.ts'

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

/** What tests and benches say beside that. */
interface BuildOptions extends AppOptions {
  readonly withProcessMetrics?: boolean
  /** What goes on without requests, as far as it is for a process of this role. */
  readonly withBackground?: boolean
  /** How long somebody may hold the horizon before it is told: nothing behind it can be folded. */
  readonly horizonAgeMaxSeconds?: number
  /** Routes beside those of the modules: a bench compares with one that does nothing. */
  readonly moreRoutes?: RoutesPlugin
  /** Who hears of events beside those of the service. */
  readonly moreSubscribers?: readonly Subscriber[]
  /** How the names of webhooks' receivers are resolved, where it is not by DNS. */
  readonly resolve?: Resolve
  /** Told of each event before it is handed on. */
  readonly onEvent?: (event: CloudEvent) => void
  /** What hashing a password costs, where it protects nobody. */
  readonly passwordCost?: PasswordCost
  /** How long nothing is asked of an outside service that is away. */
  readonly outsideOpenMs?: number
}

/** The whole service without a port: everything that depends on something is given it here. */
export async function buildApp(options: BuildOptions): Promise<App> {
  const { config, log } = options
  const metrics = openMetrics({ withProcess: options.withProcessMetrics ?? false })
  let isClosing = false
  // Before anything is open that would have to be closed: this may say that Podo is not to start.
  const commands = await openCommands(config, log)
  const database = openDatabase({
    url: options.databaseUrl,
    poolSize: config.poolSize,
    role: options.role,
    onError: (error) => isClosing || log.warn(`An idle connection to the database was lost: ${error.message}`),
  })
  addGauges(metrics, database)
  const sharing = await openSharing({ ...options, database, metrics })
  const withWork = workOver(database, sharing.revocations)
  const lane = openLaneOf(config, { withWork, metrics })
  const { movesAcrossCompanies, expiringSoonDays, timeZone, providerTimeoutMs } = config
  const { secret, former } = sealingSecretsOf(config, options.operatorKey)
  const sealing = openSealing(secret, former)
  const points = openPoints({ lane, reads: database, settings: { movesAcrossCompanies, expiringSoonDays }, sealing })
  const standIns = config.profile === 'demo' ? await openStandIns(config, sealing) : null
  const places = findPlaces(config, standIns?.placeOf)
  const { passwordCost } = options
  const origin = publicOrigin(config)
  const told = { origin, issuer: config.publicUrl ?? 'podo', timeZone, places, providerTimeoutMs, passwordCost }
  const openGuard = guardsOver({ metrics, log, openMs: options.outsideOpenMs })
  const people = await openPeopleKnown({ database, withWork, sealing, openGuard, ...told })
  const validation = openValidation(formats)
  const queuing = keepQueuingKnown(database)
  const operations = openOperationsOf({
    ...{ ...options, database, withWork, sealing, points, validation, openGuard, commands },
    queues: ({ actor }) => actor.type === 'company' && queuing.has(actor.id!),
  })
  const outbox = openMailOutbox({ reads: database, withWork, sealing })
  const webhooks = openWebhooks({ database, withWork, sealing, config, resolve: options.resolve })
  const server = openHttp({
    log,
    language: config.language,
    validation,
    sealing,
    ...lettingIn({ ...sharing, operatorKey: options.operatorKey, keyring: openKeyring(database), people }),
    observe: metrics.operation,
    ...outsideOf(config, sharing),
  })

  const isApi = config.role !== 'worker'
  if (isApi) addPages(server, { openApi: await addOpenApi(server, apiDocument), problems, eventKinds })
  addHealth(server, {
    checks: [{ name: 'database', check: () => checkDatabase(database, options.databaseProblem) }],
    warnings: listWarnings(database, { config, sharing, horizonAgeMaxSeconds: options.horizonAgeMaxSeconds ?? 5 }),
    durability: () => findDurability(database),
    metrics,
    isClosing: () => isClosing,
  })
  if (isApi) {
    await addRooms(server, { database, withWork, config, people, points, operations, queuing, sealing, webhooks })
    if (standIns) await server.register(sandboxRoutes({ withWork, outbox, origin, timeZone, standIns }))
  }
  if (options.moreRoutes) await server.register(options.moreRoutes)
  const shared = { database, withWork, sealing, metrics, openGuard, people, outbox, webhooks, operations }
  const [background] = await Promise.all([
    options.withBackground ? startBackground({ ...options, ...shared }) : null,
    server.ready(),
  ])

  return {
    server,
    async close() {
      isClosing = true
      await closeHttp(server)
      await background?.close()
      await queuing.close()
      await commands?.close()
      await lane.close()
      await sharing.close()
      await database.close()
    },
  }
}

/** The keys of tokens are read at once: they tell whose a token is while the database is away. */
async function openPeopleKnown(options: Parameters<typeof openPeople>[0]): Promise<People> {
  const people = openPeople(options)
  await people.tokens.learnKeys().catch(() => {})
  return people
}

/** What decides about points, batch by batch. */
function openLaneOf(config: Config, { withWork, metrics }: { withWork: WithWork; metrics: Metrics }): LedgerLane {
  const lane = openLedgerLane({
    withWork,
    settings: { spendOrder: config.spendOrder, refundGraceDays: config.refundGraceDays },
    poolSize: config.poolSize,
    queueMax: config.laneQueueMax,
    ageMaxMs: config.laneAgeMaxMs,
    observe: metrics.lane('ledger', () => lane.depth()),
  })
  return lane
}

interface Rooms extends Pick<Webhooks, 'database' | 'withWork'> {
  readonly config: Config
  readonly people: People
  readonly points: Points
  readonly operations: OperationsOfApp
  readonly queuing: Queuing
  readonly sealing: Sealing
  readonly webhooks: Webhooks
}

/** The routes of every module. */
async function addRooms(server: HttpServer, by: Rooms): Promise<void> {
  const { database, withWork, config, people, points, operations, queuing, sealing, webhooks } = by
  const { timeZone } = config
  const { search } = people
  await server.register(identityRoutes(people))
  await server.register(leavingRoutes({ people, settings: config }))
  await server.register(companiesRoutes({ database, withWork, search, queuing, byMembers: config.companiesByMembers }))
  await server.register(pointsRoutes({ points, operations, timeZone, withWork }))
  await server.register(earningRoutes({ database, withWork, settings: config, operations }))
  await server.register(
    operationRoutes({ reads: database, sealing, hasLog: operations.hasLog, askers: operationAskers }),
  )
  await server.register(webhooksRoutes(webhooks))
  await server.register(opsRoutes({ database, withWork, timeZone, acts, envelopes: envelopesOf(config) }))
}

/** Where companies hear of what happens. */
function openWebhooks({
  config,
  resolve,
  ...by
}: Pick<Webhooks, 'database' | 'withWork' | 'sealing'> & { config: Config; resolve: Resolve | undefined }): Webhooks {
  return {
    ...by,
    places: openPlaces({ networks: webhookNetworksOf(config), mayBeClear: config.profile === 'demo', resolve }),
    types: eventKinds.map(({ type }) => type),
    audiences,
    wrap: envelopesOf(config).wrap,
    timeZone: config.timeZone,
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
function outsideOf(
  config: Config,
  { rateCounter }: Sharing,
): Pick<HttpOptions, 'origins' | 'trustedProxies' | 'limits'> {
  const limits = config.rateLimits ? openLimits(config, rateCounter) : null
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
function lettingIn(by: {
  operatorKey: string
  keyring: Keyring
  people: People
  revocations: Sharing['revocations']
}): Pick<HttpOptions, 'authenticate' | 'recall'> {
  const { length } = by.operatorKey
  const expected = digest(by.operatorKey)
  return {
    authenticate(request) {
      const credential = readBearer(request.headers.authorization)
      const isOperator = credential?.length === length && timingSafeEqual(digest(credential), expected)
      return isOperator ? { ...operator, address: request.address } : findCaller(by, request)
    },
    recall: (request) => recallCaller(by, request),
  }
}

const operator = { actor: { type: 'operator', id: null }, scopes: [], isAdmin: false, credentialId: null } as const

function digest(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

function listWarnings(
  database: Database,
  by: { config: Config; sharing: Sharing; horizonAgeMaxSeconds: number },
): ReadinessCheck[] {
  return [
    { name: 'horizon', check: () => checkHorizon(database, by.horizonAgeMaxSeconds) },
    { name: 'writes', check: () => checkWrites(database) },
    { name: 'mail', check: async () => findMailProblem(by.config) },
    { name: 'redis', check: async () => findRedisProblem(by.sharing) },
    { name: 'backup', check: () => findBackupProblem({ reads: database, settings: by.config }) },
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
