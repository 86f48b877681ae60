import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSigned } from '#modules/webhooks'

/** An event that came, and what was answered. */
export interface Came {
  readonly event: { readonly type: string; readonly subject: string }
  readonly status: number
  /** How often it came by now, this time among them. */
  readonly attempt: number
  /** Why it could not be passed on; null where it was, or was not to be. */
  readonly reason: string | null
}

/** A receiver of webhooks on this machine. */
export interface Listener {
  readonly url: string
  /** Whose signature counts; nothing is taken before. */
  trust(secret: string): void
  close(): void
}

const bytesMax = 1_048_576
const timeoutMs = 14_000

/** Opens a port on this machine. What is signed is passed on where that is wanted, and taken otherwise. */
export async function openListener(options: {
  readonly forward?: string | undefined
  onEvent(came: Came): void
  /** Told of what was not signed. */
  onStranger(): void
}): Promise<Listener> {
  let secret: string | null = null
  const seen = new Map<string, number>()

  const answer = async (request: IncomingMessage): Promise<number> => {
    const body = await readBody(request)
    const { headers } = request
    if (body === null || secret === null || !isSigned({ headers, body, nowMs: Date.now() }, secret)) {
      options.onStranger()
      return 401
    }
    const event = JSON.parse(body) as Came['event'] & { id: string }
    const attempt = (seen.get(event.id) ?? 0) + 1
    seen.set(event.id, attempt)
    const { status, reason } = options.forward
      ? await forward(options.forward, { headers, body })
      : { status: 204, reason: null }
    options.onEvent({ event, status, attempt, reason })
    return status
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (status) => response.writeHead(status).end(),
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    trust(given) {
      secret = given
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += part.length
    if (length > bytesMax) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** To the byte; where nobody answers, it is to be sent again soon. */
async function forward(
  url: string,
  { headers, body }: { headers: IncomingMessage['headers']; body: string },
): Promise<{ status: number; reason: string | null }> {
  const named = Object.entries(headers).filter(([name]) => name === 'content-type' || name.startsWith('webhook-'))
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: Object.fromEntries(named.map(([name, value]) => [name, String(value)])),
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    await answer.body?.cancel()
    return { status: answer.status, reason: null }
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } }
    return { status: 503, reason: cause?.code ?? name }
  }
}
