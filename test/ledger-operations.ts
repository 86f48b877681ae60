import fc from 'fast-check'
import type { Command, CommandContext, LotShare, Outcome, Transfer } from '#modules/ledger'
import { idempotencyKey } from '#platform/idempotency'
import { newId } from '#platform/ids'

/** What a generated operation may name: accounts that exist, and whatever earlier outcomes have made. */
export interface World {
  readonly wallets: readonly string[]
  readonly pots: readonly string[]
  readonly merchants: readonly string[]
  readonly payoutId: string
  /** Everything that was booked, and again by what it can be undone with. */
  readonly transfers: string[]
  readonly refundable: string[]
  readonly cancellable: string[]
  readonly holds: string[]
  readonly lots: string[]
  readonly sent: Command[]
}

/** An operation before its names are known: numbers point into the world, and wrap around. */
export type Operation = (world: World, now: Date) => Command

type Body<C = Command> = C extends Command ? Omit<C, keyof CommandContext> : never

let sequence = 0

/** A command as the operator sends it, under a key of its own unless the context says otherwise. */
export function commandOf(body: Body, context: Partial<CommandContext> = {}): Command {
  const actor = context.actor ?? { type: 'operator', id: null }
  const key = idempotencyKey(actor, { key: `${sequence++}-${newId()}`, method: 'POST', path: '/', body })
  return { key, actor, memberId: null, reason: null, reference: null, metadata: null, ...context, ...body } as Command
}

export function emptyWorld(accounts: Pick<World, 'wallets' | 'pots' | 'merchants' | 'payoutId'>): World {
  return { ...accounts, transfers: [], refundable: [], cancellable: [], holds: [], lots: [], sent: [] }
}

/** Remembers what an outcome made, so that later operations can name it. */
export function remember(world: World, outcome: Outcome): void {
  if (outcome.status !== 'done' || outcome.replayed) return
  const { id, kind } = outcome.transfer
  world.transfers.push(id)
  if (kind === 'spend' || kind === 'post') world.refundable.push(id)
  if (kind === 'charge' || kind === 'grant') world.cancellable.push(id)
  if (kind === 'hold') world.holds.push(outcome.hold!.id)
  for (const lot of outcome.transfer.lots) if (!world.lots.includes(lot.lotId)) world.lots.push(lot.lotId)
}

const unknownId = '01900000-0000-7000-8000-00000000dead'
const boundMax = Number.MAX_SAFE_INTEGER

const amount = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 1_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(boundMax, boundMax - 1, boundMax - 40) },
)
const charged = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 20, max: 400 }) }, { weight: 4, arbitrary: amount })
const rarely = fc.integer({ min: 0, max: 7 }).map((number) => number === 0)
const index = fc.nat({ max: 60 })
const partOrAll = fc.option(fc.integer({ min: 1, max: 60 }), { nil: null })
const pointClass = fc.constantFrom('bonus', 'prize', 'paid')
const lifeSeconds = fc.option(fc.constantFrom(0, 1, 20, 60, 60, 90_000), { nil: null })

/** Every kind of command, with names that are mostly right, amounts that mostly fit, and keys that sometimes return. */
export function operations(): fc.Arbitrary<Operation> {
  const operation = fc.oneof(
    { weight: 8, arbitrary: charges },
    { weight: 8, arbitrary: spends },
    { weight: 6, arbitrary: reversals },
    { weight: 5, arbitrary: moves },
    { weight: 6, arbitrary: holds },
    { weight: 5, arbitrary: endsOfHolds },
    { weight: 2, arbitrary: adjustments },
    { weight: 2, arbitrary: takeBacks },
    { weight: 2, arbitrary: payouts },
    { weight: 1, arbitrary: expiries },
    { weight: 2, arbitrary: repetitions },
  )
  // Without a text of its own, a counterexample prints the source of every operation.
  return operation.map((make) => Object.assign(make, { [fc.toStringMethod]: () => 'operation' }))
}

const charges = fc
  .record({
    index,
    amount: charged,
    lifeSeconds,
    ageSeconds: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(100_000) }),
    kind: fc.constantFrom('charge', 'charge', 'grant'),
    isPaid: fc.boolean(),
  })
  .map(
    ({ index, amount, lifeSeconds, ageSeconds, kind, isPaid }): Operation =>
      (world, now) =>
        commandOf({
          kind,
          walletId: pick([...world.wallets, ...world.pots], index),
          class: isPaid && kind === 'charge' ? 'paid' : 'bonus',
          amount,
          issuedAt: later(now, ageSeconds === null ? null : -ageSeconds),
          expiresAt: later(now, lifeSeconds),
          paymentId: null,
        }),
  )

const spends = fc.record({ wallet: index, merchant: index, amount }).map(
  ({ wallet, merchant, amount }): Operation =>
    (world) =>
      commandOf({
        kind: 'spend',
        walletId: lotted(world, wallet),
        merchantId: pick(world.merchants, merchant),
        amount,
      }),
)

const reversals = fc
  .record({ index, amount: partOrAll, isRefund: fc.integer({ min: 0, max: 3 }).map((n) => n > 0), isAny: rarely })
  .map(
    ({ index, amount, isRefund, isAny }): Operation =>
      (world) =>
        isRefund
          ? commandOf({ kind: 'refund', transferId: pick(isAny ? world.transfers : world.refundable, index), amount })
          : commandOf({ kind: 'cancel', transferId: pick(isAny ? world.transfers : world.cancellable, index) }),
  )

