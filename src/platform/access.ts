import { httpProblems } from './http-problems.ts'
import { Problem } from './problem.ts'
import type { Actor } from './work.ts'

/**
 * A word of `x-podo-access`, for some of those who may call a route: `anonymous`, for everybody, whose credentials are
 * not looked at; `operator`; `admin`; `member`, anybody who signed in; `key:<scope>`, a key with that scope, where what
 * is asked for is its holder's. Any other word is a tie to what is asked for, such as `owner`, or of a key's holder,
 * such as `maker-key:<scope>`: its module knows who has it.
 */
export type Audience = string

/** Who may call a route: a page that is for everybody, or these. */
export type Access = 'public' | readonly Audience[]

/** Who sent a request, and how far the credential reaches. */
export interface Caller {
  readonly actor: Actor
  /** Of a key; nobody else has any. */
  readonly scopes: readonly string[]
  /** Whether it is a person whom the whole programme is entrusted to. */
  readonly isAdmin: boolean
  /** UUID of the key or session; null for the operator's key. */
  readonly credentialId: string | null
  /** Where the request came from. */
  readonly address: string
  /** Known by memory, since the database is away: nothing is done on its behalf before it has been asked. */
  readonly isRecalled?: boolean
}

/** What a route has against a caller, before anybody asks whose it is that is asked for; null when it admits. */
export function refusalsOf(access: readonly Audience[]): (caller: Caller) => Problem | null {
  const words = access.map(toWord)
  const [admitsOperator, admitsAdmins] = [access.includes('operator'), access.includes('admin')]
  const admitsPersons = words.some(isForPersons)
  const fitting = words.flatMap(({ scope }) => scope ?? [])
  return ({ actor, scopes, isAdmin }) => {
    if (actor.type === 'operator') return refuseUnless(admitsOperator)
    if (actor.type === 'member') return refuseUnless(admitsPersons || (isAdmin && admitsAdmins))
    if (fitting.length === 0) return new Problem(httpProblems.forbidden)
    return fitting.some((scope) => scopes.includes(scope)) ? null : scopeMissing(fitting)
  }
}

/** Whether access is given to a caller with these ties to what is asked for; `key` is one of them. */
export function admits(access: readonly Audience[], by: { caller: Caller; ties: ReadonlySet<string> }): boolean {
  const { actor, scopes, isAdmin } = by.caller
  return access.some((audience) => {
    const { tie, scope } = toWord(audience)
    if (scope !== null) return scopes.includes(scope) && by.ties.has(tie)
    if (tie === 'operator' || tie === 'member') return actor.type === tie
    return tie === 'admin' ? isAdmin : by.ties.has(tie)
  })
}

/** The refusal of a key without any of these scopes. */
export function scopeMissing(scopes: readonly string[]): Problem {
  return new Problem(httpProblems.scopeMissing, { params: { scope: [...new Set(scopes)].join(' | ') } })
}

interface Word {
  readonly tie: string
  /** Only keys have scopes. */
  readonly scope: string | null
}

function toWord(audience: Audience): Word {
  const colon = audience.indexOf(':')
  if (colon === -1) return { tie: audience, scope: null }
  return { tie: audience.slice(0, colon), scope: audience.slice(colon + 1) }
}

function isForPersons({ tie, scope }: Word): boolean {
  return scope === null && tie !== 'operator' && tie !== 'admin'
}

function refuseUnless(isAdmitted: boolean): Problem | null {
  return isAdmitted ? null : new Problem(httpProblems.forbidden)
}
