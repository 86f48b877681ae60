import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type House, until } from '../harness.ts'

/** Where a process of the relay stops itself: in a unit of work that numbers, or hears what was said. */
export interface Moment {
  readonly task: 'numbering' | 'hearing'
  readonly point: 'before it begins' | 'before it looks at its lease' | 'before it commits'
}

/** What a process of the relay tells of itself; `how` is the name of the error where a unit of work was undone. */
export type Told =
  | { readonly is: 'stopped' }
  | { readonly is: 'ended'; readonly how: string }
  | { readonly is: 'failed'; readonly why: string }

/** A process that numbers what happens in a house and hears of it. */
export interface Relay {
  pid(): number
  /** Ends it with `kill -9`. */
  kill(): Promise<void>
  start(): void
  /** Resolves when it has stopped itself at the next such moment. */
  stopAt(moment: Moment): Promise<void>
  /** Lets it go on, and answers what became of the unit of work in which it had stopped. */
  goOn(): Promise<string>
  /** Attempts of subscribers that failed. */
  failures(): readonly string[]
}

export function startRelay({ serviceUrl, onClose }: Pick<House, 'serviceUrl' | 'onClose'>): Relay {
  const told: Told[] = []
  const failures: string[] = []
  const launch = (): ChildProcess => {
    const child = fork(join(import.meta.dirname, 'relay-process.ts'), {
      env: { DATABASE_URL: serviceUrl, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
      execArgv: [],
    })
    return child.on('message', (message: Told) => {
      if (message.is === 'failed') failures.push(message.why)
      else told.push(message)
    })
  }
  let child = launch()
  const kill = async () => {
    const ended = once(child, 'close')
    if (child.kill('SIGKILL')) await ended
  }
  onClose(kill)
  const next = (is: Told['is']) =>
    until(`a process of the relay had ${is}`, () => {
      const at = told.findIndex((message) => message.is === is)
      return at < 0 ? null : told.splice(at, 1)[0]
    })
  return {
    pid: () => child.pid!,
    kill,
    start() {
      child = launch()
    },
    async stopAt(moment) {
      child.send(moment)
      await next('stopped')
    },
    async goOn() {
      child.kill('SIGCONT')
      const ended = await next('ended')
      return ended.is === 'ended' ? ended.how : ''
    },
    failures: () => failures,
  }
}
