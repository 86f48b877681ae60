import type { Language, Text } from './problem.ts'

/** Why Podo cannot start or go on, as sentences for whoever started it: shown without a stack, exit code 1. */
export class StartProblem extends Error {
  readonly text: Text

  constructor(text: Text, options?: ErrorOptions) {
    super(text.en, options)
    this.name = 'StartProblem'
    this.text = text
  }
}

/** The language of the terminal, by the variables that every other program reads. */
export function terminalLanguage(environment: NodeJS.ProcessEnv): Language {
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || ''
  return /^ko/i.test(locale) ? 'ko' : 'en'
}
