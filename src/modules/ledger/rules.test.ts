import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { newId } from '#platform/ids'
import { type Operation, operations } from '#test/ledger-operations'
import { lotLines } from '#test/model-comparison'
import { expireOf, type Follower, follow, isUnfinished, lapseOf, openFollower } from '#test/model-sequences'
import { assertBooksAgree, type Books, openBooks } from './books.ts'
import type { Command, LedgerSettings, Outcome } from './commands.ts'
import { decide } from './rules.ts'

/** Sequences in memory; `sequences.test.ts` has as many on PostgreSQL. */
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
  /** Whether the owner of the first wallet leaves before it, unless points are held there. */
  readonly isLeft: boolean
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
    isLeft: fc.integer({ min: 0, max: 7 }).map((number) => number === 7),
  }),
  { minLength: 1, maxLength: 10, size: '+1' },
)

interface Run extends Follower {
  readonly books: Books
  readonly settings: LedgerSettings
  readonly newId: () => string
  clock: Date
}

function runSequence(batches: readonly PlannedBatch[], settings: LedgerSettings): void {
  const run = begin(settings)
  for (const planned of batches) {
    run.clock = new Date(run.clock.getTime() + planned.advanceMs)
    if (planned.isLeft) leaveWallet(run, run.world.wallets[0]!)
    let commands = planned.operations.map((operation) => operation(run.world, run.clock))
    run.world.sent.push(...commands)
    let locked = new Set(planned.locked.map((index) => [...run.world.wallets, ...run.world.pots][index]!))
    for (let attempt = 0; commands.length > 0; attempt += 1) {
      assert.ok(attempt < 200, 'commands were put off for ever')
      const outcomes = decideBatch(run, { commands, locked, pageSize: planned.pageSize })
      commands.forEach((command, at) => {
        follow(run, { command, outcome: outcomes[at]!, at: run.clock })
      })
      commands = commands.filter((_, at) => isUnfinished(outcomes[at]!))
      locked = new Set()
    }
    assertBooksAgree(run.books)
  }
  compareBooks(run)
}

function begin(settings: LedgerSettings): Run {
  const accounts = { wallets: [newId(), newId(), newId()], pots: [newId()], merchants: [newId(), newId()] }
  const follower = openFollower(accounts, settings)
  let ids = 0
  return {
    ...follower,
    books: openBooks([...follower.model.accounts.values()]),
    settings,
    newId: () => `0190a000-0000-7000-8000-${String(ids++).padStart(12, '0')}`,
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

/** All that is free in a wallet lapses; one in which nothing is left is closed. */
function leaveWallet(run: Run, walletId: string): void {
  bookAllDue(run, walletId)
  const commands = lapseOf(run, walletId)
  const outcomes = decideBatch(run, { commands, locked: new Set(), pageSize: 8 })
  commands.forEach((command, at) => {
    follow(run, { command, outcome: outcomes[at]!, at: run.clock })
  })
  if (run.model.balance(walletId) > 0n) return
  run.books.close(walletId, run.clock)
  run.model.close(walletId)
}

function bookAllDue(run: Run, walletId: string): void {
  const expire = expireOf(walletId)
  for (let more = true; more; ) {
    const [outcome] = decideBatch(run, { commands: [expire], locked: new Set(), pageSize: 8 })
    more = isUnfinished(outcome!)
  }
  run.model.apply(expire, run.clock)
}

function compareBooks(run: Run): void {
  const { books, model, world } = run
  for (const walletId of [...world.wallets, ...world.pots]) bookAllDue(run, walletId)
  assert.deepEqual(lotLines(books.lots.values()), lotLines(model.lots.values()))
  const total = (id: string) => Object.values(books.merchantBalance(id)).reduce((sum, part) => sum + part, 0n)
  for (const id of world.merchants) assert.equal(total(id), model.balance(id))
  for (const [id, hold] of books.holds) assert.equal(hold.status, model.holds.get(run.names.of(id))!.status)
  assertBooksAgree(books)
}
