import type { Text } from '#platform/problem'
import type { Company } from './books.ts'
import type { PointClass, Transfer, Wallet } from './client.ts'
import type { Stage } from './companies.ts'
import { count } from './screen.ts'

interface Lot {
  readonly class: PointClass
  readonly remaining: number
}

interface Line {
  readonly id: string
  readonly kind: string
  readonly amount: number
  readonly balanceAfter: number
  readonly seq: number
  readonly merchantId: string | null
}

/** Everything that the API tells of one wallet. */
interface Reading {
  readonly wallet: Wallet
  readonly lots: readonly Lot[]
  readonly statement: readonly Line[]
}

/** One thing that has to be true, with both sides of the equation. */
interface Check {
  readonly text: Text
  readonly left: number
  readonly right: number
  readonly isRight: boolean
}

/**
 * Reads all that the API has of every wallet, to the last page, and compares: lots with balances, balances with
 * statements, statements with the journal, and all of it with what this client was answered. `people` are wallets
 * beside those of the companies.
 */
export async function proveAgreement(
  stage: Stage,
  { companies, people = [] }: { companies: readonly Company[]; people?: readonly string[] },
): Promise<boolean> {
  const { client, screen } = stage
  screen.heading({ ko: '검증', en: 'The proof' })
  const walletIds = [
    ...companies.flatMap(({ walletId, members }) => [walletId, ...members.map((it) => it.walletId)]),
    ...people,
  ]
  const reading = screen.counter(
    { ko: '지갑과 로트, 명세를 읽는 중', en: 'Reading wallets, lots, statements' },
    walletIds.length,
  )
  const readings = await Promise.all(
    walletIds.map(async (id): Promise<Reading> => {
      const [wallet, lots, statement] = await Promise.all([
        client.get<Wallet>(`/v1/wallets/${id}`),
        client.list<Lot>(`/v1/wallets/${id}/lots`),
        client.list<Line>(`/v1/wallets/${id}/transfers`),
      ])
      reading.tick()
      return { wallet, lots, statement }
    }),
  )
  reading.clear()
  const lines = readings.flatMap(({ statement }) => statement)
  const journaling = screen.counter({ ko: '원장의 거래를 읽는 중', en: 'Reading the journal' }, lines.length)
  const journal = await Promise.all(
    lines.map(async ({ id }) => {
      const transfer = await client.get<Transfer>(`/v1/transfers/${id}`)
      journaling.tick()
      return transfer
    }),
  )
  journaling.clear()

  const checks = [
    ...checkWallets(readings),
    ...checkAnswers(stage, { readings, lines }),
    ...checkJournal(stage, { lines, journal, companies }),
  ]
  showChecks(stage, checks)
  return checks.every(({ isRight }) => isRight)
}

function checkWallets(readings: readonly Reading[]): Check[] {
  const every = (isRight: (reading: Reading) => boolean) => readings.every(isRight)
  const total = (of: (reading: Reading) => number) => readings.reduce((sum, reading) => sum + of(reading), 0)
  const lotsOf = ({ lots }: Reading, only?: PointClass) =>
    lots.reduce((sum, lot) => (only === undefined || lot.class === only ? sum + lot.remaining : sum), 0)
  const lotCount = total(({ lots }) => lots.length)
  const lineCount = total(({ statement }) => statement.length)
  return [
    {
      text: {
        ko: `지갑 ${readings.length}개의 잔액 = 로트 ${count(lotCount)}개의 합`,
        en: `Balances of ${readings.length} wallets = ${count(lotCount)} lots`,
      },
      left: total(({ wallet }) => wallet.balance),
      right: total((reading) => lotsOf(reading)),
      isRight: every((reading) => reading.wallet.balance === lotsOf(reading)),
    },
    ...(['paid', 'bonus'] as const).map((name) => ({
      text:
        name === 'paid'
          ? { ko: '유상 잔액 = 유상 로트', en: 'Paid points = paid lots' }
          : { ko: '무상 잔액 = 무상 로트', en: 'Bonus points = bonus lots' },
      left: total(({ wallet }) => wallet.byClass[name]),
      right: total((reading) => lotsOf(reading, name)),
      isRight: every((reading) => reading.wallet.byClass[name] === lotsOf(reading, name)),
    })),
    {
      text: {
        ko: `잔액 = 명세 ${count(lineCount)}줄의 합, 끊김 없음`,
        en: `Balances = ${count(lineCount)} statement lines, unbroken`,
      },
      left: total(({ wallet }) => wallet.balance),
      right: total(({ statement }) => statement.reduce((sum, line) => sum + line.amount, 0)),
      isRight: every(isChain),
    },
  ]
}

