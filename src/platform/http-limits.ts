import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Caller } from './access.ts'
import { httpProblems } from './http-problems.ts'
import { Problem } from './problem.ts'
import { type Allowance, openRateCounter, type RateCounter, type Taking, toNetwork } from './rate-limits.ts'
import { toMailAddress } from './text.ts'
import { anonymous } from './work.ts'

/** How much callers may ask for. */
export interface LimitSettings {
  /** Requests a minute from one address, of people and of whoever is not known. */
  readonly rateLimitAddress: number
  /** Requests a minute with one key. */
  readonly rateLimitKey: number
  /** Failed sign-ins with one account from one address, before it takes minutes for each more. */
  readonly rateLimitFailures: number
  /** Sign-ups an hour from one address. */
  readonly rateLimitSignUps: number
}

/**
 * What a route names in `config.limits`, beyond which nothing is needed:
 *
 * - `sign-in`: proves who somebody is by a password. The account is the `email` of the body.
 * - `sign-up`: makes an account.
 * - `refresh`: goes on with a session.
 * - `password`: asks a person who is signed in for the present password.
 * - `mail`: sends a mail to the `email` of the body, or to the person who is signed in. How many go to one is counted
 *   where they are sent: nobody keeps somebody else from asking.
 * - `link`: takes the token of such a mail.
 * - `social`: signs in by somebody else's word.
 */
export type LimitWord = 'sign-in' | 'sign-up' | 'refresh' | 'password' | 'mail' | 'link' | 'social'

/** Keeps callers from asking too often. */
export interface Limits {
  /** What is against a request at all; `caller` is null where nobody is known. The operator is never refused. */
  findExcess(caller: Caller | null, address: string): Problem | null
  /** What a route does that names a word: counts before its handler runs, and corrects the count by the answer. */
  hooksOf(word: LimitWord): Required<Pick<RouteOptions, 'preHandler' | 'onSend'>>
}

interface Rule {
  readonly address: Allowance
  /** What a refusal costs the address on top: guessing is dearer than asking. */
  readonly refusalCost: number
  /** All attempts with one account, from wherever they come. */
  readonly account?: Allowance
  /** Those from one address. */
  readonly accountAtAddress?: Allowance
  /** Whether an attempt that succeeds is none: it gives the account everything back. */
  readonly isForgiving?: boolean
  /** What the account gets back whose owner was found to be asking (`request.ownEmail`), which lets that owner in. */
  readonly givesBack?: { readonly account: Allowance; readonly accountAtAddress: Allowance }
}

const minute = 60
const hour = 60 * minute

/** Limits over a counter, which may be shared with other processes. */
export function openLimits(settings: LimitSettings, counter: RateCounter = openRateCounter()): Limits {
  const rules = rulesOf(settings)
  const byAddress = { name: 'address', amount: settings.rateLimitAddress, seconds: minute }
  const byKey = { name: 'key', amount: settings.rateLimitKey, seconds: minute }
  const judge = (allowance: Allowance, key: string): Problem | null => {
    const taking = counter.take(allowance, { key, amount: 1 })
    return taking.isTaken ? null : tooMany(allowance, taking)
  }
  return {
    findExcess(caller, address) {
      const { type } = caller?.actor ?? anonymous
      if (type === 'operator') return null
      const isPerson = type === 'member' || type === 'anonymous'
      return isPerson ? judge(byAddress, toNetwork(address)) : judge(byKey, caller!.credentialId!)
    },
    hooksOf: (word) => hooksOver(rules[word], counter),
  }
}

/**
 * An account is counted for each address and, more generously, for all of them together, which bounds guessing from
 * many addresses. An address that the account has signed in from is not held to the latter: who floods an account from
 * elsewhere keeps nobody out who comes from where they always come from.
 */
function rulesOf({ rateLimitFailures, rateLimitSignUps }: LimitSettings): Readonly<Record<LimitWord, Rule>> {
  const allow = (name: string, amount: number, seconds: number): Allowance => ({ name, amount, seconds })
  const attempts = {
    account: allow('sign-in-account', 3 * rateLimitFailures, hour),
    accountAtAddress: allow('sign-in', rateLimitFailures, 15 * minute),
    isForgiving: true,
  }
  return {
    'sign-in': { address: allow('sign-in-address', 600, 10 * minute), refusalCost: 9, ...attempts },
    'sign-up': { address: allow('sign-up', rateLimitSignUps, hour), refusalCost: 0 },
    refresh: { address: allow('refresh', 1_200, 10 * minute), refusalCost: 9 },
    password: {
      address: allow('password-address', 600, 10 * minute),
      refusalCost: 9,
      account: allow('password', rateLimitFailures, 15 * minute),
      isForgiving: true,
    },
    mail: { address: allow('mail-address', 60, hour), refusalCost: 0 },
    link: { address: allow('link', 120, 10 * minute), refusalCost: 9, givesBack: attempts },
    social: { address: allow('social', 600, 10 * minute), refusalCost: 9 },
  }
}

