import { findMembers } from '#modules/identity'
import {
  type AccountState,
  type Cancel,
  type Charge,
  type Class,
  type Command,
  type CommandContext,
  type Entry,
  findAccounts,
  findHold,
  findTransfer,
  findUnbooked,
  type Hold,
  type HoldState,
  type IssuedLot,
  type JournalTransfer,
  type LedgerLane,
  type LedgerOutcome,
  ledgerProblems,
  listEntries,
  listExpiring,
  listLots,
  type Move,
  type Post,
  type Reads,
  type Refund,
  type Refusal,
  type Spend,
  type TransferKind,
  type Void,
} from '#modules/ledger'
import { admits, type Caller } from '#platform/access'
import { isReadOnly } from '#platform/database'
import type { IdempotencyKey } from '#platform/idempotency'
import { Problem, type ProblemKind } from '#platform/problem'
import type { Sealing } from '#platform/sealing'
import { system } from '#platform/work'
import { toAct } from './audit.ts'
import { useCode } from './codes/codes.ts'
import { type Owner, type Owners, rememberOwners } from './owners.ts'
import { pointsProblems } from './problems.ts'
import {
  findMissingRight,
  findView,
  rights,
  type Sides,
  seesReceiver,
  transferReaders,
  type View,
  walletReaders,
} from './rights.ts'
import { nobodys, readSides, readTies, sidesOfHold, sidesOfTransfer } from './standing.ts'

/** Settings of the programme that wallets and points go by. */
export interface PointsSettings {
  readonly movesAcrossCompanies: boolean
  /** How far ahead a wallet's `expiringSoon` looks. */
  readonly expiringSoonDays: number
}

/** What wallets and points stand on. */
export interface Points {
  readonly lane: LedgerLane
  readonly reads: Reads
  readonly owners: Owners
  readonly settings: PointsSettings
  /** What keeps payment codes from whoever sees the database. */
  readonly sealing: Sealing
}

/** Wallets and points over a ledger; what it remembers of owners is this process's own. */
export function openPoints(options: Omit<Points, 'owners'>): Points {
  return { ...options, owners: rememberOwners(options.reads) }
}

/** What a caller asks to be done with points. All ids are UUIDs; without a merchant, the owner's company is meant. */
export type Instruction = CommandContext & { readonly key: IdempotencyKey } & (
    | Omit<Charge & { kind: 'charge' }, 'paymentId'>
    | (Omit<Spend, 'merchantId'> & Paying)
    | (Omit<Hold, 'payeeId' | 'lotId'> & Paying)
    | Move
    | Refund
    | Cancel
    | Post
    | Void
  )

interface Paying {
  readonly merchantId: string | null
  /** What the wallet's member showed at a till. */
  readonly paymentCode: string | null
}

/** An instruction, and who gives it. */
export interface Order {
  readonly caller: Caller
  readonly instruction: Instruction
  /** Of the request that it came with. */
  readonly requestId: string
  /** What there is against it, whatever it asks for. */
  readonly refusal?: Problem | undefined
}

/** What became of an instruction: booked, or refused by policy or by the ledger. */
export type Receipt = Exclude<LedgerOutcome, { status: 'booked' }> & {
  /** From where its caller sees it. */
  readonly view: View
}

/** Does what is asked, once per key; a refusal is a receipt. Throws a `Problem` when too much is waiting. */
export async function bookTransfer(points: Points, order: Order): Promise<Receipt> {
  const { command, view } = await prepare(points, order)
  return toReceipt(await points.lane.submit(command), view)
}

/** Does many at once, each standing alone: in the place of one that throws stands what it threw. */
export async function bookTransfers(
  points: Points,
  orders: readonly Order[],
): Promise<PromiseSettledResult<Receipt>[]> {
  // All are prepared before the first is handed in, so that they reach the ledger together and in order.
  const prepared = await Promise.allSettled(prepareInOrder(points, orders))
  return Promise.allSettled(
    prepared.map(async (each) => {
      if (each.status === 'rejected') throw each.reason
      return toReceipt(await points.lane.submit(each.value.command), each.value.view)
    }),
  )
}

/** An instruction as the ledger takes it. */
export interface Prepared {
  readonly command: Command
  readonly view: View
}

/** Prepares orders side by side, but for those with one payment code: the first of them has it. */
export function prepareInOrder(points: Points, orders: readonly Order[]): Promise<Prepared>[] {
  const lastWith = new Map<string, Promise<unknown>>()
  return orders.map((order) => {
    const { instruction } = order
    const code = 'paymentCode' in instruction ? instruction.paymentCode : null
    if (code === null) return prepare(points, order)
    const before = lastWith.get(code) ?? Promise.resolve()
    const prepared = before.then(() => prepare(points, order))
    lastWith.set(
      code,
      prepared.catch(() => {}),
    )
    return prepared
  })
}

