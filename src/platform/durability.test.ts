import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '#test/harness'
import { openDatabase } from './database.ts'
import { findDurability } from './durability.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'

type Options = Omit<Parameters<typeof startEmbeddedPostgres>[0], 'dataDir'>

function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'podo-durability-'))
  chmodSync(folder, 0o755)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

async function withServer<T>(dataDir: string, options: Options, use: (server: EmbeddedPostgres) => Promise<T>) {
  const server = await startEmbeddedPostgres({ dataDir, ...options })
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

async function durabilityOf(url: string) {
  const database = openDatabase({ url, poolSize: 1 })
  try {
    return await findDurability(database)
  } finally {
    await database.close()
  }
}

test('a failover is survived with a synchronous standby, a crash with fsync, and a standby commits nothing', async (t) => {
  const dataDir = openFolder(t)
  const home = await withServer(dataDir, { durable: false }, async (server) => {
    assert.equal(await durabilityOf(server.serviceUrl), 'process')
    return server.folder
  })
  const synced = { durable: false, settings: { fsync: 'on', full_page_writes: 'on' } }
  await withServer(dataDir, synced, async (server) => {
    assert.equal(await durabilityOf(server.serviceUrl), 'machine')
    const admin = openDatabase({ url: server.adminUrl, poolSize: 1 })
    try {
      await admin.sql.run(`alter system set synchronous_standby_names = 'other'`)
      await admin.sql.rows('select pg_reload_conf()')
      await until('it is in force', async () => (await durabilityOf(server.serviceUrl)) === 'failover')
    } finally {
      await admin.close()
    }
  })
  writeFileSync(join(home, 'standby.signal'), '')
  await withServer(dataDir, synced, async (server) => assert.equal(await durabilityOf(server.serviceUrl), 'none'))
})
