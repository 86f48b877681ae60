import { randomBytes } from 'node:crypto'
import { offer, openCrossing, quantileOf, type Step } from '../arrivals.ts'
import { postHead, postTail } from '../http-connection.ts'
import { serveTasks } from '../worker.ts'

/** A client in a process of its own that asks more and more of some servers, and then too much. */
export interface HttpArrivalsTask {
  readonly ports: readonly number[]
  readonly token: string
  readonly connections: number
  /** A path is drawn at random for every request. */
  readonly paths: readonly string[]
  readonly warmUpSeconds: number
  /** Of each step. */
  readonly seconds: number
  readonly firstPerSecond: number
  /** How much more the next step offers. */
  readonly growth: number
  readonly p99MsMax: number
  /** How many times the knee is offered at last. */
  readonly beyond: readonly number[]
}

export interface Limit {
  /** The last step that was within the limit. */
  readonly knee: Step
  /** What more than that was answered with. */
  readonly beyond: readonly Step[]
}

serveTasks<HttpArrivalsTask, Limit>(async (task) => {
  const { ports, token, seconds } = task
  const crossing = await openCrossing(ports, Math.ceil(task.connections / ports.length))
  const heads = task.paths.map((path) => postHead(path, token))
  const keyStem = randomBytes(9).toString('base64url')
  let sent = 0
  const nextRequest = () => {
    sent += 1
    return heads[sent % heads.length]! + postTail(`${keyStem}-${sent}`, '{"amount":1}')
  }
  const step = (perSecond: number, forSeconds = seconds) =>
    offer(crossing, { perSecond, seconds: forSeconds, nextRequest })
  const isWithin = ({ doneMs, refusedMs }: Step) =>
    refusedMs.length === 0 && (quantileOf(doneMs, 0.99) ?? 0) <= task.p99MsMax

  return {
    async run() {
      let knee = await step(task.firstPerSecond, task.warmUpSeconds)
      for (let perSecond = task.firstPerSecond; ; perSecond *= task.growth) {
        let next = await step(perSecond)
        // What happens once is no limit.
        if (!isWithin(next)) next = await step(perSecond)
        if (!isWithin(next)) break
        knee = next
      }
      const beyond: Step[] = []
      for (const times of task.beyond) beyond.push(await step(times * knee.offeredPerSecond))
      return { knee, beyond }
    },
    close: async () => crossing.close(),
  }
})
