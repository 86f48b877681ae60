import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import pg from 'pg'
import { startEmbeddedPostgres } from '#platform/embedded-postgres'
import { newId, toPublicId } from '#platform/ids'
import { until } from '#test/harness'

const launcher = join(import.meta.dirname, '../../bin/podo.js')
const folder = mkdtempSync(join(tmpdir(), 'podo-up-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true, force: true }))
/** One for all that serve: each but the first goes on with what it finds, unless it runs alone. */
const dataDir = join(folder, 'served')

interface Run {
  readonly child: ChildProcess
  output(): string
  /** The exit code, or 128 and more after a signal. */
  readonly ended: Promise<number>
}

function podo(
  t: TestContext,
  command: string[],
  environment: Record<string, string>,
  stdout: 'pipe' | number = 'pipe',
): Run {
  const child = spawn(process.execPath, [launcher, ...command], {
    cwd: folder,
    env: { PATH: process.env.PATH, LANG: 'C', PORT: '0', ...environment },
    stdio: ['ignore', stdout, 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text))
  return { child, output: () => output, ended: once(child, 'close').then(([code]) => code as number) }
}

function address(run: Run): Promise<string> {
  return until('an address', () => {
    assert.equal(run.child.exitCode, null, run.output())
    return run.output().match(/(?:Address +|주소 +|"url":")(http:[^"\s]+)/)?.[1]
  })
}

function isRunning(pid: number): boolean {
  try {
    // A zombie has no folder to run in.
    return process.kill(pid, 0) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function serverPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0])
}

test('one command serves, says where everything is, and stops cleanly on SIGTERM', async (t) => {
  const first = podo(t, ['up'], { PODO_DATA_DIR: dataDir })
  const url = await address(first)
  const keyFile = join(dataDir, 'operator.key')
  for (const said of [`${url}/docs`, join(dataDir, 'postgres/data'), keyFile, 'npm run demo', 'curl ']) {
    assert.ok(first.output().includes(said), said)
  }
  assert.equal((await fetch(`${url}/health/ready`)).status, 200)
  assert.equal(statSync(keyFile).mode & 0o077, 0)
  const key = readFileSync(keyFile, 'utf8').trim()
  assert.ok(key.length >= 32)
  assert.equal(first.output().includes(key), false)
  const companies = (authorization: string) => fetch(`${url}/v1/companies`, { headers: { authorization } })
  assert.equal((await companies(`Bearer ${key}`)).status, 200)
  assert.equal((await companies(`Bearer ${key}x`)).status, 401)

  const again = podo(t, ['up'], { PODO_DATA_DIR: dataDir, PORT: new URL(url).port, LANG: 'ko_KR.UTF-8' })
  assert.equal(await again.ended, 1)
  assert.match(again.output(), /^데이터 폴더\(.*\)는 이미 실행 중인 Podo\(프로세스 \d+\)가 쓰고 있습니다/)

  const beside = ['api', 'worker'].map((role) =>
    podo(t, ['serve', '--role', role], { PODO_DATA_DIR: dataDir, WORKER_PORT: '0' }),
  )
  const named: string[][] = []
  for (const each of beside) {
    const besideUrl = await address(each)
    const pages = each.output().match(/http:[^"]+\/[a-z/]+/g)!
    for (const page of [`${besideUrl}/health/ready`, ...pages]) assert.equal((await fetch(page)).status, 200, page)
    named.push(pages.map((page) => page.slice(besideUrl.length)))
    each.child.kill('SIGTERM')
    assert.equal(await each.ended, 0)
  }
  assert.deepEqual(named, [['/docs'], ['/health/ready', '/metrics']])

  const pid = serverPid(dataDir)
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  assert.equal(isRunning(pid), false)
})

test('after kill -9 the next start goes on with the same key on the same data', async (t) => {
  const first = podo(t, ['up'], { PODO_DATA_DIR: dataDir })
  await address(first)
  const key = readFileSync(join(dataDir, 'operator.key'), 'utf8')
  process.kill(Number(readFileSync(join(dataDir, 'podo.pid'), 'utf8')), 'SIGKILL')
  assert.equal(await first.ended, 128 + 9)
  const second = podo(t, ['up'], { PODO_DATA_DIR: dataDir })
  const url = await address(second)
  assert.match(second.output(), /left running by a Podo that was killed/)
  assert.equal(readFileSync(join(dataDir, 'operator.key'), 'utf8'), key)

  process.kill(serverPid(dataDir), 'SIGKILL')
  const status = async () => (await fetch(`${url}/health/ready`)).status
  await until('a 503', async () => (await status()) === 503)
  await until('a 200', async () => (await status()) === 200)
  second.child.kill('SIGINT')
  assert.equal(await second.ended, 0)
})

test('a port that is taken is a sentence, said before anything is started', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const dataDir = join(folder, 'none')
  const run = podo(t, ['up'], { PODO_DATA_DIR: dataDir, PORT: String(port) })
  const worker = podo(t, ['serve', '--role=worker'], { PODO_DATA_DIR: dataDir, WORKER_PORT: String(port) })
  for (const [each, setting] of [
    [run, 'PORT'],
    [worker, 'WORKER_PORT'],
  ] as const) {
    assert.equal(await each.ended, 1)
    const said = `^Port ${port} is in use by another program\\. [^\\n]* by ${setting} [^\\n]*\\n$`
    assert.match(each.output(), new RegExp(said))
  }
  assert.equal(statSync(dataDir, { throwIfNoEntry: false }), undefined)
})

test('mistakes in the settings are listed without a stack', async (t) => {
  const run = podo(t, ['up'], { PORT: 'many', PODO_PROFILE: 'production' })
  assert.equal(await run.ended, 1)
  assert.match(run.output(), /^The settings have 2 mistakes\./)
  assert.doesNotMatch(run.output(), /\n\s+at /)
  const korean = podo(t, ['up'], { PORT: 'many', PODO_PROFILE: 'production', LANG: 'ko_KR.UTF-8' })
  assert.equal(await korean.ended, 1)
  assert.match(
    korean.output(),
    /^설정에 잘못된 곳이 2개 있습니다\.[^\n]*\n {2}- PORT에 쓸 수 없는 값이 있습니다\("many"\)/,
  )
})

test('another PostgreSQL: migrated by its owner, served by who owns nothing, and in production by nobody else', async (t) => {
  const settings = { fsync: 'on', full_page_writes: 'on' }
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'other'), durable: false, settings })
  t.after(() => server.stop())
  const operatorKey = randomBytes(32).toString('hex')
  const base = { PODO_DATA_DIR: join(folder, 'unused'), PODO_OPERATOR_KEY: operatorKey }
  const production = { ...base, PODO_PROFILE: 'production' }
  const unmigrated = podo(t, ['serve'], { ...base, DATABASE_URL: server.serviceUrl })
  assert.equal(await unmigrated.ended, 1)
  assert.match(unmigrated.output(), /Run "podo migrate" first/)
  const migrated = podo(t, ['migrate'], {
    ...base,
    DATABASE_URL: server.serviceUrl,
    DATABASE_OWNER_URL: server.ownerUrl,
  })
  assert.equal(await migrated.ended, 0)
  assert.match(migrated.output(), /Applied: 0001_platform\.sql/)

  const owner = podo(t, ['up'], { ...base, DATABASE_URL: server.ownerUrl })
  const url = await address(owner)
  assert.equal((await fetch(`${url}/health/ready`)).status, 200)
  assert.match(owner.output(), /connections take on podo_service\. This guards against mistakes of ours/)
  owner.child.kill('SIGTERM')
  assert.equal(await owner.ended, 0)

  const refused = podo(t, ['serve'], { ...production, DATABASE_URL: server.ownerUrl })
  assert.equal(await refused.ended, 1)
  assert.match(refused.output(), /has the rights of the journal's owner/)
  const taken = podo(t, ['up'], {
    ...production,
    DATABASE_URL: server.serviceUrl,
    DATABASE_OWNER_URL: server.ownerUrl,
    PODO_NOPE: '1',
    PODO_TEST_X: '1',
  })
  const takenUrl = await address(taken)
  assert.equal((await fetch(`${takenUrl}/health/ready`)).status, 200)
  const places = `"docs":"${takenUrl}/docs","data":"DATABASE_URL","operatorKeyIn":"PODO_OPERATOR_KEY"`
  assert.ok(taken.output().includes(`${places},"durability":"machine"`), taken.output())
  assert.equal(taken.output().includes(operatorKey), false)
  assert.match(taken.output(), /"level":"warn"[^\n]+No setting of Podo, and passed over: PODO_NOPE\./)
  taken.child.kill('SIGTERM')
  assert.equal(await taken.ended, 0)

  const client = new pg.Client({ connectionString: server.ownerUrl })
  await client.connect()
  await client.query('update platform.clock set offset_ms = 86400000')
  await client.end()
  const moved = podo(t, ['serve'], { ...production, DATABASE_URL: server.serviceUrl })
  assert.equal(await Promise.race([moved.ended, address(moved)]), 1)
  assert.match(moved.output(), /^The clock of this database was moved forward by 86400 seconds in the demo profile/)
})

