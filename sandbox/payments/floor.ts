import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Books, openBooks } from './books.ts'
import {
  amountFaults,
  type Codes,
  type Label,
  type Language,
  listFaults,
  nameFaults,
  type Untruths,
} from './catalogue.ts'
import { type Clock, openClock } from './clock.ts'
import { addControl } from './control.ts'
import { type Asked, type Fault, FaultProblem, type Faults, openFaults } from './faults.ts'
import { languageOf } from './pages.ts'
import { type Answer, Cut, cut, drift, gatewayAnswer, waitFor } from './sockets.ts'
import { openStore, type Store } from './store.ts'
import { openWebhooks, type Sending, type Webhooks } from './webhooks.ts'

/** What a stand-in may be told when it is opened. */
export interface FloorOptions {
  /** Path before every address, without a slash at its end. */
  readonly base?: string
  /** Where its state is kept; in memory without it. */
  readonly file?: string
  /** The time to go by; the machine's without it. */
  readonly nowMs?: () => number
  /** What drawn faults are drawn by. */
  readonly seed?: string
  /** Where webhooks are sent. */
  readonly webhookUrls?: readonly string[]
  /** What the waits between attempts are multiplied by. */
  readonly webhookScale?: number
  /** How long a receiver has to answer, where it is not as long as the provider gives. */
  readonly webhookTimeoutMs?: number
  /** Origins of pages that a browser may be sent back to; every one without it. */
  readonly returnOrigins?: readonly string[]
  /** Whether the last digits of an amount ask for faults; they do, unless told otherwise. */
  readonly amountsAsk?: boolean
  /** Calls a minute of each operation, as test keys have them; without it, any number. */
  readonly callsPerMinute?: number
}

/** What every provider's stand-in stands on. */
export interface Floor {
  readonly base: string
  readonly clock: Clock
  readonly store: Store
  readonly books: Books
  readonly faults: Faults
  readonly webhooks: Webhooks
  readonly returnOrigins: readonly string[] | null
}

