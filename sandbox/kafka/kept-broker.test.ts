import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withoutKafka } from '#test/engines/installed'
import { until } from '#test/harness'
import { keepBroker } from './kept-broker.ts'

test('a kept broker ends with whoever keeps it, also by kill -9, and the next one goes on with what it left', {
  skip: withoutKafka(),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kept-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const door = JSON.stringify(new URL('./kept-broker.ts', import.meta.url))
  const program = `import { keepBroker } from ${door}
    console.log((await keepBroker(${JSON.stringify(folder)})).address)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(owner.stdout, 'data')
  const [first, cluster] = [pidIn(folder), clusterIn(folder)]
  assert.ok(isAlive(first))
  owner.kill('SIGKILL')
  await until('the broker has ended', () => !isAlive(first), { timeoutMs: 5_000 })

  const broker = await keepBroker(folder)
  const second = pidIn(folder)
  assert.ok(isAlive(second))
  assert.equal(clusterIn(folder), cluster)
  await broker.stop()
  assert.equal(isAlive(second), false)
})

function pidIn(folder: string): number {
  return Number(readFileSync(join(folder, 'broker-1.pid'), 'utf8'))
}

function clusterIn(folder: string): string {
  return readFileSync(join(folder, 'broker-1/meta.properties'), 'utf8').match(/^cluster\.id=.*$/m)![0]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
