import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, createWriteStream, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { createCompany } from '#modules/companies'
import { toPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { type House, openHouse, until } from '#test/harness'

const long = process.env.PODO_TEST_LONG === '1'
const main = join(import.meta.dirname, '../main.ts')

interface Run {
  readonly code: number | null
  readonly output: string
}

interface ImportHouse extends House {
  readonly folder: string
  /** Starts the command; its output goes to a pipe, or to a file that is open. */
  launch(stdout: 'pipe' | number, path: string, ...flags: string[]): ChildProcess
  /** Starts the command as a person would; `kill` ends it without a word. */
  start(path: string, ...flags: string[]): { done: Promise<Run>; kill(): void }
  import(path: string, ...flags: string[]): Promise<Run>
  lotCount(): Promise<number>
}

async function openImportHouse(t: TestContext, settings: NodeJS.ProcessEnv = {}): Promise<ImportHouse> {
  const house = await openHouse(t)
  const folder = await mkdtemp(join(tmpdir(), 'podo-import-'))
  t.after(() => rm(folder, { recursive: true }))
  const { id } = await house.withWork(system, (work) =>
    createCompany(work, { name: 'Grape', registrationNumber: '1234567891', feeRate: 0 }),
  )
  const launch: ImportHouse['launch'] = (stdout, path, ...flags) =>
    spawn(process.execPath, [main, 'import', path, '--company', toPublicId('cmp', id), ...flags], {
      env: { ...process.env, DATABASE_URL: house.serviceUrl, PODO_DATA_DIR: folder, LANG: 'C', ...settings },
      cwd: folder,
      stdio: ['ignore', stdout, 'pipe'],
    })
  const start: ImportHouse['start'] = (path, ...flags) => {
    const child = launch('pipe', path, ...flags)
    const done = Promise.all([endOf(child), text(child.stdout!), text(child.stderr!)])
    return {
      done: done.then(([code, stdout, stderr]) => ({ code, output: stdout + stderr })),
      kill: () => child.kill('SIGKILL'),
    }
  }
  return {
    ...house,
    folder,
    launch,
    start,
    import: (path, ...flags) => start(path, ...flags).done,
    async lotCount() {
      const rows = await house.ownerSql.rows<{ count: number }>('select count(*) from ledger.lot')
      return rows[0]!.count
    },
  }
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve))
}

/** Lines of which no two are equal, of a third as many members. */
async function writeLines(path: string, count: number): Promise<void> {
  const file = createWriteStream(path)
  file.write('memberExternalId,class,amount,issuedAt,expiresAt,reason\n')
  for (let from = 0; from < count; from += 10_000) {
    const lines = Array.from({ length: Math.min(10_000, count - from) }, (_, at) => {
      const number = from + at
      const member = number % Math.ceil(count / 3)
      return `m-${member},${number % 2 ? 'paid' : 'bonus'},${number + 1},2025-01-01,,"moved, once"\n`
    })
    if (!file.write(lines.join(''))) await new Promise((resolve) => file.once('drain', resolve))
  }
  await new Promise((resolve) => file.end(resolve))
}

test('an import that is killed midway and run again has one effect per line, and a third time none', async (t) => {
  const house = await openImportHouse(t)
  const lines = long ? 200_000 : 20_000
  const path = join(house.folder, 'balances.csv')
  await writeLines(path, lines)
  const first = house.start(path, '--apply', '--create-members')
  await until('a part was written', async () => (await house.lotCount()) > 0, { timeoutMs: 60_000 })
  first.kill()
  await first.done
  assert.ok((await house.lotCount()) < lines, 'it was killed too late to prove anything')

  const second = await house.import(path, '--apply', '--create-members')
  assert.equal(second.code, 0, second.output)
  const [sums] = await house.ownerSql.rows<{ lots: number; points: number; different: number; members: number }>(
    `select count(*) as lots, sum(amount)::bigint as points, count(distinct amount) as different,
       count(distinct account_id) as members from ledger.lot`,
  )
  assert.deepEqual(sums, {
    lots: lines,
    points: (lines * (lines + 1)) / 2,
    different: lines,
    members: Math.ceil(lines / 3),
  })
  const third = await house.import(path, '--apply')
  assert.match(
    third.output,
    new RegExp(`0 lines written .* ${lines.toLocaleString('en')} were there already, 0 refused`),
  )
  assert.equal(await house.lotCount(), lines)
})

test('memory does not grow with the lines: a heap that holds a part of them is enough', { skip: !long }, async (t) => {
  const house = await openImportHouse(t, { NODE_OPTIONS: '--max-old-space-size=96' })
  const lines = 1_000_000
  const path = join(house.folder, 'balances.csv')
  await writeLines(path, lines)
  const run = await house.import(path, '--apply', '--create-members')
  assert.equal(run.code, 0, run.output)
  assert.equal(await house.lotCount(), lines)
})

