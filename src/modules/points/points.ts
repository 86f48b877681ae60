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
  type Spend,
  type TransferKind,
  type Void,
} from '#modules/ledger'
import { isReadOnly } from '#platform/database'
import type { IdempotencyKey } from '#platform/idempotency'
import { Problem, type ProblemKind } from '#platform/problem'
import { system } from '#platform/work'
import { type Owner, type Owners, rememberOwners } from './owners.ts'
import { pointsProblems } from './problems.ts'

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
}

/** Wallets and points over a ledger; what it remembers of owners is this process's own. */
export function openPoints(options: Omit<Points, 'owners'>): Points {
  return { ...options, owners: rememberOwners(options.reads) }
}

/** What a caller asks to be done with points. All ids are UUIDs; without a merchant, the owner's company is meant. */
export type Instruction = CommandContext & { readonly key: IdempotencyKey } & (
    | Omit<Charge & { kind: 'charge' }, 'paymentId'>
    | (Omit<Spend, 'merchantId'> & { readonly merchantId: string | null })
    | (Omit<Hold, 'payeeId' | 'lotId'> & { readonly merchantId: string | null })
    | Move
    | Refund
    | Cancel
    | Post
    | Void
  )

/** What became of an instruction: booked, or refused by policy or by the ledger. */
export type Receipt = Exclude<LedgerOutcome, { status: 'booked' }>

/** Does what is asked, once per key; a refusal is a receipt. Throws a `Problem` when too much is waiting. */
export async function bookTransfer(points: Points, instruction: Instruction): Promise<Receipt> {
  return toReceipt(await points.lane.submit(await toCommand(points, instruction)))
}

/** Does many at once, each standing alone: in the place of one that throws stands what it threw. */
export async function bookTransfers(
  points: Points,
  instructions: readonly Instruction[],
): Promise<PromiseSettledResult<Receipt>[]> {
  // All commands are made before the first is handed in, so that they reach the ledger together and in order.
  const commands = await Promise.allSettled(instructions.map((instruction) => toCommand(points, instruction)))
  return Promise.allSettled(
    commands.map(async (command) => {
      if (command.status === 'rejected') throw command.reason
      return toReceipt(await points.lane.submit(command.value))
    }),
  )
}

/** A wallet as it stands when it is read, booked or with `isDue`; amounts are whole points. */
export interface WalletState extends AccountState {
  readonly owner: Owner
  readonly expiringSoon: readonly { readonly amount: number; readonly class: Class; readonly expiresAt: Date }[]
}

/**
 * A wallet with what will expire soon; what had fallen due is booked before or, with the database read-only, only taken
 * for booked. Throws `walletUnknown`.
 */
export async function getWallet(points: Points, walletId: string): Promise<WalletState> {
  const owner = await getOwner(points, walletId)
  const booked = await bookDue(points, walletId)
  const account = booked.isDue ? await findUnbooked(points.reads, booked) : booked
  const withinDays = points.settings.expiringSoonDays
  return { ...account, owner, expiringSoon: await listExpiring(points.reads, { walletId, withinDays }) }
}

/** Lots of a wallet, newest first, after the one whose id is given. Throws `walletUnknown`. */
export async function listWalletLots(
  points: Points,
  query: { walletId: string; openOnly: boolean; afterId: string | null; limit: number },
): Promise<IssuedLot[]> {
  await bookDue(points, query.walletId)
  return listLots(points.reads, query)
}

/** The statement of a wallet, newest first, from before a `seq`. Throws `walletUnknown`. */
export async function listStatement(
  points: Points,
  query: {
    walletId: string
    kinds: readonly TransferKind[] | null
    from: Date | null
    to: Date | null
    beforeSeq: number | null
    limit: number
  },
): Promise<Entry[]> {
  await bookDue(points, query.walletId)
  return listEntries(points.reads, query)
}

/** A transfer, with what has been refunded of it until now. Throws `transferUnknown`. */
export async function getTransfer(points: Points, id: string): Promise<JournalTransfer> {
  const transfer = await findTransfer(points.reads, id)
  if (!transfer) throw new Problem(ledgerProblems.transferUnknown)
  return transfer
}

/** A hold as it stands now. Throws `holdUnknown`. */
export async function getHold(points: Points, id: string): Promise<HoldState> {
  const hold = await findHold(points.reads, id)
  if (!hold) throw new Problem(ledgerProblems.holdUnknown)
  return hold
}

/**
 * Policy looks at what may change: owners, members, settings. So what it has against an instruction goes to the ledger
 * with it, which first looks whether the same request was answered before: that answer stands for ever.
 */
async function toCommand(points: Points, instruction: Instruction): Promise<Command> {
  const owner = 'walletId' in instruction ? await points.owners.find(instruction.walletId) : null
  const receiver = instruction.kind === 'move' ? await points.owners.find(instruction.toWalletId) : null
  const { memberId } = instruction
  const maySpend = owner === null || memberId === null || (await isSpender(points.owners, owner, memberId))
  const refused = findRefusal(instruction, { owner, receiver, maySpend, settings: points.settings })
  const command = withMerchant(instruction, owner?.companyId ?? null)
  return refused ? { ...command, refusal: { kind: refused, params: {} } } : command
}

function isSpender(owners: Owners, owner: Owner, memberId: string): Promise<boolean> | boolean {
  return owner.type === 'company' ? owners.isMember(owner.id, memberId) : owner.id === memberId
}

/** What policy goes by. */
interface Facts {
  readonly owner: Owner | null
  readonly receiver: Owner | null
  readonly maySpend: boolean
  readonly settings: PointsSettings
}

function findRefusal(instruction: Instruction, { owner, receiver, maySpend, settings }: Facts): ProblemKind | null {
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
      return owner.companyId === receiver.companyId || settings.movesAcrossCompanies
        ? null
        : pointsProblems.moveAcrossCompanies
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
      const isPayeeAssumed = instruction.merchantId === null
      return { ...instruction, merchantId: instruction.merchantId ?? companyId ?? nobody, isPayeeAssumed }
    }
    case 'hold': {
      const { merchantId, ...hold } = instruction
      return { ...hold, payeeId: merchantId ?? companyId ?? nobody, isPayeeAssumed: merchantId === null, lotId: null }
    }
    default:
      return instruction
  }
}

/** The merchant of what is refused without one. */
const nobody = '00000000-0000-0000-0000-000000000000'

async function getOwner(points: Points, walletId: string): Promise<Owner> {
  const owner = await points.owners.find(walletId)
  if (!owner) throw new Problem(ledgerProblems.walletUnknown)
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

function toReceipt(outcome: LedgerOutcome): Receipt {
  if (outcome.status === 'booked') throw new Error('an instruction was taken for the booking of what is due')
  return outcome
}
