import { ledgerProblems, type Refusal } from '#modules/ledger'
import { type Audience, admits, type Caller } from '#platform/access'
import { httpProblems } from '#platform/http-problems'
import type { ProblemKind } from '#platform/problem'
import type { Actor } from '#platform/work'
import type { Owner } from './owners.ts'
import type { Instruction } from './points.ts'

/** Whose what somebody asks about is: the wallet, and what stands on its other side. */
export interface Sides {
  readonly owner: Owner | null
  /** Of the wallet that points were moved to. */
  readonly receiver: Owner | null
  readonly merchantId: string | null
  /** Who made it, of what was made before. */
  readonly maker: Actor | null
  /** What a charge brings in; null of everything else. */
  readonly charged: ChargedClass | null
}

/** Paid points stand for money that somebody took; bonus points are given. */
export type ChargedClass = 'paid' | 'bonus'

/** Who charges points of a class, and takes such a charge back. */
const chargeScopes = { paid: 'points:issue-paid', bonus: 'points' } as const
const chargers = {
  paid: ['operator', `key:${chargeScopes.paid}`],
  bonus: ['operator', 'admin', `key:${chargeScopes.bonus}`],
} as const

/** In which companies a person serves, and as what. */
export type Roles = ReadonlyMap<string, 'OWNER' | 'STAFF' | 'MEMBER'>

/** Of a wallet: its member, and whoever serves a company that it belongs to; `home` is the company of its member. */
const wallet = ['owner', 'company-owner', 'company-staff'] as const
const merchant = ['merchant-owner', 'merchant-staff'] as const

/** Who may read a wallet. */
export const walletReaders = ['operator', 'admin', ...wallet, 'home-owner', 'home-staff', 'key:read'] as const

/** Who may read a hold, and a transfer: both its sides. */
export const holdReaders = [...walletReaders, ...merchant, 'merchant-key:read'] as const
export const transferReaders = [...holdReaders, 'receiver', 'receiver-staff', 'receiver-key:read'] as const

/** Who may look up a payment code: it is enough to have one. */
export const codeBearers = ['code-key:points'] as const

/** Who may do what with points. */
export const rights = {
  charge: ['operator', 'admin', 'key:points', 'key:points:issue-paid'],
  spend: ['operator', ...wallet, 'key:points', 'code-key:points'],
  hold: ['operator', ...wallet, 'key:points', 'code-key:points'],
  move: ['operator', ...wallet, 'key:points'],
  cancel: ['operator', 'admin', 'key:points', 'key:points:issue-paid'],
  refund: ['operator', 'admin', ...merchant, 'merchant-key:points'],
  post: ['operator', ...merchant, 'merchant-key:points'],
  void: ['operator', 'maker', 'maker-key:points', ...merchant, 'merchant-key:points'],
} as const satisfies Record<Instruction['kind'], readonly Audience[]>

/** What a caller is to a wallet, or to what lies between two sides: words of the rights. */
export function findTies({ actor }: Caller, of: Sides & { roles: Roles }): ReadonlySet<string> {
  const { owner, receiver, merchantId, maker, roles } = of
  const ties = new Set<string>()
  // What somebody did gives no right by itself: the wallet has to be theirs still.
  const isMaker = maker !== null && maker.type === actor.type && maker.id === actor.id
  if (actor.type === 'company') {
    if (owner?.companyId === actor.id) ties.add('key')
    if (receiver?.companyId === actor.id) ties.add('receiver-key')
    if (merchantId === actor.id) ties.add('merchant-key')
    if (isMaker && ties.has('key')) ties.add('maker-key')
  }
  if (actor.type !== 'member') return ties
  if (isPerson(owner, actor)) ties.add('owner')
  if (isPerson(receiver, actor)) ties.add('receiver')
  for (const role of serving(roles, owner?.companyId))
    ties.add(`${owner!.type === 'company' ? 'company' : 'home'}-${role}`)
  const isManaged = maker?.type === 'member' && ties.has('company-owner')
  if (isManaged || (isMaker && wallet.some((tie) => ties.has(tie)))) ties.add('maker')
  for (const role of serving(roles, merchantId)) ties.add(`merchant-${role}`)
  if (serving(roles, receiver?.companyId).length > 0) ties.add('receiver-staff')
  return ties
}

/** The companies in which it matters what a person is. */
export function findCompaniesOf({ owner, receiver, merchantId }: Sides): string[] {
  return [owner?.companyId, receiver?.companyId, merchantId].filter((id) => id !== null && id !== undefined)
}

/** From where a caller sees a transfer or a hold. From the other side nobody sees the balance or lots of the wallet. */
export type View = 'own' | 'other'

/** The caller's view; null where it is somebody else's. */
export function findView(caller: Caller, ties: ReadonlySet<string>): View | null {
  if (caller.actor.type === 'operator' || caller.isAdmin || ownTies.some((tie) => ties.has(tie))) return 'own'
  return otherTies.some((tie) => ties.has(tie)) ? 'other' : null
}

/** Whether a caller sees the wallet that points are to be moved to. */
export function seesReceiver(by: { caller: Caller; ties: ReadonlySet<string> }): boolean {
  return admits(receiverReaders, by)
}

const receiverReaders = ['operator', 'admin', 'receiver', 'receiver-staff', 'receiver-key:read']
const ownTies = [...wallet, 'home-owner', 'home-staff', 'key']
const otherTies = [...merchant, 'merchant-key', 'code-key', 'receiver', 'receiver-staff', 'receiver-key']

/** What there is against a caller's doing this; what is somebody else's is unknown, what is merely seen is forbidden. */
export function findMissingRight(
  { kind, charged }: { kind: Instruction['kind']; charged: ChargedClass | null },
  by: { caller: Caller; ties: ReadonlySet<string> },
): Refusal | null {
  // Whoever else the payer may be, an administrator even: nobody gives themselves back what a merchant has or awaits.
  const isGivingBack = kind === 'refund' || (kind === 'void' && !by.ties.has('maker'))
  const isOwnPayment = isGivingBack && by.ties.has('owner')
  const ofClass = kind === 'charge' || kind === 'cancel' ? charged : null
  if (!isOwnPayment && admits(ofClass ? chargers[ofClass] : rights[kind], by)) return null
  const view = findView(by.caller, by.ties)
  const isSeen = unknown[kind] === ledgerProblems.walletUnknown ? view === 'own' : view !== null
  if (!isSeen) return { kind: unknown[kind], params: {} }
  if (!ofClass || by.caller.actor.type !== 'company') return { kind: httpProblems.forbidden, params: {} }
  return { kind: httpProblems.scopeMissing, params: { scope: chargeScopes[ofClass] } }
}

const unknown = {
  charge: ledgerProblems.walletUnknown,
  spend: ledgerProblems.walletUnknown,
  hold: ledgerProblems.walletUnknown,
  move: ledgerProblems.walletUnknown,
  cancel: ledgerProblems.transferUnknown,
  refund: ledgerProblems.transferUnknown,
  post: ledgerProblems.holdUnknown,
  void: ledgerProblems.holdUnknown,
} as const satisfies Record<Instruction['kind'], ProblemKind>

function isPerson(owner: Owner | null, { id }: Actor): boolean {
  return owner?.type === 'member' && owner.id === id
}

function serving(roles: Roles, companyId: string | null | undefined): ('owner' | 'staff')[] {
  const role = companyId && roles.get(companyId)
  if (role === 'OWNER') return ['owner']
  return role === 'STAFF' ? ['staff'] : []
}
