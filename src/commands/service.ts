import { setTimeout as delay } from 'node:timers/promises'
import { assertClockUnmoved } from '#platform/clock'
import { type Config, findUnknownSettings } from '#platform/config'
import { openDatabase } from '#platform/database'
import { assertDurable, type Durability, findDurability } from '#platform/durability'
import type { Logger } from '#platform/log'
import { findServiceRole } from '#platform/service-login'
import type { StartProblem } from '#platform/start-problem'
import { assertMigrated, type Site } from './database.ts'
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
    throw listenProblem(error, config) ?? error
  }
}

async function assertReady(site: Site, profile: Config['profile']): Promise<Durability> {
  const database = openDatabase({ url: site.serviceUrl, poolSize: 1 })
  try {
    await assertMigrated(database)
    if (profile === 'production') {
      await assertDurable(database)
      await assertClockUnmoved(database)
    }
    return await findDurability(database)
  } finally {
    await database.close()
  }
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