/** A request as it came; the body is undefined where it was not what the provider takes. */
export interface Parts {
  readonly method: string
  /** Without the base and the query. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: FastifyRequest['headers']
  readonly text: string
  readonly body: unknown
  readonly language: Language
}

/** A request that is being worked on. */
export interface Call extends Parts {
  /**
   * To be awaited right before money moves, and right after. What is thrown is a Refused, which is the provider's own
   * answer; or something else, after which there is none.
   */
  reach(point: 'before-commit' | 'before-answer'): Promise<void>
}

/** One address of the provider's API. */
export interface Operation {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** What faults call it: `confirm` where money is taken, `cancel` where it goes back, `find` where it is asked for. */
  readonly name: string
  /** What can be told of a request before it is looked into. */
  about(parts: Parts): Partial<Asked>
  run(call: Call): Promise<Answer>
}

/** How one provider differs from the others, as its published pages have it. */
export interface Provider {
  readonly name: string
  readonly title: Label
  readonly codes: Codes
  readonly untruths: Untruths
  /** Null where it tells nobody anything. */
  readonly sending: Sending | null
  /** The body of a request; undefined where it is none. */
  parse(text: string): unknown
  /** Its own answer with a code of its own. */
  refuse(code: string, language: Language): Answer
  /** Its answer where nothing is. */
  readonly unknownCode: string
  operations(floor: Floor): readonly Operation[]
  /** Pages and controls beside those that all have. */
  addPages(app: FastifyInstance, floor: Floor): void
  /** What the control page shows of it, as HTML. */
  sections(floor: Floor, language: Language): string
  /** A list that differs from the truth. */
  mismatch(body: unknown, how: NonNullable<Fault['how']>): unknown
}

/** The provider refuses, with a code of its own. */
export class Refused extends Error {
  readonly code: string
  readonly retryAfter: number | undefined
  constructor(code: string, retryAfter?: number) {
    super(code)
    this.code = code
    this.retryAfter = retryAfter
  }
}

/** What stands before the provider has answered. */
class Instead extends Error {
  readonly answer: Answer
  constructor(answer: Answer) {
    super()
    this.answer = answer
  }
}

/** A stand-in: an app of its own, and what its keepers hold in hand. */
export interface StandIn extends Floor {
  readonly name: string
  readonly app: FastifyInstance
  /** Where it is reached. */
  readonly ports: Set<Port>
  close(): Promise<void>
}

/** A port that can be closed for a while. */
export interface Port {
  /** Lets nobody in, as if nothing were there; whoever is inside is cut off. */
  refuse(): Promise<void>
  /** Lets people in again, at the same address. */
  admit(): Promise<void>
}

const noSending: Sending = {
  waitsMs: [],
  timeoutMs: 0,
  isTaken: () => true,
  headersOf: () => ({}),
  forge: (body) => body,
}

const bodyBytesMax = 1_048_576

/** A provider on its floor. */
export async function openStandIn(provider: Provider, options: FloorOptions = {}): Promise<StandIn> {
  const { base = '', seed = 'podo' } = options
  const clock = openClock(options.nowMs)
  const store = openStore(options.file ?? null)
  const books = openBooks({ store, clock })
  const named = listFaults(provider.codes, provider.untruths)
  const amounts = options.amountsAsk === false ? {} : amountFaults
  const faults = openFaults({ names: nameFaults(named), amounts, clock, seed })
  const { timeoutMs } = provider.sending ?? noSending
  const sending = { ...(provider.sending ?? noSending), timeoutMs: options.webhookTimeoutMs ?? timeoutMs }
  const urls = provider.sending ? (options.webhookUrls ?? []) : []
  const webhooks = openWebhooks({ urls, sending, scale: options.webhookScale ?? 1, clock, store, faults })
  const floor = { base, clock, store, books, faults, webhooks, returnOrigins: options.returnOrigins ?? null }
  const closing = new AbortController()

  const app = fastify({ bodyLimit: bodyBytesMax, routerOptions: { maxParamLength: 500 } })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, text))
  const limit = openLimit(options.callsPerMinute, clock)
  for (const operation of provider.operations(floor)) {
    app.route({
      method: operation.method,
      url: base + operation.path,
      handler: (request, reply) =>
        handle({ provider, floor, operation, limit }, { request, reply, closing: closing.signal }),
    })
  }
  app.setNotFoundHandler((request, reply) => send(reply, provider.refuse(provider.unknownCode, languageOf(request))))
  const ports = new Set<Port>()
  const leave = (ms: number) => {
    for (const port of ports) void stayAway(port, { ms, closing: closing.signal })
  }
  addControl(app, { ...floor, provider, named, leave })
  provider.addPages(app, floor)
  await app.ready()
  return {
    ...floor,
    name: provider.name,
    app,
    ports,
    async close() {
      closing.abort()
      await webhooks.close()
      clock.close()
      await app.close()
    },
  }
}

async function stayAway(port: Port, { ms, closing }: { ms: number; closing: AbortSignal }): Promise<void> {
  await port.refuse()
  await waitFor(ms, closing).then(port.admit, () => {})
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly closing: AbortSignal
}

interface Served {
  readonly provider: Provider
  readonly floor: Floor
  readonly operation: Operation
  readonly limit: (name: string) => boolean
}

