import { glob } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { startTestServer, sweepAbandonedServers } from './postgres.ts'
import { makeTemplate } from './setup.ts'

const long = process.env.PODO_TEST_LONG === '1'
const fileTimeoutMs = long ? 3_600_000 : 150_000

process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { name: { type: 'string' } },
  })
  const files = await findFiles(positionals)
  if (files.length === 0) {
    console.error(`No test file matches ${positionals.join(' ')}`)
    return 1
  }
  await sweepAbandonedServers()
  const server = await startTestServer({ durable: false })
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  try {
    await makeTemplate(server.adminUrl)
    process.env.PODO_TEST_ADMIN_URL = server.adminUrl
    return await runFiles(files, values.name, stopped.signal)
  } finally {
    await server.remove()
  }
}

async function findFiles(asked: string[]): Promise<string[]> {
  const root = resolve(import.meta.dirname, '..')
  const all = await Array.fromAsync(glob('{src,test,bench}/**/*.test.ts', { cwd: root }))
  const wanted = asked.map((path) => relative(root, resolve(path)))
  return all.filter((file) => wanted.length === 0 || wanted.some((path) => isWithin(file, path))).sort()
}

function isWithin(file: string, path: string): boolean {
  return file === path || file.startsWith(path.replace(/\/*$/, '/'))
}

async function runFiles(files: string[], name: string | undefined, signal: AbortSignal): Promise<number> {
  let counts = { passed: 0, failed: 0, skipped: 0 }
  const events = run({
    files,
    concurrency: 2,
    timeout: fileTimeoutMs,
    signal,
    execArgv: ['--import', resolve(import.meta.dirname, 'guard.ts')],
    ...(name ? { testNamePatterns: name } : {}),
  })
  events.on('test:summary', (summary) => {
    if (summary.file !== undefined) return
    const { passed, failed, cancelled, skipped, todo } = summary.counts as Record<string, number> as never
    counts = { passed, failed: failed + cancelled, skipped: skipped + todo }
  })
  for await (const line of events.compose(spec())) process.stdout.write(line)
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  const nothingRan = counts.passed + counts.skipped === 0
  return counts.failed > 0 || nothingRan || signal.aborted ? 1 : 0
}