test('a secret comes from standard input: without one there is nothing to encrypt', async (t) => {
  const environment = { PODO_SECRET_KEY: randomBytes(32).toString('base64') }
  const run = podo(t, ['secret', 'encrypt'], environment)
  assert.equal(await run.ended, 1)
  assert.match(run.output(), /There is no value on standard input/)
  const without = podo(t, ['secret', 'encrypt'], {})
  assert.equal(await without.ended, 1)
  assert.match(without.output(), /PODO_SECRET_KEY is missing/)
})

test('a data folder that cannot be used is a sentence with its cause, and no search without end', async (t) => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const unusable: [string, RegExp][] = [
    [file, /a file stands where a folder should/],
    [join(file, 'below'), /a file stands where a folder should/],
    ['/proc/nope/below', /no folder can be made there/],
    [join(folder, 'n'.repeat(300)), /the name is too long/],
  ]
  for (const [dataDir, cause] of unusable) {
    const run = podo(t, ['up'], { PODO_DATA_DIR: dataDir })
    await until(`an end for ${dataDir}`, () => run.child.exitCode !== null)
    assert.equal(await run.ended, 1, dataDir)
    assert.match(run.output(), cause)
    assert.match(run.output(), /^The data folder [^\n]+ cannot be used \([^\n]+PODO_DATA_DIR\.\n$/)
  }
  const korean = podo(t, ['up'], { PODO_DATA_DIR: file, LC_ALL: 'ko_KR.UTF-8' })
  assert.equal(await korean.ended, 1)
  assert.match(korean.output(), /^데이터 폴더\([^\n]+\)를 쓸 수 없습니다\(경로에 폴더가 아닌 파일이 있음\)/)
})

