import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { widthOf } from './columns.ts'
import { openProgress } from './progress.ts'

/** A terminal of so many columns, and everything that was drawn on it. */
function openTerminal(columns: number) {
  const stream = new PassThrough({ encoding: 'utf8' })
  const terminal = Object.assign(stream, { isTTY: true, columns }) as unknown as NodeJS.WriteStream
  return { terminal, drawn: () => (stream.read() as string | null) ?? '' }
}

const erase = '\r\u001b[2K'

test('a bar is drawn over itself on one line, filled as far as the work is done', () => {
  const { terminal, drawn } = openTerminal(80)
  openProgress(terminal, 'Checking').show(0.5, '1,000 lines')
  const text = drawn()
  assert.ok(text.startsWith(erase))
  assert.equal(stripVTControlCharacters(text).trim(), `Checking  ${'━'.repeat(14)}${' '.repeat(14)}  1,000 lines`)
  assert.ok(!text.includes('\n'))
})

test('a bar never fills the last column, where a terminal would begin a new line, Korean or not', () => {
  for (const columns of [20, 40, 50]) {
    const { terminal, drawn } = openTerminal(columns)
    openProgress(terminal, '확인하는 중').show(2, '1,000,000 행')
    const width = widthOf(stripVTControlCharacters(drawn()).trimStart())
    assert.ok(width > 0 && width < columns, `${width} of ${columns}`)
  }
})

test('what is cleared leaves an empty line, and what was never drawn is not cleared', () => {
  const { terminal, drawn } = openTerminal(80)
  const progress = openProgress(terminal, 'Checking')
  progress.clear()
  assert.equal(drawn(), '')
  progress.show(0, '')
  drawn()
  progress.clear()
  assert.equal(drawn(), erase)
})

test('where the output is no terminal nothing is drawn', () => {
  const output = new PassThrough({ encoding: 'utf8' })
  const progress = openProgress(output as unknown as NodeJS.WriteStream, 'Checking')
  progress.show(0.5, '1 line')
  progress.clear()
  assert.equal(output.read(), null)
})
