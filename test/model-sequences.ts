import { type Command, classes, type LedgerSettings, type Outcome, systemAccounts } from '#modules/ledger'
import { commandOf, emptyWorld, type Names, openNames, remember, type World } from './ledger-operations.ts'
import { type Model, openModel } from './model.ts'
import { assertSameOutcome } from './model-comparison.ts'

/** A model beside a ledger, told of every command in the order in which the ledger decided them. */
export interface Follower {
  readonly model: Model
  readonly names: Names
  readonly world: World
  /** What happened so far, a line for each command. */
  readonly story: string[]
}

export function openFollower(
  accounts: Pick<World, 'wallets' | 'pots' | 'merchants'>,
  settings: LedgerSettings,
): Follower {
  let made = 0
  const model = openModel({
    settings,
    system: systemAccounts,
    newId: (what) => `${what}-${String(made++).padStart(8, '0')}`,
  })
  for (const id of accounts.wallets) model.open({ id, kind: 'wallet' })
  for (const id of accounts.pots) model.open({ id, kind: 'pot' })
  for (const id of accounts.merchants) model.open({ id, kind: 'merchant' })
  return {
    model,
    names: openNames(),
    world: emptyWorld({ ...accounts, payoutId: systemAccounts.payout }),
    story: [],
  }
}

/** Fails, and tells all that happened, unless the model decides the same at this instant. */
export function follow(follower: Follower, decided: { command: Command; outcome: Outcome; at: Date }): void {
  const { model, names, world, story } = follower
  const { command, outcome, at } = decided
  if (outcome.status === 'again') return
  story.push(tell(decided))
  const expected = model.apply(names.translate(command), at)
  try {
    assertSameOutcome(outcome, expected, follower)
  } catch (error) {
    throw new Error(`${story.join('\n')}\n${JSON.stringify(command)}\n${(error as Error).message}`)
  }
  remember(world, outcome)
}

/** Whether the command has to be sent again: it was put off, or more is due than was booked. */
export function isUnfinished(outcome: Outcome): boolean {
  return outcome.status === 'again' || (outcome.status === 'booked' && outcome.more)
}

/** What is due in a wallet, booked by the house itself. */
export function expireOf(walletId: string): Command {
  const nothing = { key: null, memberId: null, reason: null, reference: null, metadata: null }
  return { ...nothing, actor: { type: 'system', id: null }, kind: 'expire', walletId }
}

/** What leaves a wallet when its owner does: all that is free in it, class by class. */
export function lapseOf({ model }: Follower, walletId: string): Command[] {
  return classes.flatMap((name) => {
    const lots = [...model.lots.values()].filter((lot) => lot.accountId === walletId && lot.class === name)
    const amount = lots.reduce((sum, lot) => sum + lot.remaining - lot.held, 0)
    return amount === 0 ? [] : [commandOf({ kind: 'adjust', accountId: walletId, class: name, amount: -amount })]
  })
}

function tell({ command, outcome, at }: { command: Command; outcome: Outcome; at: Date }): string {
  const { actor, key, memberId, reason, reference, metadata, ...rest } = command
  const result = outcome.status === 'done' ? outcome.transfer.id : outcome.status
  return `${at.toISOString()} ${JSON.stringify(rest)} → ${result}`
}
