import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Result } from '../../bench/report.ts'
import { renderBenchTable } from './bench-table.ts'

const environment = {
  processor: '2 × a processor',
  memory: '8 GiB',
  node: 'v26.0.0',
  postgresql: '18.4',
  durability: 'fsync=on synchronous_commit=on full_page_writes=on wal_compression=off',
  measured: '10 s a side, median of 3 alternated rounds',
}
const measured: Result = {
  name: 'ledger-processes',
  ratio: 0.912,
  must: 0.7,
  goal: 1,
  environment,
  figures: [
    { name: 'one process', value: 40_000, unit: '1/s' },
    { name: 'two processes', value: 36_480, unit: '1/s' },
    { name: 'two processes: p99', value: 21.5, unit: 'ms' },
  ],
}

test('the table of speed has a row for each bench that was measured, with its own side, and no other', () => {
  const lines = renderBenchTable([measured, { ...measured, name: 'client' }], 'en').split('\n')
  const rows = lines.filter((line) => line.startsWith('| '))
  assert.equal(rows.length, 3)
  assert.match(rows[2]!, /\| 36,480 \| 21\.5 ms \| \*\*0\.912 ×\*\* \| 0\.7 × \|$/)
  assert.ok(lines.some((line) => line.includes('PostgreSQL 18.4, fsync=on synchronous_commit=on full_page_writes=on;')))
})

test('the Korean table is Korean down to how it was measured', () => {
  const footnote = renderBenchTable([measured], 'ko')
    .split('\n')
    .find((line) => line.startsWith('<sub>'))
  assert.match(footnote!, /full_page_writes=on; 한쪽에 10초씩 번갈아 3회 잰 중앙값\.<\/sub>$/)
})

test('there is no section about speed while nothing has been measured', () => {
  assert.equal(renderBenchTable([], 'ko'), '')
})

test('a row never stands without its rate', () => {
  assert.throws(() => renderBenchTable([{ ...measured, figures: [] }], 'en'), /no figure "two processes"/)
})
