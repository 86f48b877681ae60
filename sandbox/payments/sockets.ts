import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import type { Fault } from './faults.ts'

/** What a provider says. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A call that ended at its socket: nothing is left to be answered. */
export class Cut extends Error {}

/** Waits for as long as people do, whatever the stand-in's clock says; throws a Cut when the stand-in closes. */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, null, { signal, ref: false }).catch(() => {
    throw new Cut()
  })
}

/** Ends a call as a fault has it, half answered or not at all; whoever called may leave before that. */
export async function cut(
  { fault, answer }: { fault: Fault; answer: Answer | null },
  { reply, closing }: { reply: FastifyReply; closing: AbortSignal },
): Promise<void> {
  reply.hijack()
  const { raw } = reply
  const { socket } = raw
  if (!socket) return
  const left = new AbortController()
  socket.once('close', () => left.abort())
  const signal = AbortSignal.any([closing, left.signal])
  const bytes = Buffer.from(JSON.stringify(answer?.body ?? null))
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length, ...answer?.headers }
  if (fault.kind === 'hold') await delay(fault.ms ?? 60_000, null, { signal, ref: false }).catch(() => {})
  if (fault.kind === 'truncate') {
    raw.writeHead(answer?.status ?? 200, headers)
    await new Promise((resolve) => raw.write(bytes.subarray(0, bytes.length >> 1), resolve))
  }
  if (fault.kind === 'drip') {
    raw.writeHead(answer?.status ?? 200, headers)
    for (const byte of bytes) {
      if (signal.aborted) break
      raw.write(Buffer.of(byte))
      await delay(fault.ms ?? 1_000, null, { signal, ref: false }).catch(() => {})
    }
    if (!signal.aborted) return void raw.end()
  }
  if (fault.kind === 'reset') socket.resetAndDestroy()
  else socket.destroy()
  if (!socket.closed) await once(socket, 'close')
}

/** What stands before the provider answers in its place: an HTML page, where the fault has no other. */
export function gatewayAnswer({ status = 503, body, retryAfter }: Fault): Answer {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  }
  return { status, body: body ?? `<html><body><h1>${status}</h1></body></html>`, headers }
}

/** The answer in a form that has changed: an unknown field, numbers as texts, null where an object was. */
export function drift(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(drift)
  if (typeof body !== 'object' || body === null) return body
  const changed = Object.entries(body).map(([name, value]) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return [name, typeof value === 'number' ? String(value) : isObject ? null : value] as const
  })
  return { ...Object.fromEntries(changed), addedLater: { by: 'a newer version', values: [1, 2, 3] } }
}
