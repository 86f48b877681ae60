import { type Act, recordActs } from '#platform/audit'
import { failureOf, type Sql } from '#platform/database'
import { findAnswers, insertAnswers, isKeyConflict } from '#platform/idempotency'
import { toPublicId } from '#platform/ids'
import { type Lane, openLane } from '#platform/lane'
import { type Actor, system, type WithWork, type Work } from '#platform/work'
import { batchSizeMax, type Command, type LedgerSettings, type Outcome } from './commands.ts'
import { decide } from './rules.ts'
import type { Account, Due, Hold, Lot, LotPage, Needs, Original, State } from './state.ts'
import {
  findAccountKinds,
  findHolds,
  findLots,
  findOriginals,
  findReissues,
  lockAccounts,
  markNothingLocked,
  readClock,
  readDue,
  readLotPages,
  readRolledBalances,
  unlockSinceMark,
  writeDelta,
} from './store.ts'

/** Commands to decide together, in their order, with the settings to decide by. */
export interface Batch {
  readonly commands: readonly Command[]
  readonly settings: LedgerSettings
  /** Whether to wait for accounts that somebody else has locked; otherwise their commands answer `again`. */
  readonly wait: boolean
}

/**
 * Decides and books up to 1,000 commands, an outcome for each in their order; at most once in a unit of work, after
 * the module's own locks and checks. Each command stands alone: a refusal never disturbs its neighbours. Throws when
 * the database fails, and when a key was stored by somebody else meanwhile (`isKeyConflict`): run it again.
 */
export async function applyTransfers(work: Work, batch: Batch): Promise<Outcome[]> {
  if (batch.commands.length > batchSizeMax) throw new RangeError(`at most ${batchSizeMax} commands make a batch`)
  const named = await resolveNames(work, batch.commands)
  let state = await readState(work, batch, named)
  for (let pageSize = firstPageSize; ; pageSize *= pageGrowth) {
    const decision = decide(state, batch.commands, work.newId)
    if ('outcomes' in decision) {
      writeDelta(work.sql, decision.delta)
      insertAnswers(work, decision.delta.answers)
      recordActs(work, toActs(batch.commands, decision.outcomes))
      return decision.outcomes
    }
    state = await readMore(work, state, { needs: decision.needs, pageSize: pageSize * pageGrowth })
  }
}

/** What the audit log is told of what was booked just now. */
function toActs(commands: readonly Command[], outcomes: readonly Outcome[]): (Act & { readonly actor: Actor })[] {
  return commands.flatMap(({ act, actor }, place) => {
    if (act === undefined) return []
    const outcome = outcomes[place]!
    if (outcome.status !== 'done' || outcome.replayed) return []
    const { id, amount } = outcome.transfer
    return [{ ...act, actor, after: { ...act.after, transferId: toPublicId('trf', id), amount } }]
  })
}

/** The lots read first for each wallet, and how much more when they do not suffice. */
const firstPageSize = 64
const pageGrowth = 8

/** What a lane answers: it tries until a command is decided. */
export type LedgerOutcome = Exclude<Outcome, { status: 'again' }>
/** A lane of the ledger; `openLedgerLane` opens one. */
export type LedgerLane = Lane<Command, LedgerOutcome>

/** What a lane works with; `observe` hears of each batch, in milliseconds. */
export interface LedgerLaneOptions {
  readonly withWork: WithWork
  readonly settings: LedgerSettings
  /** Connections that there are for units of work; at least two. */
  readonly poolSize?: number
  readonly queueMax?: number
  /** How long those who wait may have waited before one more is refused. */
  readonly ageMaxMs?: number
  readonly observe?: (batch: { size: number; gatheredMs: number; ranMs: number }) => void
}

/** Single commands from many callers at once, decided in batches. */
export function openLedgerLane(options: LedgerLaneOptions): LedgerLane {
  const { withWork, settings, poolSize = 8 } = options
  // Whoever waits for a lock keeps a connection: never all of them, or nobody else would be served.
  const waitingSlots = Math.min(4, poolSize >> 1)
  return openLane<Command, LedgerOutcome>({
    name: 'ledger',
    batchSizeMax,
    queueMax: options.queueMax ?? 10_000,
    ageMaxMs: options.ageMaxMs ?? 2_000,
    // One is left for whoever reads.
    slots: Math.max(1, Math.min(3, poolSize - waitingSlots - 1)),
    waitingSlots,
    contends: contendedNames,
    run: (commands, { wait }) => withWork(system, (work) => applyTransfers(work, { commands, settings, wait })),
    classify(error) {
      if (isKeyConflict(error)) return 'retry'
      const failure = failureOf(error)
      return failure === 'retry' ? 'retry' : failure === 'unavailable' ? 'fail' : 'split'
    },
    ...(options.observe ? { observe: options.observe } : {}),
  })
}

