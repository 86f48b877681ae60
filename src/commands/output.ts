import type { Text } from '#platform/problem'
import { terminalLanguage } from '#platform/start-problem'

/** The text in the language of the terminal. */
export function inTerminal(text: Text): string {
  return text[terminalLanguage(process.env)]
}

/** For commands whose work is what they say: ends them, with a sentence unless their reader has gone, when they cannot. */
export function watchOutput(): void {
  process.stdout.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') console.error(inTerminal(unwritable(code)))
    process.exit(1)
  })
  process.stderr.on('error', () => process.exit(1))
}

function unwritable(code: string): Text {
  return { ko: `출력을 쓸 수 없습니다(${code}).`, en: `The output could not be written (${code}).` }
}