/** A wallet as it stands when it is read, booked or with `isDue`; amounts are whole points. */
export interface WalletState extends AccountState {
  readonly owner: Owner
  readonly expiringSoon: readonly { readonly amount: number; readonly class: Class; readonly expiresAt: Date }[]
}

/** What every reading of a wallet says; somebody else's wallet is unknown. All ids are UUIDs. */
interface WalletQuery {
  readonly walletId: string
  readonly caller: Caller
}

/**
 * A wallet with what will expire soon; what had fallen due is booked before or, with the database read-only, only taken
 * for booked. Throws `walletUnknown`.
 */
export async function getWallet(points: Points, { walletId, caller }: WalletQuery): Promise<WalletState> {
  const owner = await getOwner(points, { walletId, caller })
  const booked = await bookDue(points, walletId)
  const account = booked.isDue ? await findUnbooked(points.reads, booked) : booked
  const withinDays = points.settings.expiringSoonDays
  return { ...account, owner, expiringSoon: await listExpiring(points.reads, { walletId, withinDays }) }
}

/** The wallet of whoever signed in. */
export async function getOwnWallet(points: Points, caller: Caller): Promise<WalletState> {
  const [member] = await findMembers(points.reads, [caller.actor.id!])
  return getWallet(points, { walletId: member!.walletId, caller })
}

/** Lots of a wallet, newest first, after the one whose id is given. Throws `walletUnknown`. */
export async function listWalletLots(
  points: Points,
  query: WalletQuery & { openOnly: boolean; afterId: string | null; limit: number },
): Promise<IssuedLot[]> {
  await getOwner(points, query)
  await bookDue(points, query.walletId)
  return listLots(points.reads, query)
}

/** The statement of a wallet, newest first, from before a `seq`. Throws `walletUnknown`. */
export async function listStatement(
  points: Points,
  query: WalletQuery & {
    kinds: readonly TransferKind[] | null
    from: Date | null
    to: Date | null
    beforeSeq: number | null
    limit: number
  },
): Promise<Entry[]> {
  await getOwner(points, query)
  await bookDue(points, query.walletId)
  return listEntries(points.reads, query)
}

/** A transfer, with what has been refunded of it until now, and the caller's view. Throws `transferUnknown`. */
export async function getTransfer(
  points: Points,
  { id, caller }: { id: string; caller: Caller },
): Promise<{ transfer: JournalTransfer; view: View }> {
  const transfer = await findTransfer(points.reads, id)
  const view = transfer && (await findViewOf(points, { caller, sides: await sidesOfTransfer(points, transfer) }))
  if (!view) throw new Problem(ledgerProblems.transferUnknown)
  return { transfer, view }
}

/** A hold as it stands now, and the caller's view. Throws `holdUnknown`. */
export async function getHold(
  points: Points,
  { id, caller }: { id: string; caller: Caller },
): Promise<{ hold: HoldState; view: View }> {
  const hold = await findHold(points.reads, id)
  const view = hold && (await findViewOf(points, { caller, sides: await sidesOfHold(points, hold) }))
  if (!view) throw new Problem(ledgerProblems.holdUnknown)
  return { hold, view }
}

async function findViewOf(points: Points, { caller, sides }: { caller: Caller; sides: Sides }): Promise<View | null> {
  const ties = await readTies(points, { caller, sides })
  return admits(transferReaders, { caller, ties }) ? findView(caller, ties) : null
}

/**
 * Policy looks at what may change: owners, members, settings. So what it has against an instruction goes to the ledger
 * with it, which first looks whether the same request was answered before: that answer stands for ever.
 */
async function prepare(points: Points, order: Order): Promise<Prepared> {
  const { caller, instruction } = order
  const sides = await readSides(points, order)
  const ownTies = await readTies(points, { caller, sides })
  const { ties, codeRefused } = order.refusal
    ? { ties: ownTies, codeRefused: null }
    : await bringCode(points, { order, ties: ownTies })
  const { memberId } = instruction
  const maySpend = sides.owner === null || memberId === null || (await isSpender(points.owners, sides.owner, memberId))
  const { kind } = instruction
  const facts = { maySpend, seesReceiver: seesReceiver({ caller, ties }), settings: points.settings }
  const refusal =
    order.refusal ??
    toRefusal(codeRefused) ??
    findMissingRight({ kind, charged: sides.charged }, { caller, ties }) ??
    toRefusal(findRefusal(instruction, { ...sides, ...facts }))
  const act = caller.isAdmin ? toAct(order, sides.owner) : null
  const plain = withMerchant(instruction, sides.owner?.companyId ?? null)
  const command = act ? { ...plain, act } : plain
  const view = findView(caller, ties) ?? 'other'
  return { command: refusal ? { ...command, refusal } : command, view }
}

