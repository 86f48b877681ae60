import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isFolderLocked } from '#platform/folder-lock'
import { findServer } from '#platform/postgres-process'
import { until } from '#test/harness'

const long = process.env.PODO_TEST_LONG === '1'

/** The demo where no Podo runs: it has to start one. */
function startDemo(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'podo-demo-'))
  chmodSync(folder, 0o755)
  const dataDir = join(folder, 'data')
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), 'demo'], {
    env: { PATH: process.env.PATH, LANG: 'C', PORT: '0', PODO_DATA_DIR: dataDir },
    cwd: folder,
  })
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const isRunning = () =>
    existsSync(dataDir) && (isFolderLocked(dataDir) || findServer(join(dataDir, 'postgres/data')) !== null)
  return { child, ended, dataDir, isRunning, output: () => output }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('without a running Podo the demo starts one, plays on it, and stops it again', { skip: !long }, async (t) => {
  const demo = startDemo(t)
  await until('it plays', () => /Against a Podo just started at http:\/\/127\.0\.0\.1:\d+/.test(demo.output()))
  assert.equal(demo.isRunning(), true)
  assert.equal(await demo.ended, 0, demo.output())
  assert.match(demo.output(), /^Starting Podo; it stops when the demo ends\.\n/)
  assert.ok(!demo.output().includes('✗'))
  assert.equal(demo.isRunning(), false)
})

test('the Podo that a demo started stops when the demo is killed', { skip: !long }, async (t) => {
  const demo = startDemo(t)
  await until('it plays', () => /Against a Podo just started/.test(demo.output()))
  const pid = Number(readFileSync(join(demo.dataDir, 'podo.pid'), 'utf8'))
  demo.child.kill('SIGKILL')
  await demo.ended
  await until('its PostgreSQL has stopped', () => !demo.isRunning())
  await until('its Podo has ended', () => !isAlive(pid))
})
