import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A process of its own that was given a task. */
export interface Worker<Answer> {
  readonly pid: number
  /** What it said when it was ready. */
  readonly greeting: unknown
  run(): Promise<Answer>
  close(): Promise<void>
  /** Ends it at once, even when it was stopped. */
  kill(): Promise<void>
}

type Order = { readonly do: 'prepare'; readonly task: unknown } | { readonly do: 'run' | 'close' }
type Reply = { readonly value: unknown } | { readonly failure: string }

/** Starts `workers/<name>.ts` in a process of its own and waits until it is prepared. */
export async function forkWorker<Task, Answer>(name: string, task: Task): Promise<Worker<Answer>> {
  const child = fork(join(import.meta.dirname, 'workers', `${name}.ts`), { serialization: 'advanced' })
  const exited = once(child, 'exit')
  async function order(sent: Order): Promise<unknown> {
    child.send(sent)
    const [reply] = (await Promise.race([
      once(child, 'message'),
      exited.then(([code, signal]) => [{ failure: `the process ended (${code ?? signal})` }]),
    ])) as [Reply]
    if ('failure' in reply) throw new Error(`${name}: ${reply.failure}`)
    return reply.value
  }
  const greeting = await order({ do: 'prepare', task })
  return {
    pid: child.pid!,
    greeting,
    run: () => order({ do: 'run' }) as Promise<Answer>,
    async close() {
      await order({ do: 'close' })
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

export interface Prepared<Answer> {
  readonly greeting?: unknown
  run(): Promise<Answer>
  close(): Promise<void>
}

/** The other end: what a worker's file calls. */
export function serveTasks<Task, Answer>(prepare: (task: Task) => Promise<Prepared<Answer>>): void {
  let prepared: Prepared<Answer> | undefined
  const carryOut = async (order: Order): Promise<unknown> => {
    if (order.do === 'prepare') {
      prepared = await prepare(order.task as Task)
      return prepared.greeting
    }
    return order.do === 'run' ? prepared!.run() : prepared!.close()
  }
  const reply = (sent: Reply) => process.send?.(sent)
  process.on('message', async (order: Order) => {
    try {
      reply({ value: await carryOut(order) })
      if (order.do === 'close') process.disconnect?.()
    } catch (error) {
      reply({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  // A worker whose parent has gone has nobody to work for.
  process.on('disconnect', () => process.exit())
}
