import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { isFolderLocked, lockFolder } from './folder-lock.ts'
import { folderProblem } from './folder-problem.ts'
import { type Binaries, findBinaries } from './postgres-binaries.ts'
import { makePrivateFolder, openDataFolder, openServerFolder, type ServerUser, serverUser } from './postgres-folder.ts'
import { damaged, endedAgain, notStarted, otherVersion } from './postgres-problems.ts'
import {
  findServer,
  forgetServer,
  lastLogLines,
  logBytes,
  optionsOf,
  rotateLog,
  type ServerProcess,
  serverEnvironment,
  spawnServer,
  stopServer,
} from './postgres-process.ts'
import { localeArguments, type ServerSettings, serverSettings } from './postgres-settings.ts'
import type { Text } from './problem.ts'
import { StartProblem } from './start-problem.ts'

export interface EmbeddedPostgresOptions {
  /** Folder of everything that lasts; made when it is missing, and locked while the server runs. */
  readonly dataDir: string
  /** Default: the one of the last start, else any free one. */
  readonly port?: number
  /** On top of the defaults (postgres-settings.ts). */
  readonly settings?: ServerSettings
  /** False for tests: faster, and an outage of the machine loses data. */
  readonly durable?: boolean
  /** Name of another npm package with the binaries. */
  readonly binaries?: string
  /** Pauses before the attempts to start it again when it died; after the last it is given up. */
  readonly restartPausesMs?: readonly number[]
  /** Told what a person may want to know: attaching, restarting, slow recovery. */
  readonly onNotice?: (notice: string) => void
}

/** Addresses of a server; all on 127.0.0.1, each with a password of its own. */
export interface ServerAddresses {
  /** `podo_owner` on the database `podo`, which it owns. */
  readonly ownerUrl: string
  /** `podo_service` on the same database; it owns nothing. */
  readonly serviceUrl: string
  /** The superuser on the database `postgres`. */
  readonly adminUrl: string
}

