/** Calls to the outside, bounded in every direction. */
export type Outgoing = (url: string | URL, init?: RequestInit) => Promise<Response>

/** Whoever was called did not answer as one can work with: late, elsewhere, too much, in error, or not at all. */
export class OutgoingFailure extends Error {}

export interface OutgoingOptions {
  /** How long all calls together may take, from now on. */
  readonly timeoutMs: number
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
  const deadline = AbortSignal.timeout(options.timeoutMs)
  return async (url, init = {}) => {
    const { origin, pathname } = new URL(url)
    const place = options.placeName ?? `${origin}${pathname}`
    if (!options.fetch && !isCallable(url))
      throw new OutgoingFailure(`${options.placeName ?? origin} is neither https nor on this machine`)
    const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline
    try {
      const answer = await (options.fetch ?? fetch)(url, { ...init, redirect: 'manual', signal })
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
