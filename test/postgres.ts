import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#platform/embedded-postgres'
import { findServer, stopServer } from '#platform/postgres-process'

/** A PostgreSQL server of a test run, under the supervisor that the service itself uses: killed, it comes back. */
export interface TestServer {
  /** The superuser's address of the database `postgres`. */
  readonly adminUrl: string
  readonly postgres: EmbeddedPostgres
  /** Number of the postmaster's process; it changes when the server was started again. */
  pid(): number
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

/**
 * Starts a server in the system's folder for temporary files; quick but forgetful unless `durable`.
 * The variable `PODO_TEST_BINARIES` names another npm package with a PostgreSQL.
 */
export async function startTestServer(options: { durable: boolean }): Promise<TestServer> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), `podo-test-${process.pid}-`))
  await chmod(folder, 0o711)
  const binaries = process.env.PODO_TEST_BINARIES
  const postgres = await startEmbeddedPostgres({
    dataDir: join(folder, 'podo'),
    durable: options.durable,
    ...(binaries ? { binaries } : {}),
    settings: { max_connections: 300 },
  })
  return {
    adminUrl: postgres.adminUrl,
    postgres,
    pid: () => postgres.pid,
    async remove() {
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Stops and removes the servers of test runs that were killed. */
export async function sweepAbandonedServers(): Promise<void> {
  const home = await realpath(tmpdir())
  for (const name of await readdir(home)) {
    const owner = Number(/^podo-test-(\d+)-/.exec(name)?.[1])
    if (!owner || isAlive(owner)) continue
    const left = findServer(join(home, name, 'podo', 'postgres', 'data'))
    if (left) await stopServer(left.process)
    // Another user's is not ours to remove.
    await rm(join(home, name), { recursive: true, force: true }).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
