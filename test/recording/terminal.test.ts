import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawRecording } from './drawing.ts'
import { playTerminal, type Version } from './terminal.ts'

const textOf = (version: Version | undefined) => version?.cells.map(({ text }) => text).join('')

test('a line that was drawn over shows first the one and then the other', () => {
  const [line] = playTerminal([
    { atMs: 0, text: 'Making 1/2' },
    { atMs: 500, text: '\r\x1b[2KMade' },
  ])
  assert.deepEqual(
    line!.map((version) => [version.fromMs, version.untilMs, textOf(version)]),
    [
      [0, 500, 'Making 1/2'],
      [500, null, 'Made'],
    ],
  )
})

test('colours begin and end where the terminal was told so', () => {
  const [line] = playTerminal([{ atMs: 0, text: '\x1b[1m\x1b[32mab\x1b[39mc\x1b[22md' }])
  assert.deepEqual(
    line![0]!.cells.map(({ style }) => style),
    ['bold green', 'bold green', 'bold', ''],
  )
})

test('what follows Hangul stands two columns further for each of its letters', () => {
  const lines = playTerminal([{ atMs: 0, text: '포도  1\r\nPodo  1' }])
  const drawn = drawRecording(lines, { title: '포도', columns: 20, rows: 2 })
  const places = Array.from(drawn.matchAll(/x="([\d.]+)" y="[\d.]+"[^>]*>1</g), (match) => match[1])
  assert.deepEqual(places, ['50.4', '50.4'])
})
