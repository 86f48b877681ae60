import { randomBytes } from 'node:crypto'
import { openHttpConnection, postHead, postTail } from '../http-connection.ts'
import { drive, type Sample } from '../load.ts'
import { serveTasks } from '../worker.ts'

/** A client in a process of its own: what it costs is not counted, and not hidden in the server either. */
export interface HttpClientTask {
  readonly port: number
  readonly token: string
  readonly connections: number
  readonly warmUpSeconds: number
  readonly seconds: number
  /** Of the server, whose cost is counted. */
  readonly serverPid: number
  readonly postmaster: number
  /** A path is drawn at random for every request. */
  readonly paths: readonly string[]
  /** JSON around an amount that changes: before it and after it. */
  readonly body: readonly [string, string]
  readonly status: number
  /** Further headers, each with its end of line. */
  readonly headers?: string
  /** Spends in one request: with more than one, `item` is repeated between the two parts of `body`. */
  readonly batch?: { readonly size: number; readonly item: readonly [string, string] }
}

serveTasks<HttpClientTask, Sample>(async (task) => {
  const connections = await Promise.all(Array.from({ length: task.connections }, () => openHttpConnection(task.port)))
  const heads = task.paths.map((path) => postHead(path, task.token) + (task.headers ?? ''))
  const keyStem = randomBytes(9).toString('base64url')
  let sent = 0

  function nextRequest(): string {
    sent += 1
    const body = task.batch ? batchBody(task.batch) : `${task.body[0]}${1 + (sent % 10)}${task.body[1]}`
    return heads[Math.floor(Math.random() * heads.length)]! + postTail(`${keyStem}-${sent}`, body)
  }
  function batchBody({ size, item }: NonNullable<HttpClientTask['batch']>): string {
    const items = Array.from({ length: size }, (_, place) => `${item[0]}${1 + (place % 10)}${item[1]}`)
    return `${task.body[0]}${items.join()}${task.body[1]}`
  }
  return {
    run: () =>
      drive({
        callers: task.connections,
        warmUpSeconds: task.warmUpSeconds,
        seconds: task.seconds,
        callSize: task.batch?.size ?? 1,
        watched: { processes: [task.serverPid], postmaster: task.postmaster },
        async call(caller) {
          const connection = connections[caller]!
          const status = await connection.send(nextRequest())
          if (status !== task.status) throw new Error(`answered ${status}: ${connection.body()}`)
        },
      }),
    async close() {
      for (const connection of connections) connection.close()
    },
  }
})