export interface EmbeddedPostgres extends ServerAddresses {
  /** Where the data really lies. */
  readonly folder: string
  /** Of the process that runs now: it changes when PostgreSQL had to be started again. */
  readonly pid: number
  /** Why the database cannot be reached at present, or null. */
  problem(): Text | null
  /** Called once if PostgreSQL ended and could not be started again. */
  onExit(listener: (problem: StartProblem) => void): void
  /** Stops the server cleanly and gives the folder free. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on `dataDir`, or takes over the one that a killed Podo left running there, and starts it again
 * whenever it dies. Throws a StartProblem when the folder is in use, closed, or of another version.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = serverUser()
  const dataDir = resolve(options.dataDir)
  openDataFolder(dataDir, user)
  const lock = lockFolder(dataDir)
  try {
    const home = openServerFolder(dataDir, user)
    const binaries = findBinaries(home, user, options.binaries)
    const server = await createCluster({ home, user, binaries, durable: options.durable ?? true })
    const running = await launch(server, options, await choosePort(server, options.port))
    return supervise(server, options, running, () => lock.release())
  } catch (error) {
    lock.release()
    throw folderProblem(dataDir, error)
  }
}

/** The addresses of the server that a running Podo keeps on `dataDir`, or null when none does. */
export function findEmbeddedPostgres(dataDir: string): ServerAddresses | null {
  const { home, found } = findRunning(dataDir) ?? {}
  return home && found ? addresses(readCredentials(home), found.port) : null
}

/** Breaks the server off that a running Podo keeps on `dataDir`: an outage, after which that Podo starts it again. */
export function breakEmbeddedPostgres(dataDir: string): void {
  findRunning(dataDir)?.found?.process.signal('SIGQUIT')
}

function findRunning(dataDir: string) {
  const folder = resolve(dataDir)
  if (!existsSync(folder) || !isFolderLocked(folder)) return null
  const home = openServerFolder(folder, serverUser())
  return { home, found: findServer(join(home, 'data')) }
}

interface Cluster {
  readonly home: string
  readonly folder: string
  readonly logFile: string
  readonly user: ServerUser | null
  readonly binaries: Binaries
  readonly credentials: Credentials
  readonly settings: ServerSettings
}

interface Credentials {
  readonly admin: string
  readonly owner: string
  readonly service: string
}

interface Running {
  readonly process: ServerProcess
  readonly port: number
}

const run = promisify(execFile)

/** A folder under another name until it is complete: an interrupted start leaves nothing half made. */
async function createCluster(made: { home: string; user: ServerUser | null; binaries: Binaries; durable: boolean }) {
  const { home, user, binaries, durable } = made
  const folder = join(home, 'data')
  const settings = serverSettings({ durable, folder: home })
  if (!existsSync(join(folder, 'PG_VERSION'))) {
    // The passwords are made anew beside a new database, which would lock its owner out of an old one.
    if (existsSync(folder) && readdirSync(folder).length > 0) throw damaged(folder)
    const unfinished = join(home, 'data.new')
    const passwordFile = join(home, 'password.new')
    rmSync(unfinished, { recursive: true, force: true })
    makePrivateFolder(unfinished, user)
    const credentials = writeCredentials(home)
    writeFileSync(passwordFile, credentials.admin, { mode: 0o600 })
    if (user) chownSync(passwordFile, user.uid, user.gid)
    const encoding = ['-E', 'UTF8', '-A', 'scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`]
    const flags = ['-D', unfinished, ...encoding, ...localeArguments(binaries.majorVersion)]
    try {
      await run(binaries.initdb, durable ? flags : [...flags, '--no-sync'], {
        cwd: home,
        env: serverEnvironment(),
        ...user,
      })
    } catch (error) {
      throw notStarted((error as { stderr?: string }).stderr || String(error))
    } finally {
      rmSync(passwordFile, { force: true })
    }
    renameSync(unfinished, folder)
  }
  const version = Number.parseInt(readFileSync(join(folder, 'PG_VERSION'), 'utf8'), 10)
  if (version !== binaries.majorVersion) throw otherVersion(folder, version, binaries.majorVersion)
  const credentials = readCredentials(home)
  return { home, folder, logFile: join(home, 'postgres.log'), user, binaries, credentials, settings }
}

function writeCredentials(home: string): Credentials {
  const random = () => randomBytes(24).toString('base64url')
  const credentials = { admin: random(), owner: random(), service: random() }
  writeFileSync(join(home, 'credentials.json'), `${JSON.stringify(credentials)}\n`, { mode: 0o600 })
  return credentials
}

function readCredentials(home: string): Credentials {
  const path = join(home, 'credentials.json')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Credentials
  } catch (cause) {
    throw new StartProblem(
      {
        ko: `데이터베이스의 비밀번호 파일(${path})을 읽을 수 없습니다. 백업에서 되돌려 놓으십시오.`,
        en: `The file of the database's passwords, ${path}, cannot be read. Put it back from a backup.`,
      },
      { cause },
    )
  }
}

function addresses(credentials: Credentials, port: number): ServerAddresses {
  // PGSSLMODE and its like are meant for another server.
  const url = (login: string, database: string) => `postgres://${login}@127.0.0.1:${port}/${database}?sslmode=disable`
  return {
    ownerUrl: url(`podo_owner:${credentials.owner}`, 'podo'),
    serviceUrl: url(`podo_service:${credentials.service}`, 'podo'),
    adminUrl: url(`postgres:${credentials.admin}`, 'postgres'),
  }
}

async function choosePort({ home, folder }: Cluster, wanted?: number): Promise<number> {
  if (wanted) return wanted
  const note = join(home, 'port')
  const last = existsSync(note) ? Number(readFileSync(note, 'utf8')) : 0
  // One that is taken by the server itself is no other's.
  if (findServer(folder)) return last
  const port = last > 0 && (await freePort(last)) ? last : await freePort(0)
  writeFileSync(note, `${port}\n`)
  return port
}

/** The port if it is free (any free one for 0), else 0. */
function freePort(port: number): Promise<number> {
  return new Promise((settle) => {
    const probe = createServer()
    probe.once('error', () => settle(0))
    probe.listen(port, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number }
      probe.close(() => settle(free))
    })
  })
}

/** A server that answers: the one found there if it runs as this one would, else a new one. */
async function launch(cluster: Cluster, options: EmbeddedPostgresOptions, port: number): Promise<Running> {
  const settings = { ...cluster.settings, ...options.settings, port }
  const command = {
    program: cluster.binaries.postgres,
    arguments: [
      '-D',
      cluster.folder,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    folder: cluster.folder,
    logFile: cluster.logFile,
    user: cluster.user,
  }
  const found = findServer(cluster.folder)
  if (found) {
    options.onNotice?.(`PostgreSQL was left running by a Podo that was killed (process ${found.process.pid})`)
    if (found.options === optionsOf(command) && (await isReady(cluster, found.process, port, options))) {
      endWithUs(found.process)
      return { process: found.process, port }
    }
    await stopServer(found.process)
  }
  forgetServer(cluster.folder)
  const from = logBytes(cluster.logFile)
  const server = spawnServer(command)
  endWithUs(server)
  if (await isReady(cluster, server, port, options)) return { process: server, port }
  throw notStarted(lastLogLines(cluster.logFile, from))
}

/** Whatever ends this process, short of kill -9, ends the server too. */
function endWithUs(server: ServerProcess): void {
  const end = () => server.signal('SIGINT')
  process.on('exit', end)
  server.exited.then(() => process.off('exit', end))
}

/** Waits until the server answers and has what Podo needs; false when it ended instead. */
async function isReady(cluster: Cluster, server: ServerProcess, port: number, options: EmbeddedPostgresOptions) {
  const { adminUrl } = addresses(cluster.credentials, port)
  const startedAt = performance.now()
  let noticeAt = slowMs
  let pauseMs = 10
  while (server.isAlive()) {
    const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await prepare(client, cluster.credentials)
      return true
    } catch (error) {
      if (!isStarting(error)) {
        await stopServer(server)
        throw error
      }
    } finally {
      await client.end().catch(() => {})
    }
    if (performance.now() - startedAt > noticeAt) {
      options.onNotice?.('PostgreSQL is recovering what was not yet in its files; it answers when that is done')
      noticeAt *= 2
    }
    await delay(pauseMs)
    pauseMs = Math.min(pauseMs * 1.5, 200)
  }
  return false
}

