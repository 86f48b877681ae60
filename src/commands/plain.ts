import { StartProblem } from '#platform/start-problem'
import { inTerminal, watchOutput } from './output.ts'

/** Runs a command that says what it found, and ends when it cannot say it. */
export function reporting(run: () => Promise<void>): Promise<void> {
  watchOutput()
  return plainly(run)
}

/** Runs a command; what its user can mend is shown as sentences, without a stack, and ends with code 1. */
export async function plainly(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error
    console.error(inTerminal(error.text))
    process.exit(1)
  }
}
