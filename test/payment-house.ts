import { request } from 'node:http'
import { type Listening, listen } from '#sandbox/payments/server'
import { openToss, type Toss, type TossOptions } from '#sandbox/payments/toss/index'
import type { Body } from './api-house.ts'
import type { Scope } from './harness.ts'
import { openReceiver, type Receiver } from './webhook-receiver.ts'

/** What a provider answered, or how the call ended without an answer. */
export interface Outcome {
  /** Null where there was no answer to the end. */
  readonly status: number | null
  /** Of an answer that began. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Undefined where the answer is not JSON. */
  readonly body: Body
  /** Code of the error that ended the call. */
  readonly error: string | null
}

/** What a call may bring along. */
export interface CallOptions {
  readonly body?: object | string
  readonly headers?: Readonly<Record<string, string>>
  /** When whoever asked waits no more; the beginning of an answer may have come, or not. */
  readonly leaves?: (hasBegun: boolean) => boolean
}

/** A stand-in of Toss Payments on a port of its own, and somebody who hears its webhooks. */
export interface TossHouse {
  readonly toss: Toss
  readonly listening: Listening
  readonly url: string
  readonly receiver: Receiver
  /** As the shop, over a socket of its own. */
  call(route: string, options?: CallOptions): Promise<Outcome>
  /** A payment that the buyer has agreed to. */
  agree(order: { orderId: string; amount: number; method?: string; issuerCode?: string }): string
  confirm(
    order: { orderId: string; paymentKey: string; amount: number },
    options?: CallOptions & { key?: string },
  ): Promise<Outcome>
  /** The webhooks that came for an order. */
  hooksOf(orderId: string): Body[]
}

/** Header of the shop that the published samples have. */
export const authorization = 'Basic dGVzdF9za196WExrS0V5cE5BcldtbzUwblgzbG1lYXhZRzVSOg=='

/** Where the house is told of payments. */
export const hooksPath = '/hooks'

export async function openTossHouse(scope: Scope, options: TossOptions = {}): Promise<TossHouse> {
  const receiver = await openReceiver(scope)
  receiver.answer(hooksPath, { status: 200 })
  const toss = await openToss({ webhookUrls: [receiver.url + hooksPath], amountsAsk: false, ...options })
  const listening = await listen(toss)
  scope.after(async () => {
    await toss.close()
    await listening.close()
  })
  const { url } = listening
  const call: TossHouse['call'] = (route, { body, headers, leaves } = {}) =>
    ask(`${url}${route.split(' ')[1]}`, {
      method: route.split(' ')[0]!,
      headers: { authorization, 'content-type': 'application/json', ...headers },
      text: typeof body === 'object' ? JSON.stringify(body) : (body ?? ''),
      leaves: leaves ?? (() => false),
    })
  return {
    toss,
    listening,
    url,
    receiver,
    call,
    agree({ orderId, amount, method = '카드', issuerCode = '61' }) {
      const { paymentKey } = toss.till.start({ orderId, orderName: '포도 한 상자', amount }).payment
      const means = method === '카드' ? ({ method, issuerCode } as const) : ({ method: '가상계좌' } as const)
      return toss.till.authenticate(paymentKey, means).payment.paymentKey
    },
    confirm: (order, { key, ...more } = {}) =>
      call('POST /v1/payments/confirm', {
        body: order,
        ...more,
        headers: { ...(key && { 'idempotency-key': key }), ...more.headers },
      }),
    hooksOf: (orderId) =>
      receiver.received.map(({ event }) => event).filter((it) => (it.data?.orderId ?? it.orderId) === orderId),
  }
}

/** One request on a connection of its own: whatever happens to that befalls nobody else. */
export function ask(
  url: string,
  by: {
    method: string
    headers: Readonly<Record<string, string>>
    text: string
    leaves: (hasBegun: boolean) => boolean
  },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const nothing = { status: null, text: '', body: undefined }
    let [headers, hasBegun] = [{}, false]
    const watch = setInterval(() => by.leaves(hasBegun) && leaving.abort(), 5)
    const leaving = new AbortController()
    const { signal } = leaving
    const end = (error: Error & { code?: string }) => {
      clearInterval(watch)
      resolve({ ...nothing, headers, error: error.code ?? error.name })
    }
    const asking = request(url, { method: by.method, headers: by.headers, agent: false, signal }, (answer) => {
      const parts: Buffer[] = []
      ;[headers, hasBegun] = [answer.headers, true]
      answer.on('data', (part) => parts.push(part))
      answer.once('error', end)
      answer.once('end', () => {
        clearInterval(watch)
        const text = Buffer.concat(parts).toString()
        resolve({ status: answer.statusCode!, headers, text, body: parse(text), error: null })
      })
    })
    asking.once('error', end)
    asking.end(by.method === 'GET' ? undefined : by.text)
  })
}

function parse(text: string): Body {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