const moves = fc
  .record({ from: index, to: index, amount, lifeSeconds, isReward: fc.integer({ min: 0, max: 3 }).map((n) => n === 0) })
  .map(
    ({ from, to, amount, lifeSeconds, isReward }): Operation =>
      (world, now) => {
        const walletId = lotted(world, from)
        const toWalletId = lotted(world, to)
        if (!isReward) return commandOf({ kind: 'move', walletId, toWalletId, amount })
        const expiresAt = later(now, lifeSeconds)
        return commandOf({
          kind: 'reward',
          potId: pick(world.pots, from),
          walletId: pick(world.wallets, to),
          amount,
          expiresAt,
        })
      },
  )

const holds = fc
  .record({
    wallet: index,
    payee: index,
    lot: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: index }),
    amount,
    seconds: fc.constantFrom(1, 30, 60, 600, 90_000),
  })
  .map(
    ({ wallet, payee, lot, amount, seconds }): Operation =>
      (world) =>
        commandOf({
          kind: 'hold',
          walletId: lotted(world, wallet),
          payeeId: pick([...world.merchants, ...world.merchants, world.payoutId], payee),
          amount,
          expiresInSeconds: seconds,
          lotId: lot === null ? null : pick(world.lots, lot),
        }),
  )

const endsOfHolds = fc.record({ index, amount: partOrAll, isPost: fc.boolean() }).map(
  ({ index, amount, isPost }): Operation =>
    (world) =>
      isPost
        ? commandOf({ kind: 'post', holdId: pick(world.holds, index), amount })
        : commandOf({ kind: 'void', holdId: pick(world.holds, index) }),
)

const adjustments = fc.record({ index, class: pointClass, amount, isLess: fc.boolean() }).map(
  ({ index, class: pointClass, amount, isLess }): Operation =>
    (world) =>
      commandOf({
        kind: 'adjust',
        accountId: pick([...world.wallets, ...world.pots, ...world.merchants], index),
        class: pointClass,
        amount: isLess ? -amount : amount,
      }),
)

const takeBacks = fc.record({ index, upTo: amount }).map(
  ({ index, upTo }): Operation =>
    (world) =>
      commandOf({ kind: 'take-back', lotId: pick(world.lots, index), upTo }),
)

const payouts = fc.record({ index, amount, isMerchant: fc.boolean() }).map(
  ({ index, amount, isMerchant }): Operation =>
    (world) =>
      commandOf({
        kind: 'payout',
        from: isMerchant ? { merchantId: pick(world.merchants, index) } : { lotId: pick(world.lots, index) },
        amount,
      }),
)

const expiries = index.map(
  (index): Operation =>
    (world) =>
      commandOf({ kind: 'expire', walletId: lotted(world, index) }, { key: null, actor: { type: 'system', id: null } }),
)

/** The same request again under its key, or another request under it. */
const repetitions = fc.record({ index, isChanged: fc.integer({ min: 0, max: 4 }).map((n) => n === 0) }).map(
  ({ index, isChanged }): Operation =>
    (world, now) => {
      const first = world.sent.length === 0 ? null : world.sent[index % world.sent.length]!
      if (!first?.key) return commandOf({ kind: 'expire', walletId: lotted(world, index) }, { key: null })
      if (!isChanged) return first
      return { ...first, key: { digest: first.key.digest, requestHash: newKeyHash(now) } }
    },
)

function newKeyHash(now: Date): string {
  return idempotencyKey({ type: 'operator', id: null }, { key: 'x', method: 'POST', path: '/other', body: now })
    .requestHash
}

function lotted(world: World, index: number): string {
  return pick([...world.wallets, ...world.wallets, ...world.pots], index)
}

/** One number of sixty points at nothing that exists; the low ones, which are tried first, at what is newest. */
function pick(ids: readonly string[], index: number): string {
  return index === 60 || ids.length === 0 ? unknownId : ids.at(-1 - (index % ids.length))!
}

function later(now: Date, seconds: number | null): Date | null {
  return seconds === null ? null : new Date(now.getTime() + seconds * 1_000)
}

/** The names that the model gave to the same things. */
export interface Names {
  /** The command as the model must be told it. */
  translate(command: Command): Command
  /** Records that both made the same; answers what differs, or null. */
  match(
    real: Transfer | { id: string; lots: readonly LotShare[] },
    model: { id: string; lots: readonly { lotId: string }[] },
  ): string | null
  of(id: string): string
}

export function openNames(): Names {
  const names = new Map<string, string>()
  const of = (id: string) => names.get(id) ?? id
  const pair = (real: string, model: string): string | null => {
    const known = names.get(real)
    names.set(real, model)
    return known === undefined || known === model ? null : `${real} is ${known}, not ${model}`
  }
  return {
    of,
    match(real, model) {
      const differences = [pair(real.id, model.id)]
      real.lots.forEach((lot, at) => {
        differences.push(model.lots[at] ? pair(lot.lotId, model.lots[at].lotId) : `the model has no lot ${at}`)
      })
      if (real.lots.length !== model.lots.length) differences.push('another number of lots')
      return differences.find((difference) => difference !== null) ?? null
    },
    translate(command) {
      switch (command.kind) {
        case 'refund':
        case 'cancel':
          return { ...command, transferId: of(command.transferId) }
        case 'post':
        case 'void':
          return { ...command, holdId: of(command.holdId) }
        case 'hold':
          return { ...command, lotId: command.lotId && of(command.lotId) }
        case 'take-back':
          return { ...command, lotId: of(command.lotId) }
        case 'payout':
          return 'lotId' in command.from ? { ...command, from: { lotId: of(command.from.lotId) } } : command
        default:
          return command
      }
    },
  }
}
