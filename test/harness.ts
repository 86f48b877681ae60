import { randomBytes } from 'node:crypto'
import { type Database, openDatabase, type Sql } from '#platform/database'
import { type WithWork, workOver } from '#platform/work'
import { startTestServer, type TestServer, type TestServerOptions } from './postgres.ts'
import { makeTemplate, templateName, urlFor } from './setup.ts'

/** Whatever runs something when it ends: a test's context, or `node:test` itself (`{ after }`) for a whole file. */
export interface Scope {
  after(run: () => Promise<void> | void): void
}

/** One process of the service on a test's database. */
export interface Process {
  /** As the service sees it: role `podo_service`, which owns nothing. */
  readonly database: Database
  readonly withWork: WithWork
}

/** A test's own database and what it takes to use it. */
export interface House extends Process {
  /** The database's owner, for looking behind the service's back and for making damage. */
  readonly ownerSql: Sql
  readonly serviceUrl: string
  readonly ownerUrl: string
  /** Another process of the service on the same database: pool and all its own. */
  second(options?: { poolSize?: number }): Process
  /** Moves the programme's clock forward. */
  advance(seconds: number): Promise<void>
  /** Runs before the database goes, the last one first: close here what was opened on it. */
  onClose(run: () => Promise<unknown> | unknown): void
}

export interface HouseOptions {
  readonly poolSize?: number
  /** Address of another server's superuser; without it, the server of the test run. */
  readonly adminUrl?: string
}

/** A copy of the migrated template database for this scope; it fails the scope when a connection is left open. */
export async function openHouse(scope: Scope, options: HouseOptions = {}): Promise<House> {
  const adminUrl = options.adminUrl ?? process.env.PODO_TEST_ADMIN_URL
  if (!adminUrl) throw new Error('There is no test server. Run this file with: npm test -- <file>')
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = openDatabase({ url: adminUrl, poolSize: 1, statementTimeoutMs: 60_000 })
  // Through the log it would be written twice.
  await admin.sql.run(`create database ${name} template ${templateName} owner podo_owner strategy file_copy`)

  const serviceUrl = urlFor(adminUrl, name, 'podo_service')
  const ownerUrl = urlFor(adminUrl, name, 'podo_owner')
  const owner = openDatabase({ url: ownerUrl, poolSize: 2, applicationName: 'owner of the test' })
  const processes: Process[] = []
  const closing: (() => Promise<unknown> | unknown)[] = []
  const openProcess = (poolSize: number): Process => {
    const database = openDatabase({ url: serviceUrl, poolSize, applicationName: `process ${processes.length + 1}` })
    const opened = { database, withWork: workOver(database) }
    processes.push(opened)
    return opened
  }

  scope.after(async () => {
    try {
      for (const close of closing.reverse()) await close()
      for (const { database } of processes) await closePool(database)
      await owner.close()
      await assertNobodyConnected(admin.sql, name)
    } finally {
      await admin.sql.run(`drop database ${name} with (force)`)
      await admin.close()
    }
  })

  return {
    ...openProcess(options.poolSize ?? 8),
    ownerSql: owner.sql,
    serviceUrl,
    ownerUrl,
    second: ({ poolSize = 8 } = {}) => openProcess(poolSize),
    async advance(seconds) {
      await owner.sql.run('update platform.clock set offset_ms = offset_ms + $1', [seconds * 1_000])
    },
    onClose: (run) => void closing.push(run),
  }
}

/** A PostgreSQL of its own with a migrated template, for tests that kill it; give its `adminUrl` to `openHouse`. */
export async function freshServer(scope: Scope, options: Partial<TestServerOptions> = {}): Promise<TestServer> {
  const server = await startTestServer({ durable: true, ...options })
  scope.after(() => server.remove())
  await makeTemplate(server.adminUrl)
  return server
}

/** Looks every few milliseconds until `find` finds something, and answers it; fails with what was waited for. */
export async function until<T>(
  what: string,
  find: () => T | Promise<T>,
  options: { timeoutMs?: number } = {},
): Promise<NonNullable<T>> {
  const timeoutMs = options.timeoutMs ?? 30_000
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = await find()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

// A connection on its way back to the pool is no leak: it gets a moment.
async function closePool(database: Database): Promise<void> {
  const isIdle = () => database.pool().total === database.pool().idle
  await until('every connection was given back to its pool', isIdle, { timeoutMs: 2_000 })
  await database.close()
}

async function assertNobodyConnected(admin: Sql, name: string): Promise<void> {
  let left: { application: string; query: string }[] = []
  const isAlone = async () => {
    left = await admin.rows(
      'select application_name as application, query from pg_stat_activity where datname = $1 and backend_type = $2',
      [name, 'client backend'],
    )
    return left.length === 0
  }
  await until('nobody was connected', isAlone, { timeoutMs: 2_000 }).catch(() => {
    throw new Error(`Connections were left open: ${JSON.stringify(left)}`)
  })
}
