import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

/** Asks on the terminal and answers the line that was typed; what is secret is not shown. Ctrl-C and Ctrl-D end it all. */
export async function ask(question: string, { isSecret = false } = {}): Promise<string> {
  const output = isSecret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 })
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      lines.once('SIGINT', () => reject(new Interrupted()))
      lines.once('close', () => reject(new Interrupted()))
      lines.setPrompt(`${question} `)
      if (isSecret) process.stderr.write(`${question} `)
      lines.prompt()
    })
  } finally {
    lines.close()
    if (isSecret) process.stderr.write('\n')
  }
}

/** Whoever was asked did not want to answer. */
export class Interrupted extends Error {}
