import type { Company } from './books.ts'
import type { Transfer, Wallet } from './client.ts'
import type { Stage } from './companies.ts'
import { hundreds, pick } from './names.ts'
import { count } from './screen.ts'

/**
 * Members spend from their company's wallet and from their own: what is free first, then a mix, then what was paid
 * for. Every company refunds something of what was spent there.
 */
export async function spendAndRefund(stage: Stage, companies: readonly Company[]): Promise<void> {
  const { client, screen, books } = stage
  screen.heading({ ko: '사용과 환불', en: 'Spends and refunds' })
  const purseCount = companies.reduce((sum, { members }) => sum + 1 + members.length, 0)
  const counter = screen.counter({ ko: '사용하는 중', en: 'Spending' }, purseCount)
  await Promise.all(
    companies.flatMap(({ walletId, members }) => {
      const ids = members.map(({ id }) => id)
      const purses = [{ walletId, memberIds: ids }, ...members.map((it) => ({ walletId: it.walletId, memberIds: [] }))]
      return purses.map(async (purse) => {
        await spendAllWays(stage, { ...purse, companies })
        counter.tick()
      })
    }),
  )
  const spends = [...books.transfers.values()].filter(({ kind }) => kind === 'spend')
  await Promise.all(
    companies.map(async ({ id, walletId, members }) => {
      const theirs = new Set([walletId, ...members.map((member) => member.walletId)])
      const spend = pick(spends.filter((it) => it.merchantId === id && theirs.has(it.walletId)))
      const part = pick([null, hundreds(100, spend.amount)])
      const body = { reason: screen.text({ ko: '반품', en: 'returned' }), ...(part === null ? {} : { amount: part }) }
      books.noted(await client.post<Transfer>(`/v1/transfers/${spend.id}/refunds`, body))
    }),
  )
  counter.clear()
  showCompanies(stage, companies)
  const ways = { bonus: 0, paid: 0, both: 0 }
  for (const spend of spends) ways[wayOf(spend)] += 1
  screen.line('')
  screen.line({
    ko: `사용 ${spends.length}건: 무상만 ${ways.bonus}, 유상만 ${ways.paid}, 무상과 유상 함께 ${ways.both}. 환불 ${companies.length}건`,
    en: `${spends.length} spends: ${ways.bonus} bonus only, ${ways.paid} paid only, ${ways.both} both. ${companies.length} refunds`,
  })
}

interface Purse {
  readonly walletId: string
  /** Members who spend from it in turn; empty for a member's own. */
  readonly memberIds: readonly string[]
  readonly companies: readonly Company[]
}

/** Amounts that bonus-first takes from bonus points only, from both classes, and from paid points only. */
async function spendAllWays({ client, books }: Stage, { walletId, memberIds, companies }: Purse): Promise<void> {
  const { byClass } = await client.get<Wallet>(`/v1/wallets/${walletId}`)
  const bonusOnly = hundreds(100, byClass.bonus - 100)
  const both = byClass.bonus - bonusOnly + hundreds(100, byClass.paid / 3)
  const paidOnly = hundreds(100, byClass.paid / 3)
  for (const [turn, amount] of [bonusOnly, both, paidOnly].entries()) {
    // Without a merchant the points are spent at the company of the wallet's owner.
    const merchant = turn === 1 ? { merchantId: pick(companies).id } : {}
    const member = memberIds.length > 0 ? { memberId: memberIds[turn % memberIds.length] } : {}
    books.noted(await client.post<Transfer>(`/v1/wallets/${walletId}/spends`, { amount, ...merchant, ...member }))
  }
}

function wayOf(spend: Transfer): 'bonus' | 'paid' | 'both' {
  const classes = new Set(spend.lots.map((lot) => lot.class))
  if (classes.size > 1) return 'both'
  return classes.has('bonus') ? 'bonus' : 'paid'
}

function showCompanies({ screen, books }: Stage, companies: readonly Company[]): void {
  screen.table(
    [
      { title: { ko: '회사', en: 'Company' }, side: 'left' },
      { title: { ko: '충전', en: 'Charged' }, side: 'right' },
      { title: { ko: '회사 지갑 사용', en: 'By company' }, side: 'right' },
      { title: { ko: '회원 지갑 사용', en: 'By members' }, side: 'right' },
      { title: { ko: '환불', en: 'Refunded' }, side: 'right' },
      { title: { ko: '남음', en: 'Left' }, side: 'right' },
    ],
    companies.map(({ name, walletId, members }) => {
      const own = new Set([walletId])
      const theirs = new Set(members.map((member) => member.walletId))
      const all = new Set([walletId, ...theirs])
      const left = [...all].reduce((sum, id) => sum + books.balanceOf(id), 0)
      const sums = [
        books.sum('charge', all),
        books.sum('spend', own),
        books.sum('spend', theirs),
        books.sum('refund', all),
      ]
      return [name, ...[...sums, left].map(count)]
    }),
  )
}