/** Oldest to newest each line continues the one before it, in number and in balance, and the last is the wallet's. */
function isChain({ wallet, statement }: Reading): boolean {
  let balance = 0
  for (const [at, line] of statement.toReversed().entries()) {
    balance += line.amount
    if (line.seq !== at + 1 || line.balanceAfter !== balance) return false
  }
  return balance === wallet.balance
}

function checkAnswers({ books }: Stage, it: { readings: readonly Reading[]; lines: readonly Line[] }): Check[] {
  const kept = books.sum('charge') - books.sum('spend') + books.sum('refund') + books.sum('grant')
  const ids = new Set(it.lines.map(({ id }) => id))
  return [
    {
      text: { ko: '받은 응답의 수 = 명세의 줄 수', en: 'Answers received = statement lines' },
      left: books.transfers.size,
      right: it.lines.length,
      isRight:
        ids.size === it.lines.length &&
        books.transfers.size === ids.size &&
        [...ids].every((id) => books.transfers.has(id)),
    },
    {
      text: { ko: '충전 − 사용 + 환불 + 적립 = 잔액', en: 'Charged − spent + refunded + earned = balances' },
      left: kept,
      right: it.readings.reduce((sum, { wallet }) => sum + wallet.balance, 0),
      isRight: it.readings.every(({ wallet }) => books.balanceOf(wallet.id) === wallet.balance),
    },
  ]
}

function checkJournal(
  { books }: Stage,
  it: { lines: readonly Line[]; journal: readonly Transfer[]; companies: readonly Company[] },
): Check[] {
  const moved = it.journal.reduce((sum, transfer) => sum + transfer.amount, 0)
  const inLots = (transfer: Transfer) => transfer.lots.reduce((sum, lot) => sum + lot.amount, 0)
  const earned = (merchantId: string) =>
    it.journal.reduce((sum, transfer) => {
      if (transfer.merchantId !== merchantId) return sum
      return transfer.kind === 'refund' ? sum - transfer.amount : sum + transfer.amount
    }, 0)
  const sumOf = (of: (merchantId: string) => number) => it.companies.reduce((sum, { id }) => sum + of(id), 0)
  return [
    {
      text: {
        ko: `원장의 거래 ${count(it.journal.length)}건 = 거래가 건드린 로트`,
        en: `${count(it.journal.length)} transfers of the journal = their lots`,
      },
      left: moved,
      right: it.journal.reduce((sum, transfer) => sum + inLots(transfer), 0),
      isRight: it.journal.every(
        (transfer, at) => inLots(transfer) === transfer.amount && Math.abs(it.lines[at]!.amount) === transfer.amount,
      ),
    },
    {
      text: {
        ko: `가맹점 ${it.companies.length}곳의 원장 = 사용 − 환불`,
        en: `Journal of ${it.companies.length} merchants = spent − refunded`,
      },
      left: sumOf(earned),
      right: sumOf(books.earnedBy),
      isRight: it.companies.every(({ id }) => earned(id) === books.earnedBy(id)),
    },
  ]
}

function showChecks({ screen }: Stage, checks: readonly Check[]): void {
  screen.table(
    [
      { title: { ko: '확인', en: 'Check' }, side: 'left' },
      { title: { ko: '왼쪽', en: 'Left' }, side: 'right' },
      { title: { ko: '오른쪽', en: 'Right' }, side: 'right' },
      { title: { ko: '', en: '' }, side: 'left' },
    ],
    checks.map(({ text, left, right, isRight }) => {
      // Sums can agree where wallets do not.
      const isProved = isRight && left === right
      return [screen.text(text), count(left), count(right), isProved ? '✓' : '✗']
    }),
  )
}
