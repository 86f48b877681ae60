import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { system } from '#platform/work'
import { type LedgerHouse, openLedgerHouse } from '#test/ledger-house'
import { commandOf, type Operation, operations } from '#test/ledger-operations'
import { type LotFigures, lotLines } from '#test/model-comparison'
import { expireOf, type Follower, follow, isUnfinished, lapseOf, openFollower } from '#test/model-sequences'
import type { Command, LedgerSettings, Outcome } from './commands.ts'
import { applyTransfers } from './ledger.ts'
import { foldBalances } from './rollup/rollup.ts'
import { closeAccount, findRolledBalance } from './statements/statements.ts'
import type { Difference } from './verify/differences.ts'
import { verifyLedger } from './verify/verify.ts'

/** Sequences side by side in one batch, each with a model of its own: one by one, 300 took three times as long. */
const together = 25
/** Sequences on PostgreSQL; `rules.test.ts` has as many in memory, `concurrency.test.ts` some from two processes. */
const sequences = process.env.PODO_TEST_LONG === '1' ? 10_000 : 300

describe('what PostgreSQL keeps', () => {
  for (const spendOrder of ['bonus-first', 'fifo'] as const) {
    it(`is what the naive model says, for any commands while time passes, spending ${spendOrder}`, async (t) => {
      const house = await openLedgerHouse(t)
      await fc.assert(
        fc.asyncProperty(plans, fc.constantFrom(0, 1), (steps, refundGraceDays) =>
          runTogether(house, { steps, settings: { spendOrder, refundGraceDays } }),
        ),
        { numRuns: sequences / together / 2, endOnFailure: true },
      )
      const differences: Difference[] = []
      await verifyLedger(house.database, { onDifference: (difference) => differences.push(difference) })
      assert.deepEqual(differences, [])
    })
  }
})

interface Step {
  readonly advanceSeconds: number
  /** Whether the balances of merchants are folded after it. */
  readonly isFolded: boolean
  /** Whether the owner of the first wallet leaves before it, of each third sequence, unless points are held there. */
  readonly isLeft: boolean
  /** For each sequence its own; they all go into one batch. */
  readonly operations: readonly (readonly Operation[])[]
}

const plans = fc.array(
  fc.record({
    advanceSeconds: fc.constantFrom(0, 0, 1, 30, 86_400),
    isFolded: fc.boolean(),
    isLeft: fc.integer({ min: 0, max: 3 }).map((number) => number === 3),
    operations: fc.array(fc.array(operations(), { minLength: 1, maxLength: 39, size: '+1' }), {
      minLength: together,
      maxLength: together,
    }),
  }),
  { minLength: 1, maxLength: 10, size: '+1' },
)

interface Run {
  readonly house: LedgerHouse
  readonly settings: LedgerSettings
  readonly followers: readonly Follower[]
  /** A wallet whose transfers tell the time of each batch. */
  readonly clockId: string
}

async function runTogether(
  house: LedgerHouse,
  { steps, settings }: { steps: readonly Step[]; settings: LedgerSettings },
): Promise<void> {
  const run = await begin(house, settings)
  for (const { advanceSeconds, isFolded, isLeft, operations } of steps) {
    await house.advance(advanceSeconds)
    if (isLeft) await leaveWallets(run)
    const now = await house.withWork(system, (work) => work.now())
    const planned = run.followers.map((follower, at) => {
      const commands = operations[at]!.map((operation) => operation(follower.world, now))
      follower.world.sent.push(...commands)
      return commands.map((command) => ({ follower, command }))
    })
    await carryOut(run, planned.flat())
    if (isFolded) await house.withWork(system, (work) => foldBalances(work))
  }
  await compareBooks(run)
}

async function begin(house: LedgerHouse, settings: LedgerSettings): Promise<Run> {
  const wallets = await house.openMany('wallet', together * 3)
  const pots = await house.openMany('pot', together)
  const merchants = await house.openMany('merchant', together * 2)
  const followers = pots.map((pot, at) =>
    openFollower(
      { wallets: wallets.slice(at * 3, at * 3 + 3), pots: [pot], merchants: merchants.slice(at * 2, at * 2 + 2) },
      settings,
    ),
  )
  return { house, settings, followers, clockId: await house.wallet() }
}

