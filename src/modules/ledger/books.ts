import assert from 'node:assert/strict'
import type { Class, Command, LedgerSettings } from './commands.ts'
import type { Account, Delta, Due, Hold, IssuedLot, JournalRow, Lot, Needs, Original, State } from './state.ts'

/** Stands in for the tables: what a decision writes is kept in memory, and read back as the ledger's store would. */
export interface Books {
  readonly accounts: Map<string, Account>
  readonly lots: Map<string, IssuedLot>
  readonly holds: Map<string, Hold>
  readonly journal: JournalRow[]
  read(batch: {
    commands: readonly Command[]
    clock: Date
    settings: LedgerSettings
    locked: ReadonlySet<string>
  }): State
  /** More of what was read, as a decision asked for it: `size` lots of a wallet, `size` due things. */
  readMore(state: State, more: { needs: Needs; size: number }): State
  write(delta: Delta): void
  close(accountId: string, at: Date): void
  merchantBalance(id: string): Record<Class, bigint>
}

export function openBooks(accounts: readonly Pick<Account, 'id' | 'kind'>[]): Books {
  const books = {
    accounts: new Map(accounts.map(({ id, kind }) => [id, emptyAccount(id, kind)])),
    lots: new Map<string, IssuedLot>(),
    holds: new Map<string, Hold>(),
    journal: [] as JournalRow[],
    answers: new Map<string, Delta['answers'][number]>(),
  }
  const merchantBalance = (id: string) => {
    const balance = { bonus: 0n, prize: 0n, paid: 0n }
    for (const row of books.journal) {
      const sign = row.payeeId === id ? 1n : row.payerId === id ? -1n : 0n
      for (const name of ['bonus', 'prize', 'paid'] as const) balance[name] += sign * BigInt(row.crossing[name])
    }
    return balance
  }
  return {
    ...books,
    merchantBalance,
    read: ({ commands, clock, settings, locked }) => ({
      clock,
      settings,
      accounts: new Map([...books.accounts].filter(([id]) => !locked.has(id))),
      lockedElsewhere: locked,
      pages: new Map(),
      lots: new Map(books.lots),
      reissues: [...books.lots.values()].filter(({ isReissued }) => isReissued),
      holds: new Map(books.holds),
      originals: new Map(originals(books.journal).map((original) => [original.id, original])),
      due: new Map(),
      rolled: new Map(
        [...books.accounts.values()]
          .filter((account) => account.kind === 'merchant')
          .map((account) => [account.id, merchantBalance(account.id)]),
      ),
      answers: new Map(commands.flatMap(({ key }) => pairOf(books.answers, key?.digest))),
    }),
    close(accountId, closedAt) {
      books.accounts.set(accountId, { ...books.accounts.get(accountId)!, closedAt })
    },
    readMore(state, { needs, size }) {
      const pages = new Map(state.pages)
      for (const id of needs.pages) pages.set(id, pageOf(books.lots, { id, size, settings: state.settings }))
      const due = new Map(state.due)
      for (const id of needs.due) due.set(id, dueOf(books, { id, size, state }))
      return { ...state, pages, due }
    },
    write(delta) {
      for (const row of delta.transfers) {
        assertBalanced(row)
        books.journal.push(row)
      }
      for (const account of delta.accounts) books.accounts.set(account.id, { ...account })
      for (const lot of delta.newLots) books.lots.set(lot.id, lot)
      for (const lot of [...delta.newLots, ...delta.changedLots]) {
        assert.ok(0 <= lot.held && lot.held <= lot.remaining && lot.remaining <= lot.amount, JSON.stringify(lot))
        books.lots.set(lot.id, { ...books.lots.get(lot.id)!, ...lot })
      }
      for (const hold of [...delta.newHolds, ...delta.changedHolds]) books.holds.set(hold.id, { ...hold })
      for (const answer of delta.answers) {
        assert.ok(!books.answers.has(answer.digest), 'a key was answered twice')
        books.answers.set(answer.digest, answer)
      }
    },
  }
}

/**
 * Fails unless every wallet and pot is what its lots and its statement say, without a gap, and no points were issued
 * anew twice.
 */