test('without --apply an import only checks, and ends with 1 when a line is wrong', async (t) => {
  const house = await openImportHouse(t)
  const path = join(house.folder, 'balances.csv')
  await writeLines(path, 3)
  const strange = await house.import(path)
  assert.equal(strange.code, 1)
  assert.match(strange.output, /Line 2: memberExternalId: the company has no member of this id\./)
  assert.match(strange.output, /3 lines are wrong, so nothing was written/)
  assert.equal((await house.import(path, '--apply')).code, 1)
  const check = await house.import(path, '--create-members')
  assert.equal(check.code, 0)
  assert.match(check.output, /Lines {4}3\nMembers {2}1\nPaid {5}2 points\nBonus {4}4 points\n/)
  assert.match(check.output, /nothing was written/)
  assert.equal(await house.lotCount(), 0)
})

test('a file of a Korean spreadsheet is read as code page 949, and says so in Korean', async (t) => {
  const house = await openImportHouse(t, { LANG: 'ko_KR.UTF-8' })
  const path = join(house.folder, 'balances.csv')
  // The reason is "포인트" in code page 949.
  const reason = Buffer.from([0xc6, 0xf7, 0xc0, 0xce, 0xc6, 0xae])
  const start = Buffer.from('memberExternalId,class,amount,issuedAt,reason\r\nm-1,paid,10,2025-01-01,')
  await writeFile(path, Buffer.concat([start, reason, Buffer.from('\r\n')]))
  const run = await house.import(path, '--apply', '--create-members')
  assert.equal(run.code, 0, run.output)
  assert.match(run.output, /CP949\(EUC-KR\)로 읽었습니다/)
  const rows = await house.ownerSql.rows<{ reason: string }>('select reason from ledger.transfer')
  assert.deepEqual(rows, [{ reason: '포인트' }])
})

test('what cannot be imported is refused in a sentence', async (t) => {
  const house = await openImportHouse(t)
  const path = join(house.folder, 'balances.csv')
  await writeFile(path, Buffer.from([0xff, 0xff, 0xff]))
  const cases = [
    { flags: [], says: /text of the file cannot be read/ },
    { flags: ['--company', 'cmp_1'], says: /There is no company cmp_1/ },
    { flags: ['--batch', 'a b'], says: /--batch takes letters/ },
  ]
  for (const { flags, says } of cases) {
    const run = await house.import(path, ...flags)
    assert.equal(run.code, 1)
    assert.match(run.output, says)
    assert.doesNotMatch(run.output, /\n {4}at /)
  }
  const none = join(house.folder, 'none.csv')
  for (const missing of [none, join(path, 'below.csv')]) {
    assert.match((await house.import(missing)).output, /^There is no file [^\n]+\. Check the path\.\n$/)
  }
  for (const other of ['.', '/dev/null']) {
    assert.match(
      (await house.import(other)).output,
      /^[./a-z]+ is no file that can be read twice, to check and to write\./,
    )
  }
})

test('a file of a header alone is summed up like any other', async (t) => {
  const house = await openImportHouse(t)
  const path = join(house.folder, 'balances.csv')
  await writeLines(path, 0)
  const run = await house.import(path)
  assert.equal(run.code, 0)
  assert.match(run.output, /^Company {2}Grape\nLines {4}0\nMembers {2}0\n/)
})

test('one line is a line, and not lines', async (t) => {
  const house = await openImportHouse(t)
  const path = join(house.folder, 'balances.csv')
  await writeLines(path, 1)
  const run = await house.import(path, '--apply', '--create-members')
  assert.match(run.output, /\n1 line written in [\d.]+ s, 0 were there already, 0 refused\.\n$/)
})

const isLinux = existsSync('/dev/full')

test('output that cannot be written is a sentence, where nobody reads it an end', { skip: !isLinux }, async (t) => {
  const house = await openImportHouse(t)
  const path = join(house.folder, 'balances.csv')
  await writeLines(path, 3)
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  const crowded = house.launch(full, path)
  const [code, said] = await Promise.all([endOf(crowded), text(crowded.stderr!)])
  assert.deepEqual([code, said], [1, 'The output could not be written (ENOSPC).\n'])
  const unread = house.launch('pipe', path)
  unread.stdout!.destroy()
  assert.deepEqual(await Promise.all([endOf(unread), text(unread.stderr!)]), [1, ''])
})

test('nothing is imported into a database that was moved to another cluster until migrate was there', async (t) => {
  const house = await openImportHouse(t)
  const path = join(house.folder, 'balances.csv')
  await writeLines(path, 3)
  await house.ownerSql.run('update platform.cluster set system_identifier = 1')
  const run = await house.import(path, '--apply', '--create-members')
  assert.equal(run.code, 1)
  assert.match(run.output, /^This database came from another PostgreSQL cluster\. Run "podo migrate" first\.\n$/)
  assert.equal(await house.lotCount(), 0)
})