function toRefusal(kind: ProblemKind | null): Refusal | null {
  return kind && { kind, params: {} }
}

/** What a payment code adds to the ties of who brings it, or has against it. A right that is missing leaves it good. */
async function bringCode(
  points: Points,
  { order, ties }: { order: Order; ties: ReadonlySet<string> },
): Promise<{ ties: ReadonlySet<string>; codeRefused: ProblemKind | null }> {
  const { caller, instruction } = order
  if (!('paymentCode' in instruction) || instruction.paymentCode === null) return { ties, codeRefused: null }
  const withCode = new Set([...ties, 'code-key'])
  if (!admits(rights[instruction.kind], { caller, ties: withCode })) return { ties, codeRefused: null }
  const { paymentCode: code, walletId, key } = instruction
  const codeRefused = await useCode(points, { code, walletId, key })
  return { ties: codeRefused ? ties : withCode, codeRefused }
}

function isSpender(owners: Owners, owner: Owner, memberId: string): Promise<boolean> | boolean {
  return owner.type === 'company' ? owners.isMember(owner.id, memberId) : owner.id === memberId
}

/** What policy goes by. */
interface Facts extends Sides {
  readonly maySpend: boolean
  readonly seesReceiver: boolean
  readonly settings: PointsSettings
}

function findRefusal(instruction: Instruction, facts: Facts): ProblemKind | null {
  const { owner, receiver, maySpend, settings } = facts
  switch (instruction.kind) {
    case 'charge':
      return owner ? null : ledgerProblems.walletUnknown
    case 'spend':
    case 'hold':
      if (!owner) return ledgerProblems.walletUnknown
      if (!maySpend) return pointsProblems.memberNotOfWallet
      return (instruction.merchantId ?? owner.companyId) ? null : pointsProblems.merchantRequired
    case 'move':
      if (!owner || !receiver) return ledgerProblems.walletUnknown
      if (owner.companyId === receiver.companyId || settings.movesAcrossCompanies) return null
      // Else whoever may not see a wallet would learn that there is one.
      return facts.seesReceiver ? pointsProblems.moveAcrossCompanies : ledgerProblems.walletUnknown
    default:
      return null
  }
}

/** Without a merchant of its own, an instruction means the company of the wallet. */
function withMerchant(instruction: Instruction, companyId: string | null): Command {
  switch (instruction.kind) {
    case 'charge':
      return { ...instruction, paymentId: null }
    case 'spend': {
      const { merchantId, paymentCode: _, ...spend } = instruction
      return { ...spend, merchantId: merchantId ?? companyId ?? nobody, isPayeeAssumed: merchantId === null }
    }
    case 'hold': {
      const { merchantId, paymentCode: _, ...hold } = instruction
      return { ...hold, payeeId: merchantId ?? companyId ?? nobody, isPayeeAssumed: merchantId === null, lotId: null }
    }
    default:
      return instruction
  }
}

/** The merchant of what is refused without one. */
const nobody = '00000000-0000-0000-0000-000000000000'

async function getOwner(points: Points, { walletId, caller }: WalletQuery): Promise<Owner> {
  const owner = await points.owners.find(walletId)
  const ties = owner && (await readTies(points, { caller, sides: { ...nobodys, owner } }))
  if (!ties || !admits(walletReaders, { caller, ties })) throw new Problem(ledgerProblems.walletUnknown)
  return owner
}

/**
 * The account of a wallet, in which nothing is due: no balance that is shown counts what has expired. Only while the
 * database is read-only something stays due.
 */
async function bookDue(points: Points, walletId: string): Promise<AccountState> {
  for (;;) {
    const [account] = await findAccounts(points.reads, [walletId])
    if (account?.kind !== 'wallet') throw new Problem(ledgerProblems.walletUnknown)
    if (!account.isDue) return account
    try {
      const outcome = await points.lane.submit({ ...bySystem, kind: 'expire', walletId })
      if (outcome.status !== 'booked') throw new Error(`what is due in the wallet ${walletId} was not booked`)
    } catch (error) {
      if (isReadOnly(error)) return account
      throw error
    }
  }
}

const bySystem: CommandContext = {
  key: null,
  actor: system,
  memberId: null,
  reason: null,
  reference: null,
  metadata: null,
}

/** What became of an instruction, as its caller sees it. */
export function toReceipt(outcome: LedgerOutcome, view: View): Receipt {
  if (outcome.status === 'booked') throw new Error('an instruction was taken for the booking of what is due')
  return { ...outcome, view }
}
