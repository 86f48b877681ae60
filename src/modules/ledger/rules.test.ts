import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { newId } from '#platform/ids'
import {
  emptyWorld,
  type Names,
  type Operation,
  openNames,
  operations,
  remember,
  type World,
} from '#test/ledger-operations'
import { type Model, openModel } from '#test/model'
import { assertSameOutcome, lotLines } from '#test/model-comparison'
import { assertBooksAgree, type Books, openBooks } from './books.ts'
import type { Command, LedgerSettings, Outcome } from './commands.ts'
import { decide } from './rules.ts'
import { systemAccounts } from './system-accounts.ts'

const runs = process.env.PODO_TEST_LONG === '1' ? 10_000 : 300

describe('what is decided', () => {
  for (const spendOrder of ['bonus-first', 'fifo'] as const) {
    it(`is what the naive model says, for any commands in batches while time passes, spending ${spendOrder}`, () => {
      fc.assert(
        fc.property(sequences, fc.constantFrom(0, 1), (batches, refundGraceDays) =>
          runSequence(batches, { spendOrder, refundGraceDays }),
        ),
        {
          numRuns: Math.ceil(runs / 2),
        },
      )
    })
  }
})

interface PlannedBatch {
  readonly advanceMs: number
  readonly operations: readonly Operation[]
  /** Lots and due things read at a time: small, so that decisions have to ask for more. */
  readonly pageSize: number
  /** Wallets that somebody else has locked at the first attempt. */
  readonly locked: readonly number[]
}

const sequences = fc.array(
  fc.record({
    advanceMs: fc.constantFrom(0, 0, 1, 1_000, 30_000, 86_400_000),
    operations: fc.array(operations(), { minLength: 1, maxLength: 50, size: '+1' }),
    pageSize: fc.integer({ min: 1, max: 8 }),
    locked: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.nat(3), { maxLength: 2 }) },
    ),
  }),
  { minLength: 1, maxLength: 10, size: '+1' },
)

interface Run {
  readonly books: Books
  readonly model: Model
  readonly names: Names
  readonly world: World
  readonly settings: LedgerSettings
  readonly newId: () => string
  readonly story: string[]
  clock: Date
}

function runSequence(batches: readonly PlannedBatch[], settings: LedgerSettings): void {
  const run = begin(settings)
  for (const planned of batches) {
    run.clock = new Date(run.clock.getTime() + planned.advanceMs)
    let commands = planned.operations.map((operation) => operation(run.world, run.clock))
    run.world.sent.push(...commands)
    let locked = new Set(planned.locked.map((index) => [...run.world.wallets, ...run.world.pots][index]!))
    for (let attempt = 0; commands.length > 0; attempt += 1) {
      assert.ok(attempt < 200, 'commands were put off for ever')
      const outcomes = decideBatch(run, { commands, locked, pageSize: planned.pageSize })
      compareOutcomes(run, commands, outcomes)
      commands = commands.filter((_, at) => outcomes[at]!.status === 'again' || isUnfinished(outcomes[at]!))
      locked = new Set()
    }
    assertBooksAgree(run.books)
  }
  compareBooks(run)
}

function begin(settings: LedgerSettings): Run {
  const wallets = [newId(), newId(), newId()]
  const pots = [newId()]
  const merchants = [newId(), newId()]
  const world = emptyWorld({ wallets, pots, merchants, payoutId: systemAccounts.payout })
  let made = 0
  const model = openModel({
    settings,
    system: systemAccounts,
    newId: (what) => `${what}-${String(made++).padStart(8, '0')}`,
  })
  for (const id of wallets) model.open({ id, kind: 'wallet' })
  for (const id of pots) model.open({ id, kind: 'pot' })
  for (const id of merchants) model.open({ id, kind: 'merchant' })
  const books = openBooks([...model.accounts.values()])
  let ids = 0
  const nextId = () => `0190a000-0000-7000-8000-${String(ids++).padStart(12, '0')}`
  return {
    books,
    model,
    names: openNames(),
    world,
    settings,
    newId: nextId,
    story: [],
    clock: new Date('2026-01-01T00:00:00Z'),
  }
}

interface Asked {
  readonly commands: readonly Command[]
  readonly locked: ReadonlySet<string>
  readonly pageSize: number
}

function decideBatch(run: Run, { commands, locked, pageSize }: Asked): Outcome[] {
  let state = run.books.read({ commands, clock: run.clock, settings: run.settings, locked })
  for (let size = pageSize; ; size *= 2) {
    const decision = decide(state, commands, run.newId)
    if ('outcomes' in decision) {
      run.books.write(decision.delta)
      return decision.outcomes
    }
    state = run.books.readMore(state, { needs: decision.needs, size })
  }
}

function compareOutcomes(run: Run, commands: readonly Command[], outcomes: readonly Outcome[]): void {
  commands.forEach((command, at) => {
    const outcome = outcomes[at]!
    if (outcome.status === 'again') return
    run.story.push(tell(command, outcome, run))
    const expected = run.model.apply(run.names.translate(command), run.clock)
    try {
      assertSameOutcome(outcome, expected, run)
    } catch (error) {
      throw new Error(`${run.story.join('\n')}\n${JSON.stringify(command)}\n${(error as Error).message}`)
    }
    remember(run.world, outcome)
  })
}

function tell({ actor, key, memberId, reason, reference, metadata, ...command }: Command, outcome: Outcome, run: Run) {
  const result = outcome.status === 'done' ? outcome.transfer.id : outcome.status
  return `${run.clock.toISOString()} ${JSON.stringify(command)} → ${result}`
}

function isUnfinished(outcome: Outcome): boolean {
  return outcome.status === 'booked' && outcome.more
}

function compareBooks(run: Run): void {
  const { books, model, world } = run
  for (const walletId of [...world.wallets, ...world.pots]) {
    const expire: Command = { ...system, kind: 'expire', walletId }
    for (let more = true; more; ) {
      const [outcome] = decideBatch(run, { commands: [expire], locked: new Set(), pageSize: 8 })
      more = isUnfinished(outcome!)
    }
    model.apply(expire, run.clock)
  }
  assert.deepEqual(lotLines(books.lots.values()), lotLines(model.lots.values()))
  const total = (id: string) => Object.values(books.merchantBalance(id)).reduce((sum, part) => sum + part, 0n)
  for (const id of world.merchants) assert.equal(total(id), model.balance(id))
  for (const [id, hold] of books.holds) assert.equal(hold.status, model.holds.get(run.names.of(id))!.status)
  assertBooksAgree(books)
}

const system = {
  key: null,
  actor: { type: 'system', id: null },
  memberId: null,
  reason: null,
  reference: null,
  metadata: null,
} as const
