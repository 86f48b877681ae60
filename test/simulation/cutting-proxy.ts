import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What becomes of a COMMIT whose connection is cut. */
export type Fate =
  /** It never reaches the server. */
  | 'undelivered'
  /** It is sent, and the connection is cut at once: nobody can tell. */
  | 'sent'
  /** The server has done it, and its answer is lost. */
  | 'unheard'

/** A way to PostgreSQL that can be cut in the moment that matters. */
export interface CuttingProxy {
  /** The address to connect to instead of the server's. */
  readonly url: string
  /** Cuts the connection of the next transaction that is about to commit and has written into `table`. */
  cutNextCommit(table: string, fate: Fate): Promise<void>
  /** Connections that were asked for so far. */
  connections(): number
  /** Whether it breaks every connection and refuses all new ones, from now on. */
  refuse(isAway: boolean): void
  close(): Promise<void>
}

interface Cut {
  readonly table: string
  readonly fate: Fate
  done(): void
}

/** Listens on a port of this machine and hands everything on to the server of `url`. */
export async function openCuttingProxy(url: string): Promise<CuttingProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let next: Cut | null = null
  let [connections, isAway] = [0, false]
  const take = (table: string): Cut | null => {
    const cut = next
    if (cut?.table !== table) return null
    next = null
    return cut
  }
  const listener = createServer({ noDelay: true }, (client) => {
    connections += 1
    if (isAway) return void client.on('error', () => {}).resetAndDestroy()
    const server = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    handOn(client, server, () => next?.table ?? null, take)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const own = new URL(url)
  own.hostname = '127.0.0.1'
  own.port = String((listener.address() as AddressInfo).port)
  return {
    url: own.href,
    cutNextCommit: (table, fate) =>
      new Promise((done) => {
        next = { table, fate, done }
      }),
    connections: () => connections,
    refuse(isOn) {
      isAway = isOn
      if (isAway) for (const socket of sockets) socket.destroy()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** Hands on what the client says message by message, and what the server says as it comes. */
function handOn(client: Socket, server: Socket, wanted: () => string | null, take: (table: string) => Cut | null) {
  const conversation = openConversation()
  const answers = openFrames({ isTyped: true })
  let unheard: Cut | null = null
  const hangUp = (cut: Cut) => {
    client.destroy()
    server.destroy()
    cut.done()
  }
  server.on('data', (bytes: Buffer) => {
    const isCommitted = answers.read(bytes).some((answer) => answer.subarray(5).toString('latin1') === 'COMMIT\0')
    if (!unheard) client.write(bytes)
    else if (isCommitted) hangUp(unheard)
  })
  client.on('data', (bytes: Buffer) => {
    for (const message of conversation.read(bytes)) {
      const table = wanted()
      const cut = table !== null && message.isCommit && message.written.has(table) ? take(table) : null
      if (cut?.fate === 'undelivered') return hangUp(cut)
      server.write(message.bytes)
      if (!cut) continue
      client.pause()
      if (cut.fate === 'unheard') unheard = cut
      else server.end(() => hangUp(cut))
      return
    }
  })
}

interface Message {
  readonly bytes: Buffer
  readonly isCommit: boolean
  /** Tables that this transaction has written so far. */
  readonly written: ReadonlySet<string>
}

/** Reads PostgreSQL's protocol as a client speaks it (its documentation, 54.7), as far as needed to see a COMMIT. */
function openConversation() {
  const frames = openFrames({ isTyped: false })
  const statements = new Map<string, string>()
  let written = new Set<string>()

  const textOf = (type: string, body: Buffer): string => {
    const [first = '', second = ''] = body.toString('utf8').split('\0', 2)
    if (type === 'P') statements.set(first, second)
    // Bind names the portal, and then the statement.
    return type === 'Q' ? first : type === 'B' ? (statements.get(second) ?? '') : ''
  }
  const read = (bytes: Buffer): Message => {
    const text = textOf(String.fromCharCode(bytes[0]!), bytes.subarray(5))
    if (/^\s*begin\b/i.test(text)) written = new Set()
    const table = /^\s*(?:insert into|update|delete from)\s+([\w.]+)/i.exec(text)?.[1]
    if (table) written.add(table)
    return { bytes, isCommit: /^\s*commit\b/i.test(text), written }
  }
  return { read: (bytes: Buffer): Message[] => frames.read(bytes).map(read) }
}

/** Cuts a stream into messages: a type of one byte, a length, a body; a client's first one has no type. */
function openFrames({ isTyped }: { isTyped: boolean }) {
  let rest: Buffer = Buffer.alloc(0)
  let typeBytes = isTyped ? 1 : 0
  return {
    read(bytes: Buffer): Buffer[] {
      rest = Buffer.concat([rest, bytes])
      const messages: Buffer[] = []
      while (rest.length >= typeBytes + 4) {
        const length = typeBytes + rest.readInt32BE(typeBytes)
        if (rest.length < length) break
        messages.push(rest.subarray(0, length))
        rest = rest.subarray(length)
        typeBytes = 1
      }
      return messages
    },
  }
}
