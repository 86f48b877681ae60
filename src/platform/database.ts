import { createHash } from 'node:crypto'
import pg from 'pg'
import { connectionTo } from './connections.ts'
import { noteDatabaseTime } from './database-time.ts'
import { openOutage } from './outage.ts'

/** Runs statements; each is prepared once per connection under a name made from its text. */
export interface Sql {
  /** The rows of a statement. `int8` comes as a safe integer, `numeric` as a string, `timestamptz` as a Date. */
  rows<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** The number of rows that a statement touched. */
  run(text: string, values?: readonly unknown[]): Promise<number>
}

/** `Sql` inside a transaction. */
export interface TransactionSql extends Sql {
  /** Sends a write without waiting for it: its error, if any, is the transaction's. */
  send(text: string, values?: readonly unknown[]): void
}

export interface Database {
  /** Single statements, each a transaction of its own: for reads. */
  readonly sql: Sql
  /** One transaction on one connection, statements pipelined; rolled back when `run` or any statement fails. */
  transaction<T>(run: (sql: TransactionSql) => Promise<T>): Promise<T>
  /** Connections open, idle and waited for. */
  pool(): { total: number; idle: number; waiting: number; max: number }
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  readonly poolSize: number
  /** Role to take on after connecting, when the login itself is not the service's. */
  readonly role?: string | undefined
  readonly applicationName?: string
  readonly statementTimeoutMs?: number
  readonly lockTimeoutMs?: number
  /** Told of the first idle connection that was lost, and of no other until one could be made again. */
  readonly onError?: (error: Error) => void
}

/** Connects lazily; a wrong address shows at the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const statementTimeoutMs = options.statementTimeoutMs ?? 10_000
  const settings: Record<string, string> = {
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(options.lockTimeoutMs ?? 2_000),
    // A unit of work never waits for anything but the database: who sits idle inside one has died.
    idle_in_transaction_session_timeout: '2000',
    client_connection_check_interval: '2000',
    timezone: 'UTC',
    datestyle: 'ISO',
    // Batches probe by key; with these plans allowed, one cached on empty tables scans them for ever after.
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
    // Compiled, a statement takes a tenth of a second before it begins.
    jit: 'off',
    // Planned for its values each time, a single spend cost the server a fifth to a half more.
    plan_cache_mode: 'force_generic_plan',
    ...(options.role ? { role: options.role } : {}),
  }
  const pool = new pg.Pool({
    ...connectionTo(options.url),
    max: options.poolSize,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 5_000,
    // A server that is hung keeps no time: then the connection is given up, a little later than it should have been.
    query_timeout: statementTimeoutMs * silenceFactor,
    application_name: options.applicationName ?? 'podo',
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: { getTypeParser },
    pipeline: true,
    onConnect: begin,
  } as pg.PoolConfig)
  const outage = openOutage((error) => options.onError?.(error))
  pool.on('error', outage.noticed)
  pool.on('connect', outage.reached)

  return {
    sql: sqlOver(async (query) => {
      admit(pool, readsWaitingMax * options.poolSize)
      return pool.query(query)
    }),
    async transaction(run) {
      admit(pool, worksWaitingMax * options.poolSize)
      return transaction(pool, run)
    },
    pool: () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      max: options.poolSize,
    }),
    close: () => pool.end(),
  }
}

const silenceFactor = 1.2

/** Who may wait, for each connection that there is. Of a unit of work many callers may wait for the end: it comes last. */
const readsWaitingMax = 128
const worksWaitingMax = 256

/** Throws as in an outage where too many wait already: one who would wait for seconds is told so at once. */
function admit(pool: pg.Pool, waitingMax: number): void {
  if (pool.waitingCount < waitingMax) return
  throw Object.assign(new Error('too many wait for a connection'), { code: '53300' })
}

/** An acknowledged commit is on the disk, whatever the database's default; a stricter default stays in force. */
const beginning = `select extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs",
  case when current_setting('synchronous_commit') not in ('on', 'remote_apply')
    then set_config('synchronous_commit', 'on', false) end`

async function begin(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ nowMs: number }>(beginning)
  noteDatabaseTime(rows[0]!.nowMs)
}

