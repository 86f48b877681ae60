import { type Guard, Unavailable } from './resilience.ts'

/** Calls to the outside, bounded in every direction. */
export type Outgoing = (url: string | URL, init?: RequestInit) => Promise<Response>

/** Whoever was called did not answer as one can work with: late, elsewhere, too much, in error, or not at all. */
export class OutgoingFailure extends Error {
  /** When it is worth calling again, where that is known. */
  readonly retryAfterSeconds: number | null

  constructor(message: string, retryAfterSeconds: number | null = null) {
    super(message)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export interface OutgoingOptions {
  /** How long all calls together may take, from now on. */
  readonly timeoutMs: number
  /** What stands before whoever is called. What is read is asked for again where that may help; nothing else is. */
  readonly guard: Guard
  /** What errors call whoever is called, where the address is a secret. */
  readonly placeName?: string
  /** In place of the network: what this process answers itself. */
  readonly fetch?: typeof fetch | undefined
}

const bytesMax = 256 * 1024

/**
 * Calls that share one deadline. Only https is called, and http on this machine; a redirect is not followed, an answer
 * is read whole and has 256 KiB at most, and one of status 3xx or 5xx is a failure. Throws OutgoingFailure, which never
 * says what was sent.
 */
export function openOutgoing(options: OutgoingOptions): Outgoing {
  const { guard, placeName } = options
  const deadline = AbortSignal.timeout(options.timeoutMs)
  return async (url, init = {}) => {
    const { origin, pathname } = new URL(url)
    const place = placeName ?? `${origin}${pathname}`
    if (!options.fetch && !isCallable(url))
      throw new OutgoingFailure(`${placeName ?? origin} is neither https nor on this machine`)
    const isOnce = (init.method ?? 'GET') !== 'GET'
    const given = init.signal ? [init.signal, deadline] : [deadline]
    const call = (signal: AbortSignal) =>
      ask(options.fetch ?? fetch, { url, init: { ...init, signal: AbortSignal.any([...given, signal]) }, place })
    return guard.call(call, { isOnce }).catch((error) => {
      throw error instanceof Unavailable ? new OutgoingFailure(error.message, error.retryAfterSeconds) : error
    })
  }
}

async function ask(
  by: typeof fetch,
  { url, init, place }: { url: string | URL; init: RequestInit; place: string },
): Promise<Response> {
  try {
    const answer = await by(url, { ...init, redirect: 'manual' })
    if ((answer.status >= 300 && answer.status < 400) || answer.status >= 500) {
      await answer.body?.cancel()
      throw new OutgoingFailure(`${place} answered ${answer.status}`)
    }
    const body = await readWhole(answer, place)
    return new Response(body.length === 0 ? null : body, { status: answer.status, headers: answer.headers })
  } catch (error) {
    if (error instanceof OutgoingFailure) throw error
    const { name, cause } = error as Error & { cause?: { code?: string } }
    throw new OutgoingFailure(`${place} did not answer: ${cause?.code ?? name}`)
  }
}

/** Whether secrets may be sent there: it is https, or a server on this machine. */
export function isCallable(address: string | URL): boolean {
  if (!URL.canParse(String(address))) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname))
}

async function readWhole(answer: Response, place: string): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body ?? []) {
    length += part.length
    if (length > bytesMax) throw new OutgoingFailure(`${place} answered more than ${bytesMax} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
