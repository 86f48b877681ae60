import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { verifyLedger } from '#modules/ledger'
import { listBackups } from '#platform/backup/manifest'
import { openDatabase } from '#platform/database'
import { findEmbeddedPostgres } from '#platform/embedded-postgres'
import { until } from '#test/harness'

const isLong = process.env.PODO_TEST_LONG === '1'
const main = join(import.meta.dirname, '../main.ts')
const folder = mkdtempSync(join(tmpdir(), 'podo-backups-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true, force: true }))

const dataDir = join(folder, 'data')
const backupDir = join(folder, 'backups')
const environment = { PATH: process.env.PATH, LANG: 'C', PORT: '0', PODO_DATA_DIR: dataDir }

function podo(args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; output: string }>((resolve) => {
    const options = { cwd: folder, env: { ...environment, ...more } }
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

interface Serving {
  readonly url: string
  stop(): Promise<void>
}

async function serve(t: TestContext, at: string): Promise<Serving> {
  const env = { ...environment, PODO_DATA_DIR: at, PODO_BACKUP_DIR: backupDir }
  const child: ChildProcess = spawn(process.execPath, [main, 'up'], { cwd: folder, env, stdio: 'pipe' })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const url = await until('an address', () => {
    assert.equal(child.exitCode, null, output)
    return /(?:Address +|"url":")(http:[^"\s]+)/.exec(output)?.[1]
  })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

interface Paid {
  readonly id: string
  readonly askedAt: number
  readonly answeredAt: number
}

/** A wallet on a running service, and somebody who spends from it. */
async function openTill({ url }: Serving, at: string) {
  const authorization = `Bearer ${readFileSync(join(at, 'operator.key'), 'utf8').trim()}`
  const call = async (path: string, body?: object) => {
    const headers = { authorization, 'content-type': 'application/json' }
    const post = body && { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${url}${path}`, { headers, ...post })
    return { status: answer.status, body: (await answer.json()) as { id: string; wallet: { id: string } } }
  }
  return {
    call,
    async spendUntil(wallet: string, isDone: (paid: readonly Paid[]) => boolean | Promise<boolean>) {
      const paid: Paid[] = []
      const caller = async () => {
        while (!(await isDone(paid))) {
          const askedAt = Date.now()
          const { status, body } = await call(`/v1/wallets/${wallet}/spends`, { amount: 1 })
          assert.equal(status, 201)
          paid.push({ id: body.id, askedAt, answeredAt: Date.now() })
        }
      }
      await Promise.all(Array.from({ length: 2 }, caller))
      return paid
    },
  }
}

test('a service is backed up under load, and comes back as it was at a moment: verified, exact, and able to go on', async (t) => {
  const first = await serve(t, dataDir)
  const till = await openTill(first, dataDir)
  const company = await till.call('/v1/companies', { name: 'Grape', registrationNumber: '123-45-67891' })
  const member = await till.call(`/v1/companies/${company.body.id}/members`, { nickname: 'Guest' })
  const wallet = member.body.wallet.id
  await till.call(`/v1/wallets/${wallet}/charges`, { amount: 1_000_000, class: 'paid' })

  // Its first backup is made as soon as it runs.
  const archive = join(backupDir, readdirSync(backupDir)[0]!)
  await until('a backup is there', () => listBackups(archive).length === 1)
  let made: Awaited<ReturnType<typeof podo>> | null = null
  const backingUp = podo(['backup'], { PODO_BACKUP_DIR: backupDir }).then((done) => (made = done))
  const paid = await till.spendUntil(wallet, () => made !== null)
  assert.equal((await backingUp).code, 0, made!.output)
  assert.match(made!.output, /^Backed up into .*\(\d.* MB, /)
  const rounds = isLong ? 2_000 : 20
  paid.push(...(await till.spendUntil(wallet, (more) => more.length >= rounds)))
  const running = openDatabase({ url: findEmbeddedPostgres(dataDir)!.ownerUrl, poolSize: 1 })
  await running.sql.run(`insert into platform.subscription (name, number) values ('kafka', 1)`)
  await running.close()
  const to = new Date()
  const lost = await till.spendUntil(wallet, (more) => more.length >= rounds)
  await first.stop()

  const restored = await podo(['restore', archive, '--to', to.toISOString()])
  assert.equal(restored.code, 0, restored.output)
  assert.match(
    restored.output,
    /Its last commit is of .*\n.* is kept in .*before-restore.*\n[\d,]+ transfers and [\d,]+ accounts agree/,
  )

  const second = await serve(t, dataDir)
  const again = await openTill(second, dataDir)
  const statusOf = async ({ id }: Paid) => (await again.call(`/v1/transfers/${id}`)).status
  for (const each of paid) assert.equal(await statusOf(each), 200)
  for (const each of lost) assert.equal(await statusOf(each), 404)
  // Places in the journal go on behind all that came back, so that what is new is told of and folded.
  const database = openDatabase({ url: findEmbeddedPostgres(dataDir)!.ownerUrl, poolSize: 1 })
  t.after(() => database.close())
  const told = await database.sql.rows(`select from platform.subscription where name = 'kafka'`)
  assert.equal(told.length, 0, 'Kafka would not be told again of what its consumers have forgotten')
  const [before] = await database.sql.rows<{ last: number }>('select max(position) as last from ledger.transfer')
  const later = await again.spendUntil(wallet, (more) => more.length >= 20)
  const [places] = await database.sql.rows<{ behind: number }>(
    'select count(*) as behind from ledger.transfer where position > $1',
    [before!.last],
  )
  assert.equal(places!.behind, later.length)
  await until('every transfer is told of', async () => {
    const [untold] = await database.sql.rows<{ count: number }>(
      `select count(*) from ledger.transfer t where kind = 'spend'
         and not exists (select from platform.event e where e.row_id = t.id)`,
    )
    return untold!.count === 0
  })
  assert.equal((await verifyLedger(database)).differences, 0)
  await second.stop()
  assert.equal(readdirSync(backupDir).length, 2, 'what was restored writes into the archive of another')
})

test('what cannot be backed up or restored is said in a sentence, and nothing is made', async () => {
  const empty = { PODO_DATA_DIR: join(folder, 'nothing') }
  const [other, nowhere, korean] = await Promise.all([
    podo(['restore', folder], { DATABASE_URL: 'postgres://podo_service@127.0.0.1:1/podo' }),
    podo(['backup'], empty),
    podo(['restore', folder, '--to', 'gestern'], { ...empty, LANG: 'ko_KR.UTF-8' }),
  ])
  for (const { code } of [other, nowhere, korean]) assert.equal(code, 1)
  assert.match(other.output, /^Back up and restore the PostgreSQL of DATABASE_URL by its own means/)
  assert.match(nowhere.output, /^Name a folder for the backup, or set PODO_BACKUP_DIR/)
  assert.match(korean.output, /^"gestern"은 시각이 아닙니다/)
})