/** What the commands name, read by immutable columns before anything is locked. */
interface Named {
  readonly originals: readonly string[]
  readonly holds: ReadonlyMap<string, Hold>
  readonly lotIds: readonly string[]
  readonly accountIds: readonly string[]
}

async function resolveNames(work: Work, commands: readonly Command[]): Promise<Named> {
  const transferIds = new Set<string>()
  const holdIds = new Set<string>()
  const lotIds = new Set<string>()
  for (const command of commands) {
    if (command.kind === 'refund' || command.kind === 'cancel') transferIds.add(command.transferId)
    if (command.kind === 'post' || command.kind === 'void') holdIds.add(command.holdId)
    if (command.kind === 'hold' && command.lotId) lotIds.add(command.lotId)
    if (command.kind === 'take-back') lotIds.add(command.lotId)
    if (command.kind === 'payout' && 'lotId' in command.from) lotIds.add(command.from.lotId)
  }
  const { sql } = work
  const [reversible, holds, lots] = await Promise.all([
    transferIds.size > 0 ? findOriginals(sql, [...transferIds]) : [],
    holdIds.size > 0 ? findHolds(sql, [...holdIds]) : [],
    lotIds.size > 0 ? findLots(sql, [...lotIds]) : [],
  ])
  const originals = reversible.filter(isReversible)
  for (const original of originals) for (const leg of original.legs) lotIds.add(leg.lotId)
  for (const hold of holds) for (const lot of hold.lots) lotIds.add(lot.lotId)
  return {
    originals: [...transferIds],
    holds: new Map(holds.map((hold) => [hold.id, hold])),
    lotIds: [...lotIds],
    accountIds: [
      ...originals.map((original) => (isIncoming(original) ? original.payeeId : original.payerId)),
      ...holds.map((hold) => hold.accountId),
      ...lots.map((lot) => lot.accountId),
    ],
  }
}

/** Its wallet is the payee; that of a spend or post is the payer. Merchants are never locked for a reversal. */
function isIncoming(original: Original): boolean {
  return original.kind === 'charge' || original.kind === 'grant'
}

function isReversible(original: Original): boolean {
  return isIncoming(original) || original.kind === 'spend' || original.kind === 'post'
}

/** Locks, then reads in later statements: each has a snapshot from after the wait. */
async function readState(work: Work, { commands, settings, wait }: Batch, named: Named): Promise<State> {
  const { sql } = work
  const { lockIds, otherIds, spendingIds, rolledIds } = sortAccounts(commands, named)
  const digests = commands.flatMap((command) => (command.key ? [command.key.digest] : []))
  const takenIds = commands.flatMap((command) => (command.kind === 'take-back' ? [command.lotId] : []))
  const locking =
    wait && lockIds.length > 1 ? await lockTogether(sql, lockIds) : lockAccounts(sql, { ids: lockIds, wait })
  const [locked, others, clock, answers, pages, lots, reissues, holds, originals, rolled] = await Promise.all([
    locking,
    otherIds.length > 0 ? findAccountKinds(sql, otherIds) : [],
    readClock(sql),
    findAnswers(work, digests),
    spendingIds.length > 0
      ? readLotPages(sql, { accountIds: spendingIds, order: settings.spendOrder, size: firstPageSize })
      : new Map<string, LotPage>(),
    named.lotIds.length > 0 ? findLots(sql, named.lotIds) : [],
    takenIds.length > 0 ? findReissues(sql, takenIds) : [],
    named.holds.size > 0 ? findHolds(sql, [...named.holds.keys()]) : [],
    named.originals.length > 0 ? findOriginals(sql, named.originals) : [],
    rolledIds.length > 0 ? readRolledBalances(sql, rolledIds) : new Map<string, never>(),
  ])
  const accounts = new Map<string, Account>([...others, ...locked].map((account) => [account.id, account]))
  const missing = lockIds.filter((id) => !accounts.has(id))
  const elsewhere = missing.length > 0 && !wait ? await findAccountKinds(sql, missing) : []
  return {
    clock,
    settings,
    accounts,
    lockedElsewhere: new Set(elsewhere.map((account) => account.id)),
    pages,
    lots: byId<Lot>([...lots, ...reissues]),
    reissues,
    holds: byId(holds),
    originals: byId<Original>(originals),
    due: new Map(),
    rolled,
    answers: new Map(answers.map((answer) => [answer.digest, answer])),
  }
}

/**
 * Waits for several accounts without holding those that are free meanwhile: what cannot be had at once is waited for
 * first, with nothing else in hand, and then the rest is tried again. In order of their ids, in the end, at the latest.
 */
