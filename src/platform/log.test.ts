import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { until } from '#test/harness'
import { openLog, toPlainLine } from './log.ts'

function linesOf(write: (log: ReturnType<typeof openLog>) => void): string {
  const lines: string[] = []
  write(openLog({ level: 'info', write: (line) => lines.push(line) }))
  return lines.join('')
}

test('no secret reaches the log, however deep it lies or in whatever text', () => {
  const canary = 'c4nary'
  const lines = linesOf((log) => {
    log.info({ req: { headers: { authorization: `Bearer ${canary}`, cookie: `sid=${canary}` } } }, 'request')
    log.info({ a: { b: { c: { operatorKey: canary, password: `"${canary}\\`, accessToken: [canary, canary] } } } })
    log.info({ databaseUrl: `postgres://podo:${canary}@host/podo`, DATABASE_URL: canary, secret: canary })
    log.error(
      new Error(`connect postgres://podo_service:${canary}@127.0.0.1:5432/podo failed`),
      `Bearer ${canary} refused`,
    )
    log.info(`the key podo_sk_${canary} was used`)
  })
  assert.equal(lines.includes(canary), false, lines)
  for (const line of lines.trim().split('\n')) JSON.parse(line)
})

test('what PostgreSQL quotes of a row is not logged; which table and constraint it was, is', () => {
  const canary = 'c4nary'
  const refused = Object.assign(new Error('new row violates check constraint "positive"'), {
    code: '23514',
    detail: `Failing row contains (${canary}).`,
    where: `COPY member, line 1: "${canary}"`,
    constraint: 'positive',
  })
  const unread = Object.assign(new Error(`invalid input syntax for type inet: "a "${canary}""`), { code: '22P02' })
  const lines = linesOf((log) => {
    log.error({ err: refused }, 'a request failed')
    log.error(unread)
    log.error({ err: new Error('nested', { cause: refused }) })
  })
  assert.equal(lines.includes(canary), false, lines)
  assert.match(lines, /"constraint":"positive"/)
  assert.match(lines, /violates check constraint \\"positive\\"/)
  assert.match(lines, /invalid input syntax for type inet/)
})

test('what is no secret stays as it is', () => {
  const line = JSON.parse(linesOf((log) => log.info({ walletId: 'wlt_1', amount: 100, reason: '열쇠 없음' }, 'booked')))
  assert.deepEqual(
    [line.level, line.msg, line.walletId, line.amount, line.reason],
    ['info', 'booked', 'wlt_1', 100, '열쇠 없음'],
  )
})

test('at a terminal a line shows its message, its level where it matters, and what it holds beside', () => {
  const shown = (write: Parameters<typeof linesOf>[0]) => toPlainLine(linesOf(write)).slice('00:00:00'.length)
  assert.equal(
    shown((log) => log.info('Stopping (SIGINT)')),
    '  Stopping (SIGINT)\n',
  )
  assert.equal(
    shown((log) => log.warn({ seconds: 2 }, 'a slow answer')),
    '  warn: a slow answer {"seconds":2}\n',
  )
  assert.match(
    shown((log) => log.error(new Error('broken'))),
    /^ {2}error: broken\nError: broken\n {4}at /,
  )
})

test('a line that cannot be written is lost, and what wrote it goes on', {
  skip: !existsSync('/dev/full'),
}, async (t) => {
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  const script = `
    const { openLog } = await import(${JSON.stringify(import.meta.resolve('./log.ts'))})
    const log = openLog({ level: 'info' })
    for (let line = 0; line < 3; line += 1) {
      log.info('lost')
      await new Promise((resolve) => setImmediate(resolve))
    }
    console.error('it goes on')`
  for (const stdout of [full, 'pipe'] as const) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', stdout, 'pipe'] })
    child.stdout?.destroy()
    const ended = new Promise((resolve) => child.once('exit', resolve))
    assert.deepEqual(await Promise.all([ended, text(child.stderr!)]), [0, 'it goes on\n'])
  }
})

test('a reader that takes no more lines costs lines of the log, not memory, and hears on when it goes on reading', async () => {
  const script = `
    const { openLog, countLinesLost } = await import(${JSON.stringify(import.meta.resolve('./log.ts'))})
    const log = openLog({ level: 'info' })
    for (let line = 0; line < 20_000; line += 1) log.info({ padding: 'x'.repeat(1_000) }, 'crowd')
    process.stderr.write(JSON.stringify({ waiting: process.stdout.writableLength, lost: countLinesLost() }) + '\\n')
    process.stdin.once('data', () => process.exit())
    process.stdout.once('drain', () => log.info('on'))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  const [told] = await Promise.race([once(child.stderr, 'data'), once(child, 'exit').then(() => ['null'])])
  const { waiting, lost } = JSON.parse(String(told))
  assert.ok(waiting < 9 * 1024 * 1024, `${waiting} bytes wait`)
  assert.ok(lost > 5_000, `${lost} lines lost`)
  let heard = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    heard = (heard + part).slice(-10_000)
  })
  await until('the log goes on', () => heard.includes('"msg":"on"'))
  child.stdin.write('end')
  await once(child, 'exit')
})
