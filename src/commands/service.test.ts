import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from '#platform/config'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { openLog } from '#platform/log'
import { migrate } from '#platform/migrations'
import { StartProblem } from '#platform/start-problem'
import { operatorKey } from '#test/api-house'
import { runUntilStopped, startService } from './service.ts'

test('Podo stops and says why when its PostgreSQL is given up', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podo-service-'))
  chmodSync(folder, 0o755)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const config = readConfig({ PORT: '0', PODO_DATA_DIR: join(folder, 'data'), PODO_OPERATOR_KEY: operatorKey }, folder)
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, durable: false, restartPausesMs: [] })
  t.after(() => embedded.stop())
  await migrate({ url: embedded.ownerUrl })
  const { ownerUrl, serviceUrl } = embedded
  const site = { ownerUrl, serviceUrl, embedded, close: () => embedded.stop() }
  const log = openLog({ level: 'silent' })
  const service = await startService(config, site, log)
  assert.equal((await fetch(`${service.url}/health/ready`)).status, 200)

  const stopped = runUntilStopped(service, site, new Promise(() => {}), log)
  process.kill(embedded.pid, 'SIGKILL')
  await assert.rejects(stopped, (error) => error instanceof StartProblem && /ended soon after/.test(error.text.en))
  await assert.rejects(fetch(`${service.url}/health/live`))
})
