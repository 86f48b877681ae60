import { newId } from './ids.ts'
import type { Language } from './problem.ts'

type Headers = NodeJS.Dict<string | string[]>

/** The id of a request: the caller's own when it is sane, else a new one. */
export function readRequestId(headers: Headers): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.:/+=@-]{1,128}$/.test(given) ? given : newId()
}

/** The trace id of a W3C `traceparent` header, for the log. */
export function readTraceId(headers: Headers): string | undefined {
  const { traceparent } = headers
  if (typeof traceparent !== 'string') return undefined
  const traceId = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/.exec(traceparent)?.[1]
  return traceId === '0'.repeat(32) ? undefined : traceId
}

/** The language that `Accept-Language` (RFC 9110) likes best of ours; where it names neither, the programme's. */
export function readLanguage(header: string | undefined, otherwise: Language): Language {
  if (header === undefined) return otherwise
  let best: Language | undefined
  let bestWeight = 0
  for (const part of header.split(',')) {
    const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
    const language = tag === 'ko' || tag.startsWith('ko-') ? 'ko' : tag === 'en' || tag.startsWith('en-') ? 'en' : null
    if (!language) continue
    const quality = parameters.find((parameter) => parameter.trim().startsWith('q='))
    const weight = quality === undefined ? 1 : Number(quality.trim().slice(2))
    if (weight > bestWeight) [best, bestWeight] = [language, weight]
  }
  return best ?? otherwise
}

/** Whether an `Accept` header leaves room for JSON; what names it closest decides (RFC 9110, 12.5.1). */
export function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return true
  const weights = new Map<string, number>()
  for (const part of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    const range = type.endsWith('+json') ? '+json' : type
    const weight = quality === undefined ? 1 : Number(quality.slice(2))
    weights.set(range, Math.max(weight, weights.get(range) ?? 0))
  }
  const closest = ['application/json', '+json', 'application/*', '*/*'].find((range) => weights.has(range))
  return closest !== undefined && weights.get(closest)! > 0
}

/** Whether a `Content-Type` leaves the text in UTF-8: it names no charset, or that one. */
export function isUtf8Type(contentType: string | undefined): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType ?? '')?.[1]
  return charset === undefined || /^utf-?8$/i.test(charset)
}

/** The bare text of an idempotency key that came quoted or bare; null when it is no key. */
export function parseIdempotencyKey(given: string): string | null {
  if (!given.startsWith('"')) return /^[\x21-\x7e]{1,255}$/.test(given) ? given : null
  const quoted = /^"((?:[^"\\]|\\["\\])+)"$/.exec(given)?.[1]?.replace(/\\(["\\])/g, '$1')
  return quoted !== undefined && /^[\x21-\x7e]{1,255}$/.test(quoted) ? quoted : null
}

/** The key of a request, made here where the caller sent none; null when what was sent is no key. */
export function readIdempotencyKey(headers: Headers): string | null {
  const given = headers['idempotency-key']
  if (given === undefined) return newId()
  return typeof given === 'string' ? parseIdempotencyKey(given) : null
}

/** The key of an `Authorization: Bearer …` header, or null. */
export function readBearer(authorization: string | undefined): string | null {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null
}

/** Whether a `Prefer` header (RFC 7240) asks for an answer before the work is done. */
export function prefersAsync(headers: Headers): boolean {
  const { prefer } = headers
  if (prefer === undefined) return false
  return [prefer]
    .flat()
    .join()
    .split(',')
    .some((preference) => /^\s*respond-async\s*(?:;|$)/i.test(preference))
}
