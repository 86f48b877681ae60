import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lastLogLines } from './postgres-process.ts'

const cause = '2026-01-01 [15] FATAL:  could not write to file "pg_wal/xlogtemp.15": No space left on device'
const end = [
  '2026-01-01 [12] LOG:  startup process (PID 15) exited with exit code 1',
  '2026-01-01 [12] LOG:  terminating any other active server processes',
  '2026-01-01 [12] LOG:  aborting startup due to startup process failure',
  '2026-01-01 [12] LOG:  database system is shut down',
]

test('why a server did not start is told by its own cause, and not by that of an earlier start', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podo-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const log = join(folder, 'postgres.log')
  writeFileSync(log, '2026-01-01 [9] FATAL:  the cause of yesterday\n')
  const from = statSync(log).size
  const notYet = '2026-01-01 [16] FATAL:  the database system is starting up'
  const said = ['2026-01-01 [12] LOG:  starting PostgreSQL', cause, ...Array(9).fill(notYet), ...end]
  appendFileSync(log, `${said.join('\n')}\n`)
  assert.equal(lastLogLines(log, from), [cause, ...end].join('\n'))
  // The log was begun anew meanwhile.
  writeFileSync(log, `${end.join('\n')}\n`)
  assert.equal(lastLogLines(log, 1_000_000), end.join('\n'))
})
