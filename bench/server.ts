import { startTestServer } from '#test/postgres'
import { makeTemplate, templateName, urlFor } from '#test/setup'

/** The PostgreSQL that benches run on: the embedded one, as durable as it is for the service. */
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

export async function startBenchServer(): Promise<BenchServer> {
  const server = await startTestServer({ durable: true })
  await makeTemplate(server.adminUrl)
  return {
    adminUrl: server.adminUrl,
    postmaster: server.pid(),
    template: templateName,
    ownerUrl: (database) => urlFor(server.adminUrl, database, 'podo_owner'),
    serviceUrl: (database) => urlFor(server.adminUrl, database, 'podo_service'),
    stop: () => server.remove(),
  }
}
