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
import { type House, openHouse } from '#test/harness'
import { runUntilStopped, startService } from './service.ts'

const log = openLog({ level: 'silent' })

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
  const service = await startService(config, site, log)
  assert.equal((await fetch(`${service.url}/health/ready`)).status, 200)

  const stopped = runUntilStopped(service, site, new Promise(() => {}), log)
  process.kill(embedded.pid, 'SIGKILL')
  await assert.rejects(stopped, (error) => error instanceof StartProblem && /ended soon after/.test(error.text.en))
  await assert.rejects(fetch(`${service.url}/health/live`))
})

function settingsFor(house: House, profile: 'demo' | 'production' = 'demo') {
  const config = { ...readConfig({ PORT: '0', PODO_OPERATOR_KEY: operatorKey }, import.meta.dirname), profile }
  const { ownerUrl, serviceUrl } = house
  return { config, site: { ownerUrl, serviceUrl, embedded: null, close: async () => {} } }
}

const says = (words: RegExp) => (error: unknown) => error instanceof StartProblem && words.test(error.text.en)

test('production refuses a server that may lose what it acknowledged, and names what is off', async (t) => {
  const house = await openHouse(t)
  const { config, site } = settingsFor(house, 'production')
  await assert.rejects(startService(config, site, log), says(/\(fsync = off, full_page_writes = off\)/))
})

test('a database that was moved to another cluster is served only after migrate was there', async (t) => {
  const house = await openHouse(t)
  const { config, site } = settingsFor(house)
  await house.ownerSql.run('update platform.cluster set system_identifier = 1')
  await assert.rejects(startService(config, site, log), says(/came from another PostgreSQL cluster/))
  await migrate({ url: house.ownerUrl })
  const service = await startService(config, site, log)
  await service.close()
})

test('a database whose first migration is under way, or was cut off, asks for migrate', async (t) => {
  const house = await openHouse(t)
  const { config, site } = settingsFor(house)
  await house.ownerSql.run('revoke all on platform.migration from podo_service')
  await assert.rejects(startService(config, site, log), says(/Run "podo migrate" first/))
})