async function lockTogether(sql: Sql, ids: readonly string[]): Promise<Account[]> {
  let first: readonly string[] = []
  for (let attempt = 0; attempt < togetherAttemptsMax; attempt += 1) {
    await markNothingLocked(sql)
    const waited = first.length > 0 ? await lockAccounts(sql, { ids: first, wait: true }) : []
    const rest = ids.filter((id) => !first.includes(id))
    const locked = [...waited, ...(await lockAccounts(sql, { ids: rest, wait: false }))]
    const missing = ids.filter((id) => !locked.some((account) => account.id === id))
    const there = missing.length > 0 ? await findAccountKinds(sql, missing) : []
    if (there.length === 0) return locked
    await unlockSinceMark(sql)
    first = there.map((account) => account.id)
  }
  return lockAccounts(sql, { ids, wait: true })
}

const togetherAttemptsMax = 3

/** More of the same state, read under the same locks. */
async function readMore(
  work: Work,
  state: State,
  { needs, pageSize }: { needs: Needs; pageSize: number },
): Promise<State> {
  const { sql } = work
  const dueIds = [...needs.due]
  // No command of the batch has a later time than this.
  const until = new Date(Math.max(Number(state.clock), ...[...state.accounts.values()].map((it) => Number(it.lastAt))))
  const [pages, dues] = await Promise.all([
    readLotPages(sql, { accountIds: [...needs.pages], order: state.settings.spendOrder, size: pageSize }),
    Promise.all(dueIds.map((accountId) => readDue(sql, { accountId, until }))),
  ])
  const heldIds = dues.flatMap((due) => due.holds.flatMap((hold) => hold.lots.map((lot) => lot.lotId)))
  const heldLots = heldIds.length > 0 ? await findLots(sql, heldIds) : []
  return {
    ...state,
    pages: new Map([...state.pages, ...pages]),
    due: new Map<string, Due>([...state.due, ...dueIds.map((id, at) => [id, dues[at]!] as const)]),
    holds: new Map([...state.holds, ...dues.flatMap((due) => due.holds.map((hold) => [hold.id, hold] as const))]),
    lots: new Map<string, Lot>([...state.lots, ...heldLots.map((lot) => [lot.id, lot] as const)]),
  }
}

/** The accounts that a command itself names; all are locked but the last. */
interface NamedAccounts {
  /** Points are taken from its lots. */
  readonly spending?: string
  /** Its folded balance is needed. */
  readonly rolled?: string
  /** It is changed in any other way. */
  readonly changed?: string
  /** It is only looked at. */
  readonly other?: string
}

function accountsOf(command: Command): NamedAccounts {
  switch (command.kind) {
    case 'spend':
      return { spending: command.walletId, other: command.merchantId }
    case 'hold':
      return { spending: command.walletId, other: command.payeeId }
    case 'move':
      return { spending: command.walletId, changed: command.toWalletId }
    case 'reward':
      return { spending: command.potId, changed: command.walletId }
    case 'adjust':
      return { spending: command.accountId, rolled: command.accountId }
    case 'payout':
      return 'merchantId' in command.from ? { rolled: command.from.merchantId } : {}
    case 'charge':
    case 'grant':
    case 'expire':
      return { changed: command.walletId }
    case 'refund':
    case 'cancel':
    case 'post':
    case 'void':
    case 'take-back':
      return {}
  }
}

/** Which accounts a batch locks, which it only looks at, from which it spends, and whose folded balance it needs. */
function sortAccounts(commands: readonly Command[], named: Named) {
  const lock = new Set(named.accountIds)
  const other = new Set<string>()
  const spending = new Set<string>()
  const rolled = new Set<string>()
  for (const command of commands) {
    const accounts = accountsOf(command)
    if (accounts.spending) spending.add(accounts.spending)
    if (accounts.rolled) rolled.add(accounts.rolled)
    if (accounts.changed) lock.add(accounts.changed)
    if (accounts.other) other.add(accounts.other)
  }
  for (const id of [...spending, ...rolled]) lock.add(id)
  return {
    lockIds: [...lock],
    otherIds: [...other].filter((id) => !lock.has(id)),
    spendingIds: [...spending],
    rolledIds: [...rolled],
  }
}

/** Accounts where the command names them; otherwise what it names, which stands for the account behind it. */
function contendedNames(command: Command): readonly string[] {
  if ('transferId' in command) return [command.transferId]
  if ('holdId' in command) return [command.holdId]
  if (command.kind === 'take-back') return [command.lotId]
  if (command.kind === 'payout' && 'lotId' in command.from) return [command.from.lotId]
  const { spending, rolled, changed } = accountsOf(command)
  return [spending ?? rolled, changed].filter((id) => id !== undefined)
}

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]))
}
