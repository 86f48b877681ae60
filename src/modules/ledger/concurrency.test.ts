import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { system } from '#platform/work'
import { type LedgerHouse, openLedgerHouse } from '#test/ledger-house'
import {
  commandOf,
  emptyWorld,
  type Names,
  type Operation,
  openNames,
  operations,
  remember,
  type World,
} from '#test/ledger-operations'
import { type Model, openModel } from '#test/model'
import { assertSameOutcome, type LotFigures, lotLines } from '#test/model-comparison'
import type { Command, LedgerSettings, TransferKind } from './commands.ts'
import type { LedgerLane, LedgerOutcome } from './ledger.ts'
import { systemAccounts } from './system-accounts.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
/** Sequences of each spend order, in two processes; `sequences.test.ts` has more, in one. */
const runs = isLong ? 200 : 6

describe('two processes at once on one database', () => {
  for (const spendOrder of ['bonus-first', 'fifo'] as const) {
    it(`leave what the naive model says, in the order of the journal, spending ${spendOrder}`, async (t) => {
      const settings: LedgerSettings = { spendOrder, refundGraceDays: spendOrder === 'fifo' ? 0 : 1 }
      const house = await openLedgerHouse(t, { settings })
      const lanes = [house.lane, house.secondLane().lane]
      await fc.assert(
        fc.asyncProperty(rounds, (planned) => runRounds(house, lanes, planned)),
        { numRuns: runs, endOnFailure: true },
      )
    })
  }
})

interface Round {
  readonly advanceSeconds: number
  readonly operations: readonly Operation[]
}

const rounds = fc.array(
  fc.record({
    advanceSeconds: fc.constantFrom(0, 30, 600, 86_400),
    operations: fc.array(operations(), { minLength: 20, maxLength: 50 }),
  }),
  { minLength: 5, maxLength: 10 },
)

interface Run {
  readonly house: LedgerHouse
  readonly model: Model
  readonly names: Names
  readonly world: World
  /** Rows of the journal that the model has followed. */
  readonly followed: Set<string>
  lotIds: string[]
  holdId: string
  /** How far the model has come. */
  at: Date
}

interface Answered {
  readonly command: Command
  readonly outcome: LedgerOutcome
}

async function runRounds(house: LedgerHouse, lanes: readonly LedgerLane[], planned: readonly Round[]): Promise<void> {
  const run = await begin(house)
  for (const round of planned) {
    await house.advance(round.advanceSeconds)
    const now = await house.withWork(system, (work) => work.now())
    const commands = round.operations.map((operation) => operation(run.world, now))
    run.world.sent.push(...commands)
    const isOfMerchant = (command: Command) => decidesOnMerchant(run.world, command)
    await runTogether(run, { lanes, now, commands: commands.filter((command) => !isOfMerchant(command)) })
    await runTogether(run, { lanes, now, commands: commands.filter(isOfMerchant) })
  }
  await house.assertAgreement()
  await compareBooks(run)
}

interface Together {
  readonly lanes: readonly LedgerLane[]
  readonly commands: readonly Command[]
  readonly now: Date
}

async function runTogether(run: Run, { lanes, commands, now }: Together): Promise<void> {
  const answers = await Promise.all(
    commands.map(async (command, at) => ({ command, outcome: await lanes[at % lanes.length]!.submit(command) })),
  )
  for (const { outcome } of answers) remember(run.world, outcome)
  await follow(run, { answers, now })
}

/**
 * What a merchant has is a sum over many wallets, and the journal keeps no order among them: only when nothing else
 * runs does it say what a payout saw.
 */
function decidesOnMerchant(world: World, command: Command): boolean {
  if (command.kind === 'payout') return 'merchantId' in command.from
  return command.kind === 'adjust' && world.merchants.includes(command.accountId)
}

async function begin(house: LedgerHouse): Promise<Run> {
  const wallets = await house.openMany('wallet', 3)
  const pots = await house.openMany('pot', 1)
  const merchants = await house.openMany('merchant', 2)
  const world = emptyWorld({ wallets, pots, merchants, payoutId: systemAccounts.payout })
  let made = 0
  const model = openModel({
    settings: house.settings,
    system: systemAccounts,
    // The real ids, so that the tie that an id breaks is broken alike.
    newId: (what) =>
      (what === 'lot' ? run.lotIds.shift() : what === 'hold' ? run.holdId : undefined) ?? `${what}-${made++}`,
  })
  const run: Run = {
    house,
    model,
    names: openNames(),
    world,
    followed: new Set(),
    lotIds: [],
    holdId: '',
    at: new Date(0),
  }
  for (const id of wallets) model.open({ id, kind: 'wallet' })
  for (const id of pots) model.open({ id, kind: 'pot' })
  for (const id of merchants) model.open({ id, kind: 'merchant' })
  return run
}

interface Row {
  readonly id: string
  readonly kind: TransferKind
  readonly at: Date
  readonly payerId: string
  readonly payeeId: string
  readonly payerSeq: number | null
  readonly payeeSeq: number | null
  readonly lotIds: string[]
}

