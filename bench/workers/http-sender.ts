import { openHttpConnection } from '../http-connection.ts'
import { drive, type Sample } from '../load.ts'
import { serveTasks } from '../worker.ts'

/** A client in a process of its own that sends requests as they are, one drawn at random after the other. */
export interface HttpSenderTask {
  readonly port: number
  readonly connections: number
  readonly warmUpSeconds: number
  readonly seconds: number
  /** Of the server, whose cost is counted. */
  readonly serverPid: number
  readonly postmaster: number
  /** Whole requests. */
  readonly requests: readonly string[]
  readonly status: number
}

serveTasks<HttpSenderTask, Sample>(async (task) => {
  const connections = await Promise.all(Array.from({ length: task.connections }, () => openHttpConnection(task.port)))
  return {
    run: () =>
      drive({
        callers: task.connections,
        warmUpSeconds: task.warmUpSeconds,
        seconds: task.seconds,
        watched: { processes: [task.serverPid], postmaster: task.postmaster },
        async call(caller) {
          const connection = connections[caller]!
          const status = await connection.send(task.requests[Math.floor(Math.random() * task.requests.length)]!)
          if (status !== task.status) throw new Error(`answered ${status}: ${connection.body()}`)
        },
      }),
    async close() {
      for (const connection of connections) connection.close()
    },
  }
})
