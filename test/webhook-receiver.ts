import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Body } from './api-house.ts'
import type { Scope } from './harness.ts'

/** What came to a receiver. */
export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** To the byte. */
  readonly text: string
  readonly event: Body
}

/** How a receiver answers; null for not at all. */
export type Answering = { readonly status: number; readonly headers?: Record<string, string> } | null

/** Somebody on this machine who is sent events. */
export interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** How what comes to a path is answered from now on; 204 until then. */
  answer(path: string, answering: Answering): void
  /** How many on a path wait for their answer. */
  waiting(path: string): number
  /** Answers those who wait: 204, where nothing else is said. */
  release(path: string, status?: number): void
}

export async function openReceiver(scope: Scope): Promise<Receiver> {
  const received: Received[] = []
  const answers = new Map<string, Answering>()
  const held: { path: string; end: (status: number) => void }[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const text = Buffer.concat(parts).toString()
    const path = request.url!
    received.push({ path, headers: request.headers, text, event: JSON.parse(text) })
    const answering = answers.has(path) ? answers.get(path)! : { status: 204 }
    if (answering) response.writeHead(answering.status, answering.headers).end()
    else held.push({ path, end: (status) => void response.writeHead(status).end() })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (path, answering) => void answers.set(path, answering),
    waiting: (path) => held.filter((each) => each.path === path).length,
    release(path, status = 204) {
      for (const each of held.splice(0)) {
        if (each.path === path) each.end(status)
        else held.push(each)
      }
    },
  }
}
