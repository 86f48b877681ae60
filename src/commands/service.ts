import { setTimeout as delay } from 'node:timers/promises'
import { assertClockUnmoved } from '#platform/clock'
import { isForeignCluster } from '#platform/cluster'
import { type Config, findUnknownSettings } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { assertDurable, type Durability, findDurability } from '#platform/durability'
import type { Logger } from '#platform/log'
import { findPendingMigrations } from '#platform/migrations'
import { findServiceRole } from '#platform/service-login'
import { StartProblem } from '#platform/start-problem'
import type { Site } from './database.ts'
import { type OperatorKey, openOperatorKey } from './operator-key.ts'
import { listenProblem } from './ports.ts'

export interface Service {
  readonly url: string
  readonly operatorKey: OperatorKey
  /** What an acknowledged commit outlives. */
  readonly durability: Durability
  /** Stops taking work and waits for what runs, ten seconds at most. */
  close(): Promise<void>
}

/** Says which variables look like settings of Podo and are none: they may be misspelt, or another program's. */
export function warnOfUnknownSettings(log: Logger): void {
  const names = findUnknownSettings()
  if (names.length > 0) log.warn(`No setting of Podo, and passed over: ${names.join(', ')}. See .env.example.`)
}

/** Starts the API, the worker or both on a database that is migrated. */
export async function startService(config: Config, site: Site, log: Logger): Promise<Service> {
  const role = site.embedded ? null : await findServiceRole(site.serviceUrl, config.profile !== 'production')
  if (role) {
    log.warn(
      `The login of DATABASE_URL owns the journal; connections take on ${role}. This guards against mistakes of ours, ` +
        'not against somebody who has the login. Give the service a login of its own (DATABASE_OWNER_URL).',
    )
  }
  const durability = await assertReady(site, config.profile)
  const operatorKey = openOperatorKey(config)
  const { startApp } = await import('#app')
  try {
    const app = await startApp({
      config,
      databaseUrl: site.serviceUrl,
      ownerUrl: site.ownerUrl,
      role: role ?? undefined,
      operatorKey: operatorKey.key,
      log,
      databaseProblem: () => site.embedded?.problem() ?? null,
    })
    return { url: app.url, operatorKey, durability, close: () => withinGrace(app.close()) }
  } catch (error) {
    throw listenProblem(error, config.host, config.port) ?? error
  }
}

async function assertReady(site: Site, profile: Config['profile']): Promise<Durability> {
  const database = openDatabase({ url: site.serviceUrl, poolSize: 1 })
  try {
    const pending = await findPendingMigrations(database)
    if (pending.length > 0) throw notMigrated(pending)
    await assertAtHome(database)
    if (profile === 'production') {
      await assertDurable(database)
      await assertClockUnmoved(database)
    }
    return await findDurability(database)
  } finally {
    await database.close()
  }
}

function notMigrated(pending: readonly string[]): StartProblem {
  return new StartProblem({
    ko: `데이터베이스에 적용되지 않은 마이그레이션이 있습니다(${pending.join(', ')}). 먼저 "podo migrate" 를 실행하십시오.`,
    en: `The database lacks migrations (${pending.join(', ')}). Run "podo migrate" first.`,
  })
}

async function assertAtHome(database: Database): Promise<void> {
  if (!(await isForeignCluster(database))) return
  throw new StartProblem({
    ko: '이 데이터베이스는 다른 PostgreSQL 클러스터에서 옮겨 온 것입니다. 먼저 "podo migrate" 를 실행하십시오.',
    en: 'This database came from another PostgreSQL cluster. Run "podo migrate" first.',
  })
}

/** Waits for the signal to stop, or for the database to be given up, and takes everything down in order. */
export async function runUntilStopped(service: Service, site: Site, stopped: Promise<string>, log: Logger) {
  const lost = new Promise<StartProblem>((resolve) => site.embedded?.onExit(resolve))
  const reason = await Promise.race([stopped, lost])
  log.info(typeof reason === 'string' ? `Stopping (${reason})` : 'Stopping: the database is gone')
  await service.close()
  await site.close()
  if (typeof reason !== 'string') throw reason
}

const graceMs = 10_000

async function withinGrace(closed: Promise<void>): Promise<void> {
  const patience = new AbortController()
  await Promise.race([closed, delay(graceMs, undefined, { signal: patience.signal })])
  patience.abort()
}
