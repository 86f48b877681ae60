import { randomUUID } from 'node:crypto'
import * as http from 'node:http'
import * as https from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { Language, Text } from '#platform/problem'
import { StartProblem } from '#platform/start-problem'

/** Where a Podo answers, and with which credential; with an empty one, as anybody. */
export interface Address {
  readonly url: string
  readonly key: string
  readonly language: Language
}

export interface Wallet {
  readonly id: string
  readonly balance: number
  readonly byClass: Readonly<Record<PointClass, number>>
}

export type PointClass = 'paid' | 'bonus' | 'prize'

export interface Transfer {
  readonly id: string
  readonly kind: string
  readonly amount: number
  readonly walletId: string
  readonly merchantId: string | null
  readonly lots: readonly { readonly class: PointClass; readonly amount: number }[]
  readonly balanceAfter: number
}

/** What a POST was answered: done, or refused for a reason that the caller can do something about. */
export type Answer<Body> =
  | { readonly isDone: true; readonly body: Body }
  | { readonly isDone: false; readonly problem: Refusal }

export interface Refusal {
  readonly type: string
  readonly title: string
  readonly available?: number
  readonly required?: number
}

/** Podo over HTTP, as any client sees it; whatever is neither done nor a refusal is thrown. */
export interface Client {
  get<Body>(path: string): Promise<Body>
  /** Every item of a list, page after page. */
  list<Item>(path: string): Promise<Item[]>
  post<Body>(path: string, body: object): Promise<Answer<Body>>
  /** Sends it once; answers whatever it is answered with. */
  send(method: Method, path: string, given?: Given): Promise<Response>
  /** The status that this is answered with, whatever it is. */
  ask(method: Method, path: string, body?: object): Promise<number>
  close(): void
}

type Method = 'GET' | 'POST' | 'DELETE'

/** Connections at once: what comes beyond them waits for its turn on this side. */
export const connectionsMax = 200
const attemptsMax = 5
const timeoutMs = 15_000

export function openClient(address: Address): Client {
  const { request, Agent } = address.url.startsWith('https:') ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, scheduling: 'fifo' })
  const base = new URL(address.url)

  function send(method: Method, path: string, given: Given = {}) {
    return new Promise<Response>((resolve, reject) => {
      const headers: Record<string, string> = {
        ...(address.key === '' ? {} : { authorization: `Bearer ${address.key}` }),
        'accept-language': address.language,
        ...(given.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(given.key === undefined ? {} : { 'idempotency-key': given.key }),
        ...(given.prefer === undefined ? {} : { prefer: given.prefer }),
      }
      const sent = request(new URL(path, base), { method, headers, agent, timeout: timeoutMs }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        )
      })
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      sent.on('error', reject)
      sent.end(given.body)
    })
  }

  /** The same key goes with every attempt: however often it is sent, it happens once. */
  async function sendUntilAnswered(method: Method, path: string, body?: string): Promise<Response> {
    const key = method === 'POST' ? randomUUID() : undefined
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await send(method, path, { ...(body === undefined ? {} : { body }), ...(key ? { key } : {}) })
        if (response.status !== 503 || attempt === attemptsMax) return response
      } catch (error) {
        if (attempt === attemptsMax) throw new StartProblem(unreachable(address.url, error))
      }
      await delay(50 * 2 ** attempt)
    }
  }

  async function get<Body>(path: string): Promise<Body> {
    const response = await sendUntilAnswered('GET', path)
    if (response.status !== 200) throw new StartProblem(unexpected('GET', path, response))
    return JSON.parse(response.text) as Body
  }

  return {
    get,
    async list<Item>(path: string) {
      const items: Item[] = []
      const separator = path.includes('?') ? '&' : '?'
      for (let cursor: string | null = ''; cursor !== null; ) {
        const after = cursor && `&cursor=${encodeURIComponent(cursor)}`
        const page: Page<Item> = await get(`${path}${separator}limit=100${after}`)
        items.push(...page.items)
        cursor = page.nextCursor
      }
      return items
    },
    async post<Body>(path: string, body: object): Promise<Answer<Body>> {
      const response = await sendUntilAnswered('POST', path, JSON.stringify(body))
      if (response.status === 409) return { isDone: false, problem: JSON.parse(response.text) as Refusal }
      if (response.status !== 201) throw new StartProblem(unexpected('POST', path, response))
      return { isDone: true, body: JSON.parse(response.text) as Body }
    },
    send,
    async ask(method, path, body) {
      const { status } = await sendUntilAnswered(method, path, body && JSON.stringify(body))
      return status
    },
    close: () => agent.destroy(),
  }
}

/** The body of an answer that had to be a success. */
export function bodyOf<Body>(answer: Answer<Body>): Body {
  if (answer.isDone) return answer.body
  const { type, title } = answer.problem
  throw new StartProblem({
    ko: `예상하지 못한 거절입니다: ${title} (${type})`,
    en: `Unexpectedly refused: ${title} (${type})`,
  })
}

interface Given {
  readonly body?: string
  readonly key?: string
  readonly prefer?: string
}

interface Response {
  readonly status: number
  readonly text: string
}

interface Page<Item> {
  readonly items: Item[]
  readonly nextCursor: string | null
}

function unreachable(url: string, cause: unknown): Text {
  const { message, code } = cause as { message?: string; code?: string }
  const reason = code || message || String(cause)
  return {
    ko: `Podo(${url})가 응답하지 않습니다(${reason}). 실행 중인지 확인해 주십시오.`,
    en: `No Podo answers at ${url} (${reason}). See that it is running.`,
  }
}

function unexpected(method: string, path: string, { status, text }: Response): Text {
  if (status === 401) {
    return {
      ko: '운영자 키가 맞지 않습니다. PODO_OPERATOR_KEY나 PODO_DATA_DIR을 그 Podo의 것으로 지정해 주십시오.',
      en: "The operator's key does not fit. Set PODO_OPERATOR_KEY or PODO_DATA_DIR to those of that Podo.",
    }
  }
  const shown = text.slice(0, 300)
  return {
    ko: `예상하지 못한 응답입니다(${method} ${path}): ${status} ${shown}`,
    en: `${method} ${path} was answered unexpectedly: ${status} ${shown}`,
  }
}