const slowMs = 5_000

/** Refused, reset, timed out; starting up, shutting down, recovering: PostgreSQL's own word for "not yet". */
function isStarting(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  return /^(ECONN|EPIPE|ETIMEDOUT|57P0[123])/.test(code) || /terminated|timeout/i.test(message)
}

/** Roles, database and the test of Korean search; each is made only where it is missing. */
async function prepare(client: pg.Client, credentials: Credentials): Promise<void> {
  const { rows } = await client.query(
    `select
       exists (select from pg_roles where rolname = 'podo_owner') as owner,
       exists (select from pg_roles where rolname = 'podo_service') as service,
       exists (select from pg_database where datname = 'podo') as database,
       exists (select from pg_extension where extname = 'pg_trgm') as trigrams`,
  )
  const exists = rows[0] as Record<'owner' | 'service' | 'database' | 'trigrams', boolean>
  if (!exists.owner) await client.query(`create role podo_owner login createrole password '${credentials.owner}'`)
  if (!exists.service) {
    // Made by the owner's role, so that it may give the service's role rights and, to whom it will, membership.
    await client.query('set role podo_owner')
    await client.query(`create role podo_service login password '${credentials.service}'`)
    await client.query('reset role')
    // To name who holds the horizon; without it others' sessions show neither their age nor what they do.
    await client.query('grant pg_read_all_stats to podo_service')
  }
  if (!exists.database) await client.query('create database podo owner podo_owner')
  if (!exists.trigrams) await client.query('create extension if not exists pg_trgm')
  const found = await client.query(`select cardinality(show_trgm('포도송이')) as trigrams`)
  if (found.rows[0].trigrams === 0) throw new Error('Korean search would find nothing: LC_CTYPE of this cluster is C')
}

function supervise(cluster: Cluster, options: EmbeddedPostgresOptions, first: Running, release: () => void) {
  let running = first
  let state: 'running' | 'restarting' | 'failed' | 'stopped' = 'running'
  let restarted: Promise<void> = Promise.resolve()
  let attempts = 0
  const pausesMs = options.restartPausesMs ?? defaultPausesMs
  const listeners: ((problem: StartProblem) => void)[] = []

  const rotation = setInterval(() => rotateLog(cluster.logFile), 60_000).unref()

  function watch(): void {
    const startedAt = performance.now()
    running.process.exited.then(() => {
      if (state !== 'running') return
      state = 'restarting'
      options.onNotice?.(`PostgreSQL ended unexpectedly (see ${cluster.logFile}); it is started again`)
      if (performance.now() - startedAt > settledMs) attempts = 0
      restarted = restart()
    })
  }

  async function restart(): Promise<void> {
    let problem: unknown = endedAgain(cluster.logFile)
    while (attempts < pausesMs.length) {
      await delay(pausesMs[attempts++])
      if (state !== 'restarting') return
      try {
        running = await launch(cluster, options, running.port)
      } catch (error) {
        problem = error
        continue
      }
      state = state === 'restarting' ? 'running' : state
      options.onNotice?.(`PostgreSQL was started again (process ${running.process.pid})`)
      return watch()
    }
    state = 'failed'
    const failed = problem instanceof StartProblem ? problem : notStarted(String(problem))
    for (const listener of listeners) listener(failed)
  }

  async function stop(): Promise<void> {
    if (state === 'stopped') return
    const starting = state === 'restarting' ? findServer(cluster.folder) : null
    state = 'stopped'
    if (starting) await stopServer(starting.process)
    await restarted
    await stopServer(running.process)
    clearInterval(rotation)
    release()
  }

  watch()
  return {
    ...addresses(cluster.credentials, running.port),
    folder: cluster.folder,
    get pid() {
      return running.process.pid
    },
    problem: () => (state === 'running' ? null : stateTexts[state]),
    onExit: (listener: (problem: StartProblem) => void) => {
      listeners.push(listener)
    },
    stop,
  }
}

const stateTexts: Readonly<Record<'restarting' | 'failed' | 'stopped', Text>> = {
  restarting: { ko: 'PostgreSQL을 다시 시작하고 있습니다.', en: 'PostgreSQL is being started again.' },
  failed: { ko: 'PostgreSQL을 다시 시작하지 못했습니다.', en: 'PostgreSQL failed to start again.' },
  stopped: { ko: 'PostgreSQL이 멈췄습니다.', en: 'PostgreSQL is stopped.' },
}

/** Backends of a postmaster that was killed need a moment to notice: the first tries may come too early. */
const defaultPausesMs = [0, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]
const settledMs = 10_000
