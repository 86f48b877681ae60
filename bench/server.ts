import { join } from 'node:path'
import { openDatabase } from '#platform/database'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { migrate } from '#platform/migrations'
import { benchFolder } from './results.ts'

/** The PostgreSQL that benches run on: the embedded one, set up and as durable as it is for the service. */
export interface BenchServer {
  /** Of the superuser: makes and drops databases. */
  readonly adminUrl: string
  readonly postmaster: number
  /** A migrated database to copy. */
  readonly template: string
  ownerUrl(database: string): string
  serviceUrl(database: string): string
  stop(): Promise<void>
}

const template = 'bench_template'

/** Starts it on data of its own; `settings` go on top of the service's. */
export async function startBenchServer(settings: Record<string, string> = {}): Promise<BenchServer> {
  const postgres = await startEmbeddedPostgres({ dataDir: join(benchFolder, 'postgres'), settings })
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
    postmaster: postgres.pid,
    template,
    ownerUrl: (database) => at(postgres.ownerUrl, database),
    serviceUrl: (database) => at(postgres.serviceUrl, database),
    stop: postgres.stop,
  }
}

function at(address: string, database: string): string {
  const url = new URL(address)
  url.pathname = `/${database}`
  return url.href
}
