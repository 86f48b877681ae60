import { hash } from 'node:crypto'
import type { Clock } from './clock.ts'
import { koreaAheadMs } from './clock.ts'

/** Where something goes wrong: a call's way has three points; what is told by webhook goes wrong on its own way. */
export type Point = (typeof points)[number]

const points = ['before-accept', 'before-commit', 'before-answer', 'webhook'] as const

/** What goes wrong there. */
export type Kind = (typeof kinds)[number]

const kinds = [
  // At the socket: nothing for a while, and then the end; the end at once; half an answer; one byte at a time.
  'hold',
  'drop',
  'reset',
  'truncate',
  'drip',
  // Later than it should, but as it should.
  'delay',
  // What stands before the provider answers in its place.
  'status',
  // The provider refuses, with a code of its own.
  'refuse',
  // The answer says something else, or says it in another form, or with another time of day.
  'alter',
  'drift',
  'skew',
  // Lists that differ from the truth.
  'rows',
  // The webhook is there before the answer.
  'webhook-first',
  // Of webhooks: never sent, sent again, sent after the next one, sent by somebody else.
  'lose',
  'repeat',
  'swap',
  'forge',
] as const

/** One thing that goes wrong. */
export interface Fault {
  readonly point: Point
  readonly kind: Kind
  readonly ms?: number
  readonly status?: number
  readonly code?: string
  readonly body?: string
  readonly retryAfter?: number
  readonly count?: number
  readonly with?: Readonly<Record<string, unknown>>
  /** Of lists: how they differ. */
  readonly how?: 'missing' | 'extra' | 'fee' | 'late'
}

/** What is known of a call, or of a webhook, when it begins. */
export interface Asked {
  /** `confirm` takes money, `cancel` gives it back, `find` asks; `webhook`; others in the provider's words. */
  readonly operation: string
  readonly orderId: string | null
  readonly paymentKey: string | null
  /** Of the body. */
  readonly amount: number | null
  readonly payMethod: string | null
  readonly issuer: string | null
  /** The header by which a caller asks for a fault. */
  readonly header: string | null
}

/** Which calls a scenario is for; of every one where nothing is said. */
export interface Match {
  readonly operation?: string
  /** An order id or a payment key. */
  readonly key?: string
  readonly payMethod?: string
  readonly issuer?: string
  /** Times of day in Korea: `23:30-00:30`. */
  readonly between?: string
  /** Every third call, for example. */
  readonly every?: number
  /** So many calls of a hundred, drawn by the seed. */
  readonly percent?: number
}

/** When something goes wrong. Of several faults, one is drawn for each call. */
export interface Scenario {
  readonly match?: Match
  /** Names of the catalogue, or what goes wrong in full. */
  readonly faults: readonly (string | Fault)[]
  /** How often in all; without it, for ever. */
  readonly times?: number
  /** How long; without it, for ever. */
  readonly lastsMs?: number
  /** What is drawn by, where it is not what all of them are drawn by. */
  readonly seed?: string
}

/** A scenario that was given, with what became of it. */
export interface Running extends Scenario {
  readonly id: string
  readonly happened: number
}

/** What goes wrong in one call. */
export interface Plan {
  /** The first that is planned for a point, which counts as having happened. */
  take(point: Point, which?: (fault: Fault) => boolean): Fault | null
}

/** The scenarios that run. */
export interface Faults {
  readonly seed: string
  add(scenario: Scenario): Running
  list(): Running[]
  /** One, or all. */
  remove(id?: string): void
  plan(asked: Asked): Plan
}

interface Kept {
  readonly scenario: Scenario
  readonly faults: readonly Fault[]
  readonly id: string
  readonly untilMs: number
  happened: number
  matched: number
}

interface Planned {
  readonly fault: Fault
  happen(): boolean
}

/** What names mean, which of them the last digits of an amount stand for, and what is drawn by. */
export interface FaultsOptions {
  readonly names: Readonly<Record<string, Fault>>
  readonly amounts: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly seed: string
}

