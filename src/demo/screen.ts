import { styleText } from 'node:util'
import type { Language, Text } from '#platform/problem'
import { renderTable } from '../terminal/columns.ts'
import { openProgress } from '../terminal/progress.ts'

/** The terminal in one language; without one, plain lines. */
export interface Screen {
  readonly language: Language
  text(text: Text): string
  heading(text: Text): void
  line(text: Text | string): void
  /** A line with a mark that says whether what it tells is as it has to be. */
  verdict(isRight: boolean, text: Text): void
  table(columns: readonly { title: Text; side: 'left' | 'right' }[], rows: readonly (readonly string[])[]): void
  /** Counts up to a total, on one line that is taken away at the end. */
  counter(label: Text, total: number): { tick(): void; clear(): void }
}

export function openScreen(output: NodeJS.WriteStream, language: Language): Screen {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream: output })
  const read = (text: Text | string) => (typeof text === 'string' ? text : text[language])
  const print = (line: string) => output.write(line === '' ? '\n' : `  ${line}\n`)
  let number = 0
  return {
    language,
    text: (text) => text[language],
    heading(text) {
      number += 1
      output.write(`\n${paint('bold', `${number}. ${text[language]}`)}\n`)
    },
    line: (text) => void print(read(text)),
    verdict(isRight, text) {
      print(`${isRight ? paint('green', '✓') : paint('red', '✗')} ${text[language]}`)
    },
    table(columns, rows) {
      const lines = renderTable(
        columns.map(({ title, side }) => ({ title: title[language], side })),
        rows,
      )
      for (const [at, line] of lines.entries()) print(at < 2 ? paint('dim', line) : colourMarks(line))
    },
    counter(label, total) {
      const progress = openProgress(output, `  ${label[language]}`)
      let done = 0
      return {
        tick() {
          done += 1
          progress.show(done / total, `${count(done)}/${count(total)}`)
        },
        clear: () => progress.clear(),
      }
    },
  }

  function colourMarks(line: string): string {
    return line.replace('✓', paint('green', '✓')).replace('✗', paint('red', '✗'))
  }
}

/** A number as both languages write it. */
export function count(value: number): string {
  return value.toLocaleString('en')
}
