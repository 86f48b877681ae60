import * as http from 'node:http'
import * as https from 'node:https'
import { PlaceClosed, type Places } from './places.ts'
import { type Attempted, readRetryAfter } from './rules.ts'

const bytesMax = 4_096

/** A request to a receiver. */
export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** When it is sent, in milliseconds since 1970. */
  readonly nowMs: number
  /** How long all of it may take. */
  readonly timeoutMs: number
  /** Ends it where this process does. */
  readonly signal: AbortSignal
}

/**
 * Sends a request where it may go, over a connection of its own: whom one was looked at for, nobody else uses. Follows
 * no redirect, and reads no more of the answer than a receiver needs to believe that it was heard. Never throws.
 */
export function post(places: Places, { url, headers, body, nowMs, timeoutMs, signal }: Post): Promise<Attempted> {
  const deadline = AbortSignal.timeout(timeoutMs)
  return new Promise((resolve) => {
    const fail = (error: unknown) => {
      const late = deadline.aborted ? `No answer came within ${timeoutMs / 1_000} s` : null
      const why = error instanceof PlaceClosed ? 'closed' : 'unanswered'
      resolve({ statusCode: null, error: late ?? toSentence(error), why })
    }
    if (places.findMistake(url)) return fail(new PlaceClosed())
    const target = new URL(url)
    const { request } = target.protocol === 'https:' ? https : http
    const sent = request(target, {
      method: 'POST',
      agent: false,
      lookup: places.lookupFor(target),
      signal: AbortSignal.any([deadline, signal]),
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    })
    sent.on('error', fail)
    sent.on('response', (answer) => {
      const statusCode = answer.statusCode!
      const done = () => {
        resolve({ statusCode, retryAfterMs: readRetryAfter(answer.headers['retry-after'], nowMs), error: null })
        answer.destroy()
      }
      let length = 0
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > bytesMax) done()
      })
      // Whatever becomes of the rest, the status was answered.
      for (const end of ['end', 'error', 'close']) answer.on(end, done)
    })
    sent.end(body)
  })
}

/** Of an error its code is told: its message names the address, which is nobody's to know who only gave a name. */
function toSentence(error: unknown): string {
  if (error instanceof PlaceClosed) return error.message
  const { code, errors } = error as { code?: string; errors?: { code?: string }[] }
  return sentences[code ?? errors?.[0]?.code ?? ''] ?? `No answer came (${code ?? 'unknown'})`
}

const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The connection was refused (ECONNREFUSED)',
  ECONNRESET: 'The connection was closed before an answer came (ECONNRESET)',
  ENOTFOUND: 'The name could not be resolved (ENOTFOUND)',
  ENODATA: 'The name has no address (ENODATA)',
  EAI_AGAIN: 'The name could not be resolved (EAI_AGAIN)',
  CERT_HAS_EXPIRED: 'The certificate has expired (CERT_HAS_EXPIRED)',
}