/** Scenarios, and what callers ask for by a header, by the digits of an amount or by the end of an order id. */
export function openFaults({ names, amounts, clock, seed }: FaultsOptions): Faults {
  const kept = new Map<string, Kept>()
  const happened = new Map<string, number>()
  const drawn = new Map<string, number>()
  let count = 0
  const toFault = (named: string | Fault): Fault => {
    const fault = typeof named === 'string' ? findNamed(names, named) : named
    if (!fault) throw new FaultProblem(`There is no fault "${named}". There are: ${Object.keys(names).join(', ')}`)
    if (points.includes(fault.point) && kinds.includes(fault.kind)) return fault
    throw new FaultProblem(`A fault needs a point of ${points.join(', ')}, and a kind of ${kinds.join(', ')}.`)
  }
  // By what is asked and how often it was, not by when: other calls that come between change nothing.
  const draw = (name: string, by: string) => {
    const number = (drawn.get(name) ?? 0) + 1
    drawn.set(name, number)
    return Number.parseInt(hash('sha256', `${by} ${name} ${number}`).slice(0, 8), 16) / 2 ** 32
  }
  const planOf = (it: Kept, asked: Asked): Planned | null => {
    const { match = {}, times = Number.POSITIVE_INFINITY, seed: by = seed } = it.scenario
    const possible = it.faults.filter(({ point }) => (point === 'webhook') === (asked.operation === 'webhook'))
    if (possible.length === 0 || it.untilMs <= clock.nowMs() || !isMatch(match, asked, clock.nowMs())) return null
    it.matched += 1
    const name = `${it.id} ${asked.operation} ${asked.orderId ?? asked.paymentKey ?? ''}`
    if (match.every !== undefined && it.matched % match.every !== 0) return null
    if (match.percent !== undefined && draw(name, by) * 100 >= match.percent) return null
    const fault = possible[possible.length === 1 ? 0 : Math.floor(draw(name, by) * possible.length)]!
    const happen = () => {
      if (it.happened >= times) return false
      it.happened += 1
      return true
    }
    return { fault, happen }
  }
  const planAsked = (asked: Asked): Planned[] =>
    listAsked(asked, { names, amounts }).map(({ text, name, times }) => {
      const { name: called, ...more } = readHeader(name)
      const fault = { ...toFault(called), ...more }
      const happen = () => {
        const before = happened.get(text) ?? 0
        happened.set(text, before + 1)
        return before < times
      }
      return { fault, happen }
    })
  return {
    seed,
    add(scenario) {
      const faults = scenario.faults.map(toFault)
      if (faults.length === 0) throw new FaultProblem('A scenario needs at least one fault in "faults".')
      count += 1
      const untilMs = clock.nowMs() + (scenario.lastsMs ?? Number.POSITIVE_INFINITY)
      const it = { scenario, faults, id: String(count), untilMs, happened: 0, matched: 0 }
      kept.set(it.id, it)
      return { ...scenario, id: it.id, happened: 0 }
    },
    list: () => [...kept.values()].map(({ scenario, id, happened }) => ({ ...scenario, id, happened })),
    remove(id) {
      if (id === undefined) kept.clear()
      else kept.delete(id)
    },
    plan(asked) {
      const planned = [...planAsked(asked), ...[...kept.values()].flatMap((it) => planOf(it, asked) ?? [])]
      return {
        take(point, which = () => true) {
          const at = planned.findIndex((it) => it.fault.point === point && which(it.fault) && it.happen())
          return at === -1 ? null : planned.splice(at, 1)[0]!.fault
        },
      }
    },
  }
}

/** What is wrong with what somebody asked to go wrong. */
export class FaultProblem extends Error {}

function findNamed(names: FaultsOptions['names'], name: string): Fault | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined
}

function isMatch({ operation, key, payMethod, issuer, between }: Match, asked: Asked, nowMs: number): boolean {
  if (operation !== undefined && operation !== asked.operation) return false
  if (key !== undefined && key !== asked.orderId && key !== asked.paymentKey) return false
  if (payMethod !== undefined && payMethod !== asked.payMethod) return false
  if (issuer !== undefined && issuer !== asked.issuer) return false
  if (between === undefined) return true
  const time = new Date(nowMs + koreaAheadMs).toISOString().slice(11, 16)
  const [from = '', to = ''] = between.split('-')
  return from <= to ? from <= time && time < to : from <= time || time < to
}

interface AskedFor {
  /** What it is counted by. */
  readonly text: string
  readonly name: string
  readonly times: number
}

const operationsOfAmounts: readonly string[] = ['confirm', 'cancel', 'issue']

/** What the caller asks for; the digits and the end of an order id count once for each operation of an order. */
function listAsked(asked: Asked, { names, amounts }: Pick<FaultsOptions, 'names' | 'amounts'>): AskedFor[] {
  const { operation, orderId, paymentKey, amount, header } = asked
  const key = `${operation} ${orderId ?? paymentKey ?? ''}`
  const byAmount = operationsOfAmounts.includes(operation) ? amounts[String(amount).slice(-3)] : undefined
  const [, ending = '', of = 'confirm'] = /__([A-Za-z0-9-]+?)(?:__([a-z]+))?$/.exec(orderId ?? '') ?? []
  const times = Number(/(?:^|;)\s*times=(\d+)/.exec(header ?? '')?.[1] ?? Number.POSITIVE_INFINITY)
  return [
    ...(header === null ? [] : [{ text: `${header} ${key}`, name: header, times }]),
    ...(byAmount === undefined ? [] : [{ text: `amount ${amount} ${key}`, name: `name=${byAmount}`, times: 1 }]),
    ...(findNamed(names, ending) && of === operation ? [{ text: key, name: `name=${ending}`, times: 1 }] : []),
  ]
}

/** `name=timeout-after-commit;ms=15000;times=1`. */
function readHeader(text: string): { name: string } & Partial<Fault> {
  const pairs = text.split(';').map((pair) => pair.trim().split('=') as [string, string])
  const { name = '', ms, status, code } = Object.fromEntries(pairs)
  return {
    name,
    ...(ms !== undefined && { ms: Number(ms) }),
    ...(status !== undefined && { status: Number(status) }),
    ...(code !== undefined && { code }),
  }
}