async function transaction<T>(pool: pg.Pool, run: (sql: TransactionSql) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  const sent: Promise<unknown>[] = []
  let broken: Error | undefined
  const onError = (error: Error) => {
    broken ??= error
  }
  client.on('error', onError)
  try {
    const begun = client.query('begin')
    begun.catch(() => {})
    const base = sqlOver((query) => client.query(query))
    const sql: TransactionSql = {
      ...base,
      send(text, values) {
        const result = base.run(text, values)
        result.catch(() => {})
        sent.push(result)
      },
    }
    let result: T
    try {
      result = await run(sql)
    } catch (error) {
      const rolledBack = client.query('rollback')
      await Promise.allSettled([begun, ...sent, rolledBack])
      await rolledBack.catch(onError)
      throw await firstError([begun, ...sent], error)
    }
    const committed = client.query('commit')
    committed.catch(() => {})
    const failed = await firstError([begun, ...sent, committed], undefined)
    if (failed) throw failed
    // PostgreSQL answers COMMIT of a failed transaction with the tag ROLLBACK and no error.
    if ((await committed).command !== 'COMMIT') throw new Error('the transaction was rolled back at commit')
    return result
  } catch (error) {
    if (isConnectionError(error) || isReadOnly(error)) broken ??= error as Error
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** The error that came first on the connection: those after it only say that the transaction had failed. */
async function firstError(results: Promise<unknown>[], otherwise: unknown): Promise<unknown> {
  for (const result of await Promise.allSettled(results)) {
    if (result.status === 'rejected' && codeOf(result.reason) !== '25P02') return result.reason
  }
  return otherwise
}

interface Query {
  name: string
  text: string
  values: unknown[]
}

function sqlOver(query: (query: Query) => Promise<pg.QueryResult>): Sql {
  const run = (text: string, values: readonly unknown[] = []) =>
    query({ name: statementName(text), text, values: values.map((it) => (Array.isArray(it) ? arrayLiteral(it) : it)) })
  return {
    async rows<Row>(text: string, values?: readonly unknown[]) {
      return (await run(text, values)).rows as Row[]
    },
    async run(text, values) {
      return (await run(text, values)).rowCount ?? 0
    },
  }
}

/** A column of values for `unnest`, or null where all of them are: `unnest` fills it up, and nothing is sent. */
export function sparse<Value>(values: readonly (Value | null)[]): readonly (Value | null)[] | null {
  return values.every((value) => value === null) ? null : values
}

/** An array as PostgreSQL reads it (documentation, 8.15.6); the client's own writer took a tenth of a batch's time. */
function arrayLiteral(values: readonly unknown[]): string {
  let literal = '{'
  for (const value of values) literal += literal.length === 1 ? elementLiteral(value) : `,${elementLiteral(value)}`
  return `${literal}}`
}

function elementLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  if (typeof value !== 'string') return value instanceof Date ? value.toISOString() : String(value)
  if (!value.includes('"') && !value.includes('\\')) return `"${value}"`
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

const statementNames = new Map<string, string>()

function statementName(text: string): string {
  let name = statementNames.get(text)
  if (!name) {
    name = createHash('sha256').update(text).digest('base64url').slice(0, 16)
    statementNames.set(text, name)
  }
  return name
}

const oid = { int8: 20, timestamptz: 1184, int8Array: 1016 }

const getTypeParser = ((type: number, format?: 'text' | 'binary') => {
  if (type === oid.int8) return toSafeInteger
  if (type === oid.timestamptz) return toDate
  if (type === oid.int8Array) {
    const parseArray = pg.types.getTypeParser(oid.int8Array, 'text') as (text: string) => (string | null)[]
    return (text: string) => parseArray(text).map((item) => (item === null ? null : toSafeInteger(item)))
  }
  return pg.types.getTypeParser(type, format as 'text')
}) as typeof pg.types.getTypeParser

/** `int8` as a number; beyond 2^53−1 a number would lie, so it throws. */
function toSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is not a safe integer`)
  return value
}

function toDate(text: string): Date {
  const date = new Date(`${text.slice(0, 10)}T${text.slice(11)}:00`)
  if (Number.isNaN(date.getTime())) throw new RangeError(`${text} is not an instant`)
  return date
}

/** What a failed statement calls for. */
export type Failure = 'retry' | 'input' | 'unavailable' | 'bug'

/** The one place that reads SQLSTATE (PostgreSQL documentation, appendix A) to decide about trying again. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error)
  if (code === '40P01' || code === '40001' || code === '55P03') return 'retry'
  if (isConnectionError(error) || isReadOnly(error)) return 'unavailable'
  if (code && (code.startsWith('22') || code.startsWith('23'))) return 'input'
  return 'bug'
}

/** Whether a statement, or the pause between two, took longer than it may. */
export function isTimeout(error: unknown): boolean {
  const code = codeOf(error)
  return code === '57014' || code === '25P03'
}

/** Whether the database takes no writes: a standby, or one that is set to be read-only. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === '25006'
}

/** The constraint that a unique violation names, or null when the error is another. */
export function uniqueViolation(error: unknown): { schema: string; table: string; constraint: string } | null {
  if (codeOf(error) !== '23505') return null
  const { schema = '', table = '', constraint = '' } = error as pg.DatabaseError
  return { schema, table, constraint }
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

function isConnectionError(error: unknown): boolean {
  const code = codeOf(error)
  if (code === undefined)
    return (
      error instanceof Error &&
      /connection|trying to connect|not queryable|timeout expired|read timeout/i.test(error.message)
    )
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|ENOENT|EHOST)/.test(code) ||
    code.startsWith('08') ||
    code === '57P01' ||
    code === '57P02' ||
    code === '57P03' ||
    code === '53300' ||
    code === '57014' ||
    code === '25P03' ||
    code === '25P04'
  )
}