test('only up makes a database: migrate, import and verify say that there is none in a mistyped folder', async (t) => {
  const dataDir = join(folder, 'mistyped')
  const file = join(folder, 'balances.csv')
  writeFileSync(file, 'memberExternalId,class,amount,issuedAt\nm-1,paid,1,2025-01-01\n')
  const commands = [['migrate'], ['verify'], ['import', file, '--company', toPublicId('cmp', newId())]]
  for (const command of commands) {
    const run = podo(t, command, { PODO_DATA_DIR: dataDir })
    assert.equal(await run.ended, 1, `${command}: ${run.output()}`)
    assert.match(run.output(), /^There is no database in [^\n]*mistyped\. [^\n]*PODO_DATA_DIR[^\n]*podo up[^\n]*\n$/)
    assert.equal(statSync(dataDir, { throwIfNoEntry: false }), undefined, `${command}`)
  }
  const korean = podo(t, ['verify'], { PODO_DATA_DIR: dataDir, LANG: 'ko_KR.UTF-8' })
  assert.equal(await korean.ended, 1)
  assert.match(korean.output(), /^[^\n]*mistyped\)에 데이터베이스가 없습니다/)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

test('what cannot be written to the log is dropped and counted, and Podo serves on', async (t) => {
  const closed = 'a pipe that nobody reads'
  for (const output of [closed, '/dev/full'].filter((path) => path === closed || existsSync(path))) {
    const port = await freePort()
    const settings = { PODO_DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: 'trace' }
    const run = podo(t, ['up'], settings, output === closed ? 'pipe' : openSync(output, 'w'))
    if (output === closed) for (const stream of [run.child.stdout, run.child.stderr]) stream!.destroy()
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
    await until(`an answer with ${output}`, async () => {
      assert.equal(run.child.exitCode, null, run.output())
      return (await get('/health/ready').catch(() => null))?.status === 200
    })
    const lost = await until('lines are lost', async () => {
      const [, lines] = (await (await get('/metrics')).text()).match(/^podo_log_lines_lost (\d+)$/m)!
      return Number(lines)
    })
    assert.ok(lost > 0)
    run.child.kill('SIGTERM')
    assert.equal(await run.ended, 0, run.output())
  }
})
