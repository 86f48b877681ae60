import { join } from 'node:path'
import { openDatabase } from '#platform/database'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { migrate } from '#platform/migrations'
import { benchFolder } from './results.ts'

/** The PostgreSQL that benches run on: the embedded one, set up and as durable as it is for the service. */
export interface BenchServer {
  /** Of the superuser: makes and drops databases. */
  readonly adminUrl: string
  /** Its process; another one after `restart`. */
  readonly postmaster: number
  /** A migrated database to copy. */
  readonly template: string
  ownerUrl(database: string): string
  serviceUrl(database: string): string
  /** Stops it and starts it with other settings, at the same address. */
  restart(settings?: Record<string, string>): Promise<void>
  stop(): Promise<void>
}

const template = 'bench_template'

/** Starts it on data of its own, with the settings that it has for the service. */
export async function startBenchServer(): Promise<BenchServer> {
  const start = (settings: Record<string, string>) =>
    startEmbeddedPostgres({ dataDir: join(benchFolder, 'postgres'), settings })
  let postgres = await start({})
  const admin = openDatabase({ url: postgres.adminUrl, poolSize: 1, statementTimeoutMs: 600_000 })
  try {
    await admin.sql.run(`drop database if exists ${template} with (force)`)
    await admin.sql.run(`create database ${template} owner podo_owner`)
    await migrate({ url: at(postgres.ownerUrl, template) })
  } catch (error) {
    await postgres.stop()
    throw error
  } finally {
    await admin.close()
  }
  return {
    adminUrl: postgres.adminUrl,
    get postmaster() {
      return postgres.pid
    },
    template,
    ownerUrl: (database) => at(postgres.ownerUrl, database),
    serviceUrl: (database) => at(postgres.serviceUrl, database),
    async restart(settings = {}) {
      await postgres.stop()
      postgres = await start(settings)
    },
    stop: () => postgres.stop(),
  }
}

function at(address: string, database: string): string {
  const url = new URL(address)
  url.pathname = `/${database}`
  return url.href
}