/** Carries out in the model, in the order of the journal, what the round has booked, and explains every answer. */
async function follow(run: Run, { answers, now }: { answers: readonly Answered[]; now: Date }): Promise<void> {
  const rows = await newRows(run)
  const first = new Map<string, Answered>()
  for (const answer of answers) {
    const { outcome } = answer
    if (outcome.status === 'done' && !outcome.replayed) first.set(outcome.transfer.id, answer)
  }
  let open = answers.filter(({ outcome }) => outcome.status === 'refused')
  const explain = (at: Date) => {
    open = open.filter((answer) => !isExplained(run, answer, at))
  }
  if (now > run.at) run.at = now
  explain(rows[0]?.at ?? run.at)
  for (const row of rows) {
    const answer = first.get(row.id)
    if (answer) {
      run.lotIds = [...row.lotIds]
      run.holdId = answer.outcome.status === 'done' ? (answer.outcome.hold?.id ?? '') : ''
      const expected = run.model.apply(run.names.translate(answer.command), row.at)
      assertSameOutcome(answer.outcome, expected, run)
    } else {
      assert.ok(['void', 'expire'].includes(row.kind), `nobody asked for the ${row.kind} ${row.id}`)
      run.model.apply(expireOf(row.payerId), row.at)
    }
    run.followed.add(row.id)
    run.at = row.at
    explain(row.at)
  }
  assert.deepEqual(open.map(describeAnswer), [], 'refused, but at no moment would the model have refused it so')
  for (const { command, outcome } of answers) {
    if (outcome.status !== 'done' || !outcome.replayed) continue
    const { replayed: _, ...again } = run.model.apply(run.names.translate(command), run.at) as {
      replayed: boolean
    }
    assertSameOutcome(outcome, { ...again, replayed: true } as never, run)
  }
}

function isExplained(run: Run, { command, outcome }: Answered, at: Date): boolean {
  const refused = run.model.fork().apply(run.names.translate(command), at)
  if (refused.status !== 'refused' || outcome.status !== 'refused') return false
  try {
    assertSameOutcome(outcome, { ...refused, replayed: outcome.replayed }, run)
  } catch {
    return false
  }
  // The key keeps the refusal in the model too.
  if (!outcome.replayed && refused.http === 409) run.model.apply(run.names.translate(command), at)
  return true
}

function describeAnswer({ command, outcome }: Answered): string {
  return `${JSON.stringify(command)} → ${JSON.stringify(outcome)}`
}

/** What the journal has gained, each row after those that come before it in the statements of both its sides. */
async function newRows(run: Run): Promise<Row[]> {
  const { wallets, pots } = run.world
  const rows = await run.house.ownerSql.rows<Row>(
    `select t.id, t.kind, t.at, t.payer_id as "payerId", t.payee_id as "payeeId", t.payer_seq as "payerSeq",
       t.payee_seq as "payeeSeq",
       (select coalesce(array_agg(l.id::text order by l.id), '{}')
        from ledger.lot l where l.transfer_id = t.id) as "lotIds"
     from ledger.transfer t
     where (payer_id = any($1::uuid[]) or payee_id = any($1::uuid[])) and not id = any($2::uuid[])
     order by t.at, coalesce(t.payer_seq, t.payee_seq), t.id`,
    [[...wallets, ...pots, ...run.world.merchants], [...run.followed]],
  )
  const before = (row: Row, other: Row) =>
    sides(row).some(([id, seq]) => sides(other).some(([otherId, otherSeq]) => id === otherId && otherSeq < seq))
  const ordered: Row[] = []
  while (rows.length > 0) {
    const next = rows.findIndex((row) => !rows.some((other) => before(row, other)))
    assert.notEqual(next, -1, 'no order of the journal fits the statements of all wallets')
    ordered.push(...rows.splice(next, 1))
  }
  for (let at = 1; at < ordered.length; at += 1) assert.ok(ordered[at - 1]!.at <= ordered[at]!.at, 'time ran backwards')
  return ordered
}

function sides({ payerId, payerSeq, payeeId, payeeSeq }: Row): [string, number][] {
  const both: [string, number | null][] = [
    [payerId, payerSeq],
    [payeeId, payeeSeq],
  ]
  return both.filter((side): side is [string, number] => side[1] !== null)
}

async function compareBooks({ house, model, world }: Run): Promise<void> {
  const ids = [...world.wallets, ...world.pots]
  const lots = await house.ownerSql.rows<LotFigures>(
    `select account_id as "accountId", class, issued_at as "issuedAt", expires_at as "expiresAt", amount,
       remaining, held, reissued as "isReissued"
     from ledger.lot where account_id = any($1::uuid[])`,
    [ids],
  )
  assert.deepEqual(lotLines(lots), lotLines(model.lots.values()))
  const holds = await house.ownerSql.rows<{ id: string; status: string; postedAmount: number }>(
    `select id, status, posted_amount as "postedAmount" from ledger.hold where account_id = any($1::uuid[]) order by id`,
    [ids],
  )
  const expected = [...model.holds.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  assert.deepEqual(
    holds,
    expected.map(({ id, status, postedAmount }) => ({ id, status, postedAmount })),
  )
}

function expireOf(walletId: string): Command {
  return commandOf({ kind: 'expire', walletId }, { key: null, actor: system })
}