async function handle(served: Served, exchange: Exchange): Promise<FastifyReply> {
  const { provider, floor, operation } = served
  const { request, reply } = exchange
  const parts = toParts(request, { provider, base: floor.base })
  try {
    const header = textOf(request.headers['x-sandbox-fault'])
    const plan = floor.faults.plan({ ...nothing, ...operation.about(parts), operation: operation.name, header })
    const first = plan.take('before-accept')
    if (first) await suffer(first, exchange)
    if (served.limit(operation.name)) throw new Refused(provider.codes.tooMany, 1)
    const call: Call = {
      ...parts,
      async reach(point) {
        const isCommitted = point === 'before-answer'
        const fault = plan.take(point, ({ kind }) => !isCommitted || kind === 'refuse')
        if (fault) await suffer(fault, exchange)
      },
    }
    const answer = await operation.run(call)
    const last = plan.take('before-answer', ({ kind }) => kind !== 'refuse')
    if (!last) return send(reply, answer)
    if (last.kind === 'webhook-first') await floor.webhooks.settle(operation.about(parts).orderId ?? '')
    if (isUntrue(last)) return send(reply, alter(answer, { fault: last, provider }))
    await suffer(last, exchange, answer)
    return send(reply, answer)
  } catch (error) {
    if (error instanceof Cut) return reply
    if (error instanceof Instead) return send(reply, error.answer)
    if (error instanceof FaultProblem) {
      return send(reply, { status: 400, body: { code: 'SANDBOX', message: error.message } })
    }
    if (!(error instanceof Refused)) throw error
    const { code, retryAfter } = error
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
    return send(reply, provider.refuse(code, parts.language))
  }
}

/** Does what a fault says, and throws where no answer of the provider is left to be given. */
async function suffer(fault: Fault, { reply, closing }: Exchange, answer: Answer | null = null): Promise<void> {
  switch (fault.kind) {
    case 'delay':
      return waitFor(fault.ms ?? 1_000, closing)
    case 'refuse':
      throw new Refused(fault.code ?? '', fault.retryAfter)
    case 'status':
      throw new Instead(gatewayAnswer(fault))
    case 'hold':
    case 'drop':
    case 'reset':
    case 'truncate':
    case 'drip':
      await cut({ fault, answer }, { reply, closing })
      throw new Cut()
  }
}

const untrue: readonly string[] = ['alter', 'drift', 'skew', 'rows']

function isUntrue({ kind }: Fault): boolean {
  return untrue.includes(kind)
}

function alter(answer: Answer, { fault, provider }: { fault: Fault; provider: Provider }): Answer {
  const date = new Date(Date.now() + (fault.ms ?? 0)).toUTCString()
  if (fault.kind === 'skew') return { ...answer, headers: { ...answer.headers, date } }
  if (answer.status >= 300) return answer
  if (fault.kind === 'drift') return { ...answer, body: drift(answer.body) }
  if (fault.kind === 'rows') return { ...answer, body: provider.mismatch(answer.body, fault.how ?? 'missing') }
  return { ...answer, body: { ...(answer.body as object), ...fault.with } }
}

function send(reply: FastifyReply, { status, body, headers = {} }: Answer): FastifyReply {
  const isText = typeof body === 'string'
  reply.code(status).type(isText ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8')
  return reply.headers(headers).send(isText ? body : JSON.stringify(body))
}

const nothing: Omit<Asked, 'operation' | 'header'> = {
  orderId: null,
  paymentKey: null,
  amount: null,
  payMethod: null,
  issuer: null,
}

function toParts(request: FastifyRequest, { provider, base }: { provider: Provider; base: string }): Parts {
  const { method, url, headers } = request
  const [path = '', query = ''] = url.slice(base.length).split('?')
  const text = typeof request.body === 'string' ? request.body : ''
  return {
    method,
    path,
    params: request.params as Record<string, string>,
    query: new URLSearchParams(query),
    headers,
    text,
    body: method === 'GET' ? {} : provider.parse(text),
    language: languageOf(request),
  }
}

function textOf(header: string | string[] | undefined): string | null {
  return typeof header === 'string' ? header : null
}

/** Whether there were too many calls of an operation within a minute. */
function openLimit(max: number | undefined, clock: Clock): (name: string) => boolean {
  const calls = new Map<string, { minute: number; count: number }>()
  return (name) => {
    if (max === undefined) return false
    const minute = Math.floor(clock.nowMs() / 60_000)
    const before = calls.get(name)
    const count = before?.minute === minute ? before.count + 1 : 1
    calls.set(name, { minute, count })
    return count > max
  }
}
