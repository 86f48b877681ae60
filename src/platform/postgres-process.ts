import { execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ServerUser } from './postgres-folder.ts'

/** A PostgreSQL server process, our child or one that a Podo which was killed left behind. */
export interface ServerProcess {
  readonly pid: number
  /** Settles when the process has ended. */
  readonly exited: Promise<void>
  isAlive(): boolean
  signal(name: 'SIGINT' | 'SIGQUIT'): void
}

export interface ServerCommand {
  readonly program: string
  readonly arguments: readonly string[]
  /** The data folder, in which the server runs. */
  readonly folder: string
  readonly logFile: string
  readonly user: ServerUser | null
}

/** In a session of its own, so that Ctrl-C in a terminal stops Podo first, which then stops the server. */
export function spawnServer(command: ServerCommand): ServerProcess {
  rotateLog(command.logFile)
  const log = openSync(command.logFile, 'a', 0o600)
  const child = spawn(command.program, command.arguments, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: command.folder,
    env: serverEnvironment(),
    ...command.user,
  })
  closeSync(log)
  child.unref()
  let alive = true
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      alive = false
      resolve()
    }
    child.once('exit', end)
    child.once('error', end)
  })
  return {
    pid: child.pid ?? 0,
    exited,
    isAlive: () => alive,
    signal: (name) => {
      if (alive) child.kill(name)
    },
  }
}

/** The server that runs in the data folder without being our child, and whether it was started by this very command. */
export function findServer(folder: string): { process: ServerProcess; port: number; options: string } | null {
  const lines = readLines(join(folder, 'postmaster.pid'))
  const pid = Number(lines[0])
  if (!(pid > 1) || !isServerOf(pid, folder)) return null
  return {
    process: watchServer(pid, folder),
    port: Number(lines[3]),
    options: readLines(join(folder, 'postmaster.opts')).join('\n').trim(),
  }
}

/**
 * Removes the note of a server that is gone when its number is now another process's: PostgreSQL would take that for
 * itself and refuse to start. Otherwise the note stays, because it also leads to memory that is still in use.
 */
export function forgetServer(folder: string): void {
  const note = join(folder, 'postmaster.pid')
  const pid = Number(readLines(note)[0])
  if (pid > 1 && isProcess(pid) && !isServerOf(pid, folder)) rmSync(note, { force: true })
}

/** How PostgreSQL itself notes the command it was started with. */
export function optionsOf(command: Pick<ServerCommand, 'program' | 'arguments'>): string {
  return [command.program, ...command.arguments.map((argument) => `"${argument}"`)].join(' ')
}

/** Asks the server to stop at once for its clients but cleanly for its data, and waits until it has. */
export async function stopServer(server: ServerProcess): Promise<void> {
  server.signal('SIGINT')
  const patience = setTimeout(() => server.signal('SIGQUIT'), stopTimeoutMs)
  await server.exited
  clearTimeout(patience)
}

/** How long the log is now; what a start adds comes behind it. */
export function logBytes(logFile: string): number {
  return statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
}

/**
 * Why the server ended, in its own words: of what it logged from that byte on, the last lines, and those before them
 * that name a cause, which the lines about its going down can push away.
 */
export function lastLogLines(logFile: string, from: number): string {
  const log = readBytes(logFile)
  const lines = log
    .subarray(from > log.length ? 0 : from)
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
  const causes = lines.filter((line) => / (FATAL|PANIC|DETAIL|HINT): /.test(line) && !notYet.test(line))
  return [...new Set([...causes.slice(-4), ...lines.slice(-4)])].join('\n')
}

/** What whoever asks a starting server too early is told: us. */
const notYet = /FATAL: +the database system is (starting up|shutting down|in recovery mode|not yet accepting)/

/** Keeps the log and one predecessor at some megabytes; the server appends, so it goes on at the start of the file. */
export function rotateLog(logFile: string): void {
  if (logBytes(logFile) < logBytesMax) return
  copyFileSync(logFile, `${logFile}.1.new`)
  renameSync(`${logFile}.1.new`, `${logFile}.1`)
  truncateSync(logFile)
}

/** Variables like PGPORT or PGOPTIONS are meant for another server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
}

const stopTimeoutMs = 60_000
const logBytesMax = 8 * 1024 * 1024
const watchIntervalMs = 100

function watchServer(pid: number, folder: string): ServerProcess {
  const isAlive = () => isServerOf(pid, folder)
  const exited = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (isAlive()) return
      clearInterval(timer)
      resolve()
    }, watchIntervalMs)
    timer.unref()
  })
  return {
    pid,
    exited,
    isAlive,
    signal: (name) => {
      if (isAlive()) process.kill(pid, name)
    },
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process id alone proves nothing: after a restart of the machine or container it may be anybody's. */
function isServerOf(pid: number, folder: string): boolean {
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder)
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(folder)
  } catch {
    return false
  }
}

function readLines(path: string): string[] {
  return readBytes(path).toString('utf8').split('\n')
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}
