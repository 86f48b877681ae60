import { StartProblem, terminalLanguage } from '#platform/start-problem'

/** Runs a command; what its user can mend is shown as sentences, without a stack, and ends with code 1. */
export async function plainly(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error
    console.error(error.text[terminalLanguage(process.env)])
    process.exit(1)
  }
}
