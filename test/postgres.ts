import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, glob, mkdtemp, readdir, realpath, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from '#platform/embedded-postgres'
import { findServer, stopServer } from '#platform/postgres-process'
import { endBrokers } from '#sandbox/kafka/brokers'

/** A PostgreSQL server of a test run, under the supervisor that the service itself uses: killed, it comes back. */
export interface TestServer {
  /** The superuser's address of the database `postgres`. */
  readonly adminUrl: string
  readonly dataDir: string
  readonly postgres: EmbeddedPostgres
  /** Number of the postmaster's process; it changes when the server was started again. */
  pid(): number
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

export interface TestServerOptions extends Pick<EmbeddedPostgresOptions, 'settings' | 'restartPausesMs'> {
  readonly durable: boolean
  /** A server that was stopped, to begin as a copy of. */
  readonly copyOf?: TestServer
  /** It follows another one instead of taking writes. */
  readonly isStandby?: boolean
}

/**
 * Starts a server in the system's folder for temporary files; quick but forgetful unless `durable`.
 * The variable `PODO_TEST_BINARIES` names another npm package with a PostgreSQL.
 */
export async function startTestServer({
  copyOf,
  isStandby = false,
  settings,
  ...options
}: TestServerOptions): Promise<TestServer> {
  const folder = await makeScratch(tmpdir())
  const dataDir = join(folder, 'podo')
  const binaries = process.env.PODO_TEST_BINARIES
  // As it is, owners included.
  if (copyOf) execFileSync('cp', ['-a', copyOf.dataDir, dataDir])
  if (isStandby) await writeFile(join(dataDir, 'postgres/data/standby.signal'), '')
  const postgres = await startEmbeddedPostgres({
    ...options,
    dataDir,
    ...(binaries ? { binaries } : {}),
    // A server that is killed leaves segments of any other kind behind, in memory.
    settings: { max_connections: 300, max_wal_size: '256MB', dynamic_shared_memory_type: 'mmap', ...settings },
  })
  return {
    adminUrl: postgres.adminUrl,
    dataDir,
    postgres,
    pid: () => postgres.pid,
    async remove() {
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * A folder for all that a test run writes, which its `tmpdir()` is from now on. With `inMemory` it is there where there
 * is room, for most of a run's work is to copy databases.
 */
export async function openScratch({ inMemory }: { inMemory: boolean }): Promise<AsyncDisposable> {
  const scratch = (inMemory ? await openMemory() : null) ?? (await makeScratch(tmpdir()))
  process.env.TMPDIR = scratch
  return {
    async [Symbol.asyncDispose]() {
      await endBrokers(scratch)
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

const memory = '/dev/shm'
const memoryMin = 2 * 1024 ** 3

/** In a container it is often small, and runs no programs, which some tests copy. */
async function openMemory(): Promise<string | null> {
  const room = await statfs(memory).catch(() => null)
  if (!room || room.bavail * room.bsize < memoryMin) return null
  const scratch = await makeScratch(memory)
  const program = join(scratch, 'program')
  await writeFile(program, '#!/bin/sh\n', { mode: 0o755 })
  if (spawnSync(program).status === 0) return scratch
  await rm(scratch, { recursive: true })
  return null
}

async function makeScratch(root: string): Promise<string> {
  const folder = await mkdtemp(join(await realpath(root), `podo-test-${process.pid}-`))
  await chmod(folder, 0o711)
  return folder
}

/** Stops and removes what test runs left that were killed. */
export async function sweepAbandonedRuns(): Promise<void> {
  for (const root of new Set([tmpdir(), memory])) {
    for (const name of await readdir(root).catch(() => [])) {
      const owner = Number(/^podo-test-(\d+)-/.exec(name)?.[1])
      if (!owner || isAlive(owner)) continue
      const folder = join(root, name)
      for await (const note of glob('**/postgres/data/postmaster.pid', { cwd: folder })) {
        const left = findServer(dirname(join(folder, note)))
        if (left) await stopServer(left.process)
      }
      await endBrokers(folder)
      // Another user's is not ours to remove.
      await rm(folder, { recursive: true, force: true }).catch(() => {})
    }
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