export function assertBooksAgree(books: Books): void {
  const refunds = new Set(books.journal.flatMap(({ id, kind }) => (kind === 'refund' ? [id] : [])))
  for (const lot of books.lots.values()) {
    assert.ok(countReissues(books, { lot, refunds }) <= 1, `${lot.id} was issued anew twice`)
  }
  for (const account of books.accounts.values()) {
    if (account.kind !== 'wallet' && account.kind !== 'pot') continue
    const lots = [...books.lots.values()].filter((lot) => lot.accountId === account.id)
    const sum = (of: (lot: Lot) => number) => lots.reduce((total, lot) => total + of(lot), 0)
    const { bonus, prize, paid, held } = account
    const inClass = (name: Class) => sum((lot) => (lot.class === name ? lot.remaining : 0))
    assert.deepEqual(
      { bonus, prize, paid, held },
      { bonus: inClass('bonus'), prize: inClass('prize'), paid: inClass('paid'), held: sum((lot) => lot.held) },
    )
    const entries = books.journal.filter((row) => row.payerId === account.id || row.payeeId === account.id)
    let balance = 0
    entries.forEach((row, at) => {
      const isPayer = row.payerId === account.id
      balance += (isPayer ? -1 : 1) * (row.crossing.bonus + row.crossing.prize + row.crossing.paid)
      assert.equal(isPayer ? row.payerSeq : row.payeeSeq, at + 1)
      assert.equal(isPayer ? row.payerBalance : row.payeeBalance, balance)
    })
    assert.equal(account.seq, entries.length)
    assert.equal(bonus + prize + paid, balance)
  }
}

function countReissues(books: Books, { lot, refunds }: { lot: IssuedLot; refunds: ReadonlySet<string> }): number {
  const source = lot.sourceLotId === null ? null : books.lots.get(lot.sourceLotId)!
  return (refunds.has(lot.transferId) ? 1 : 0) + (source ? countReissues(books, { lot: source, refunds }) : 0)
}

function emptyAccount(id: string, kind: Account['kind']): Account {
  return {
    id,
    kind,
    bonus: 0,
    prize: 0,
    paid: 0,
    held: 0,
    seq: 0,
    lastAt: new Date(0),
    nextDueAt: null,
    closedAt: null,
  }
}

function originals(journal: readonly JournalRow[]): Original[] {
  return journal.map(({ id, kind, amount, payerId, payeeId, legs }) => ({
    id,
    kind,
    amount,
    payerId,
    payeeId,
    legs,
    refundedAmount: journal.reduce(
      (sum, row) => sum + (row.reverses === id && row.kind === 'refund' ? row.amount : 0),
      0,
    ),
    isCancelled: journal.some((row) => row.reverses === id && row.kind === 'cancel'),
  }))
}

function pageOf(lots: Map<string, Lot>, page: { id: string; size: number; settings: LedgerSettings }) {
  const open = [...lots.values()]
    .filter((lot) => lot.accountId === page.id && lot.remaining > lot.held)
    .sort((a, b) => {
      const byAge = a.issuedAt.getTime() - b.issuedAt.getTime() || (a.id < b.id ? -1 : 1)
      if (page.settings.spendOrder === 'fifo') return byAge
      const order = ['bonus', 'prize', 'paid']
      const expiry = (lot: Lot) => lot.expiresAt?.getTime() ?? Number.MAX_VALUE
      return order.indexOf(a.class) - order.indexOf(b.class) || expiry(a) - expiry(b) || byAge
    })
  return { lots: open.slice(0, page.size), isComplete: open.length < page.size }
}

function dueOf(books: Pick<Books, 'lots' | 'holds'>, asked: { id: string; size: number; state: State }): Due {
  const until = asked.state.clock
  const isDue = (at: Date | null) => at !== null && at <= until
  const lots = [...books.lots.values()].filter((lot) => lot.accountId === asked.id && lot.remaining > lot.held)
  const holds = [...books.holds.values()].filter((hold) => hold.accountId === asked.id && hold.status === 'pending')
  const dueLots = lots.filter((lot) => isDue(lot.expiresAt))
  const dueHolds = holds.filter((hold) => isDue(hold.expiresAt))
  const later = [...lots, ...holds].flatMap(({ expiresAt }) => (expiresAt && expiresAt > until ? [expiresAt] : []))
  const hasMore = dueLots.length >= asked.size || dueHolds.length >= asked.size
  const next = later.length === 0 ? null : new Date(Math.min(...later.map(Number)))
  return {
    lots: dueLots.slice(0, asked.size),
    holds: dueHolds.slice(0, asked.size),
    nextDueAt: hasMore ? until : next,
    hasMore,
  }
}

/** What the database's trigger says, and that whatever crosses has two sides that know of it. */
function assertBalanced(row: JournalRow): void {
  for (const name of ['bonus', 'prize', 'paid'] as const) {
    const sum = (sign: number) =>
      row.legs.reduce((total, leg) => total + (leg.class === name && leg.amount * sign > 0 ? leg.amount * sign : 0), 0)
    const entering = row.kind === 'reward' ? (name === 'prize' ? row.amount : 0) : row.crossing[name]
    assert.equal(sum(-1), row.payerSeq === null ? 0 : row.crossing[name], `${row.kind} leaves as ${name}`)
    assert.equal(sum(1), row.payeeSeq === null ? 0 : entering, `${row.kind} enters as ${name}`)
  }
}

function pairOf<Value>(map: Map<string, Value>, key: string | undefined): [string, Value][] {
  const value = key === undefined ? undefined : map.get(key)
  return value === undefined ? [] : [[key!, value]]
}