interface Planned {
  readonly follower: Follower
  readonly command: Command
}

async function carryOut(run: Run, planned: readonly Planned[]): Promise<void> {
  let left = planned
  for (let attempt = 0; left.length > 0; attempt += 1) {
    assert.ok(attempt < 200, 'commands were put off for ever')
    const { outcomes, at } = await decideBatch(
      run,
      left.map(({ command }) => command),
    )
    left.forEach(({ follower, command }, place) => {
      follow(follower, { command, outcome: outcomes[place]!, at })
    })
    left = left.filter((_, place) => isUnfinished(outcomes[place]!))
  }
}

async function decideBatch({ house, settings, clockId }: Run, commands: readonly Command[]) {
  const clock = commandOf({
    kind: 'grant',
    walletId: clockId,
    class: 'bonus',
    amount: 1,
    expiresAt: null,
    paymentId: null,
  })
  const batch = { commands: [clock, ...commands], settings, wait: true }
  const [told, ...outcomes] = await house.withWork(system, (work) => applyTransfers(work, batch))
  return { at: timeOf(told!), outcomes }
}

function timeOf(outcome: Outcome): Date {
  if (outcome.status !== 'done') assert.fail(outcome.status)
  return outcome.transfer.createdAt
}

/** All that is free in the first wallets lapses; those in which nothing is left are closed. */
async function leaveWallets(run: Run): Promise<void> {
  const leaving = run.followers.filter((_, at) => at % 3 === 0)
  const walletOf = ({ world }: Follower) => world.wallets[0]!
  const planAll = (plan: (follower: Follower) => readonly Command[]) =>
    leaving.flatMap((follower) => plan(follower).map((command) => ({ follower, command })))
  await carryOut(
    run,
    planAll((follower) => [expireOf(walletOf(follower))]),
  )
  await carryOut(
    run,
    planAll((follower) => lapseOf(follower, walletOf(follower))),
  )
  for (const { model, world } of leaving.filter((follower) => follower.model.balance(walletOf(follower)) === 0n)) {
    const walletId = world.wallets[0]!
    await run.house.withWork(system, (work) => closeAccount(work, walletId))
    model.close(walletId)
  }
}

async function compareBooks(run: Run): Promise<void> {
  const { house, followers } = run
  const lotted = ({ world }: Follower) => [...world.wallets, ...world.pots]
  await carryOut(
    run,
    followers.flatMap((follower) => lotted(follower).map((id) => ({ follower, command: expireOf(id) }))),
  )
  const ids = followers.flatMap(lotted)
  const lots = await house.ownerSql.rows<LotFigures>(
    `select account_id as "accountId", class, issued_at as "issuedAt", expires_at as "expiresAt", amount, remaining,
       held, reissued as "isReissued" from ledger.lot where account_id = any($1::uuid[])`,
    [ids],
  )
  assert.deepEqual(lotLines(lots), lotLines(followers.flatMap(({ model }) => [...model.lots.values()])))
  const holds = await house.ownerSql.rows<{ id: string; accountId: string; status: string }>(
    'select id, account_id as "accountId", status from ledger.hold where account_id = any($1::uuid[])',
    [ids],
  )
  for (const { model, names, world } of followers) {
    for (const hold of holds.filter(({ accountId }) => model.accounts.has(accountId))) {
      assert.equal(hold.status, model.holds.get(names.of(hold.id))!.status)
    }
    for (const id of world.merchants) {
      const { bonus, prize, paid } = (await findRolledBalance(house.database, id))!
      assert.equal(bonus + prize + paid, model.balance(id))
    }
  }
  assert.equal(
    holds.length,
    followers.reduce((sum, { model }) => sum + model.holds.size, 0),
  )
}
