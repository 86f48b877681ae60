import { widthOf } from '../../src/terminal/columns.ts'

/** Something that was written to a terminal at once. */
export interface Burst {
  readonly atMs: number
  readonly text: string
}

/** One character on the screen; a wide one is followed by a cell without text. */
export interface Cell {
  readonly text: string
  /** Names of colours and weights, as SGR codes give them. */
  readonly style: string
}

/** What a line showed for a while. */
export interface Version {
  readonly fromMs: number
  /** Null for what stands there at the end. */
  readonly untilMs: number | null
  readonly cells: readonly Cell[]
}

/** Lines from the first to the last, those that scrolled out too, each with everything that it ever showed. */
export type Line = readonly Version[]

const control = '\x1b'
const blank: Cell = { text: ' ', style: '' }
const styles: Readonly<Record<number, string>> = {
  1: 'bold',
  2: 'dim',
  31: 'red',
  32: 'green',
  33: 'yellow',
  34: 'blue',
  35: 'magenta',
  36: 'cyan',
  90: 'dim',
}
// What was there for less time than this nobody saw.
const seenMs = 60

/** Plays what was written on a terminal that is wide enough for every line of it. */
export function playTerminal(bursts: readonly Burst[]): Line[] {
  const lines: Version[][] = []
  const screen: Cell[][] = [[]]
  const cursor = { line: 0, column: 0 }
  const worn = new Set<string>()
  for (const { atMs, text } of bursts) {
    const touched = new Set<number>()
    for (const [token] of text.matchAll(tokens)) {
      play(token)
      touched.add(cursor.line)
    }
    for (const line of touched) keep(line, atMs)
  }
  return lines

  function play(token: string): void {
    if (token === '\r') cursor.column = 0
    else if (token === '\n') moveTo(cursor.line + 1)
    else if (token.startsWith(control)) obey(token)
    else if (token >= ' ') write(token)
  }

  function obey(sequence: string): void {
    const [, codes, order] = /^.\[\??([\d;]*)(\w)$/s.exec(sequence) ?? []
    if (order === 'K') screen[cursor.line] = codes === '2' ? [] : screen[cursor.line]!.slice(0, cursor.column)
    else if (order === 'A') moveTo(Math.max(0, cursor.line - Number(codes || 1)))
    else if (order === 'm') for (const code of (codes || '0').split(';')) wear(Number(code))
  }

  function wear(code: number): void {
    const style = styles[code]
    if (code === 0) worn.clear()
    else if (code === 22) for (const weight of ['bold', 'dim']) worn.delete(weight)
    else if (code === 39)
      for (const colour of ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan']) worn.delete(colour)
    else if (style) worn.add(style)
  }

  function write(character: string): void {
    const line = screen[cursor.line]!
    while (line.length < cursor.column) line.push(blank)
    line[cursor.column] = { text: character, style: [...worn].sort().join(' ') }
    if (widthOf(character) === 2) line[cursor.column + 1] = { text: '', style: '' }
    cursor.column += widthOf(character)
  }

  function moveTo(line: number): void {
    while (screen.length <= line) screen.push([])
    cursor.line = line
  }

  function keep(line: number, atMs: number): void {
    while (lines.length <= line) lines.push([])
    const versions = lines[line]!
    const cells = [...screen[line]!]
    const before = versions.at(-1)
    if (before && atMs - before.fromMs < seenMs) {
      versions[versions.length - 1] = { ...before, cells }
      return
    }
    if (before) versions[versions.length - 1] = { ...before, untilMs: atMs }
    versions.push({ fromMs: atMs, untilMs: null, cells })
  }
}

const tokens = new RegExp(String.raw`${control}\[[\d;?]*\w|[\s\S]`, 'gu')