/** Where an account has signed in from; after a month it is as good as new. */
const known: Allowance = { name: 'known', amount: 1, seconds: 30 * 24 * hour }

interface Count {
  readonly allowance: Allowance
  readonly key: string
}

/** What an attempt was counted under. */
interface Attempt {
  readonly address: Count & { readonly taking: Taking }
  readonly accounts: Accounts
}

/** The counts of an account: all that there are, and those that held the attempt back. */
interface Accounts {
  readonly all: readonly Count[]
  readonly taken: readonly Count[]
  /** The account and the address, where the rule knows accounts by their addresses. */
  readonly pair: string | null
}

function hooksOver(rule: Rule, counter: RateCounter): ReturnType<Limits['hooksOf']> {
  const attempts = new WeakMap<FastifyRequest, Attempt>()
  const take = ({ allowance, key }: Count): Taking => {
    const taking = counter.take(allowance, { key, amount: 1 })
    if (!taking.isTaken) throw tooMany(allowance, taking)
    return taking
  }
  return {
    async preHandler(request: FastifyRequest) {
      const address = { allowance: rule.address, key: toNetwork(request.address) }
      const taking = take(address)
      const accounts = findAccounts({ rule, counter }, { account: accountOf(request), network: address.key })
      // One after the other: what the first refuses, the second does not count.
      for (const count of accounts.taken) take(count)
      attempts.set(request, { address: { ...address, taking }, accounts })
    },
    async onSend(request: FastifyRequest, reply: FastifyReply, payload: unknown) {
      const attempt = attempts.get(request)
      if (!attempt) return payload
      const { address, accounts } = attempt
      reply.headers(fieldsOf(address.allowance, address.taking))
      const { statusCode } = reply
      if (statusCode >= 500) {
        for (const { allowance, key } of accounts.taken) counter.add(allowance, { key, amount: -1 })
      } else if (statusCode >= 400) {
        counter.add(address.allowance, { key: address.key, amount: rule.refusalCost })
      } else if (rule.isForgiving) {
        for (const { allowance, key } of accounts.all) counter.forget(allowance, key)
        if (accounts.pair) counter.add(known, { key: accounts.pair, amount: 1 })
      } else if (rule.givesBack && request.ownEmail !== null) {
        const pair = `${address.key} ${request.ownEmail}`
        counter.forget(rule.givesBack.account, request.ownEmail)
        counter.forget(rule.givesBack.accountAtAddress, pair)
        counter.add(known, { key: pair, amount: 1 })
      }
      return payload
    },
  }
}

function findAccounts(
  { rule, counter }: { rule: Rule; counter: RateCounter },
  { account, network }: { account: string | null; network: string },
): Accounts {
  const whole = rule.account && account !== null ? [{ allowance: rule.account, key: account }] : []
  if (!rule.accountAtAddress || account === null) return { all: whole, taken: whole, pair: null }
  const pair = `${network} ${account}`
  const atAddress = { allowance: rule.accountAtAddress, key: pair }
  const isKnown = counter.take(known, { key: pair, amount: 0 }).left === 0
  const all = [atAddress, ...whole]
  return { all, taken: isKnown ? [atAddress] : all, pair }
}

/** An account as it is counted: who is signed in, whatever stands in the body, or whom the body names. */
function accountOf({ caller, body }: FastifyRequest): string | null {
  const { email } = (body ?? {}) as { email?: string }
  return caller.actor.id ?? (email === undefined ? null : toMailAddress(email))
}

function tooMany(allowance: Allowance, taking: Taking): Problem {
  const { waitSeconds: retryAfterSeconds } = taking
  const headers = { 'Retry-After': String(retryAfterSeconds), ...fieldsOf(allowance, taking) }
  return new Problem(httpProblems.tooManyRequests, { params: { retryAfterSeconds }, headers })
}

/** The fields of draft-ietf-httpapi-ratelimit-headers: the policy, and what is left of it. */
function fieldsOf({ name, amount, seconds }: Allowance, { left, waitSeconds }: Taking): Record<string, string> {
  return {
    'RateLimit-Policy': `"${name}";q=${amount};w=${seconds}`,
    RateLimit: `"${name}";r=${left};t=${waitSeconds}`,
  }
}
