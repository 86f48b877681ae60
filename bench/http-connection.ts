import { connect, type Socket } from 'node:net'

/**
 * The least that speaks HTTP/1.1 over one connection, a request at a time: on two cores whatever the client costs is
 * missing at the server, and general clients cost about as much as a route.
 */
export interface HttpConnection {
  /** Sends the whole text of a request; answers the status. */
  send(request: string): Promise<number>
  /** Body of the last answer. */
  body(): string
  close(): void
}

export async function openHttpConnection(port: number): Promise<HttpConnection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  let received: Buffer = Buffer.alloc(0)
  let answer = { head: 0, end: 0 }
  let waiting: { resolve(status: number): void; reject(error: Error): void } | undefined

  function settle(): void {
    const end = endOf(received)
    if (!end || received.length < end.end) return
    answer = end
    const { resolve } = waiting!
    waiting = undefined
    resolve(statusOf(received))
  }
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    settle()
  })
  failOn(socket, (error) => waiting?.reject(error))
  return {
    send(request) {
      received = Buffer.alloc(0)
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request, 'latin1')
      })
    },
    body: () => received.toString('utf8', answer.head, answer.end),
    close: () => socket.destroy(),
  }
}

function failOn(socket: Socket, fail: (error: Error) => void): void {
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the server closed the connection')))
}

const headEnd = Buffer.from('\r\n\r\n')
const lengthName = Buffer.from('\r\ncontent-length: ')

/** Where head and body end, once the head is there. */
function endOf(received: Buffer): { head: number; end: number } | null {
  const blank = received.indexOf(headEnd)
  if (blank < 0) return null
  const head = blank + headEnd.length
  const named = received.indexOf(lengthName)
  if (named < 0 || named > blank) throw new Error('an answer without a length')
  let length = 0
  for (let at = named + lengthName.length; received[at] !== 13; at += 1) length = length * 10 + received[at]! - 48
  return { head, end: head + length }
}

/** The three digits behind `HTTP/1.1 `. */
function statusOf(received: Buffer): number {
  return (received[9]! - 48) * 100 + (received[10]! - 48) * 10 + received[11]! - 48
}

/** The text of a POST up to what changes from one to the next. */
export function postHead(path: string, token: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n` +
    'Content-Type: application/json\r\n'
  )
}

/** The rest of it. */
export function postTail(key: string, body: string): string {
  return `Idempotency-Key: ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
