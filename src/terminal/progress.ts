import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { clip } from './columns.ts'

export interface Progress {
  /** How much is done of 1, and what to say beside the bar. */
  show(part: number, note: string): void
  /** Takes the bar away; what is printed next stands in its place. */
  clear(): void
}

const barWidth = 28
const pauseMs = 60

/** A bar that is drawn over and over on one line; nothing where the output is no terminal. */
export function openProgress(output: WriteStream | NodeJS.WriteStream, label: string): Progress {
  if (!output.isTTY) return { show() {}, clear() {} }
  let drawnAt = Number.NEGATIVE_INFINITY
  return {
    show(part, note) {
      const now = performance.now()
      if (now - drawnAt < pauseMs) return
      drawnAt = now
      const done = Math.round(Math.min(1, Math.max(0, part)) * barWidth)
      const bar = '━'.repeat(done) + ' '.repeat(barWidth - done)
      const text = clip(`${label}  ${bar}  ${note}`, (output.columns || 80) - 1)
      output.write(`\r\x1b[2K${styleText('magenta', text, { stream: output })}`)
    },
    clear() {
      if (drawnAt !== Number.NEGATIVE_INFINITY) output.write('\r\x1b[2K')
    },
  }
}
