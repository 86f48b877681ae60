import type { Company } from './books.ts'
import { connectionsMax, type Transfer, type Wallet } from './client.ts'
import type { Stage } from './companies.ts'
import { hundreds } from './names.ts'
import { count } from './screen.ts'

const price = 1_000

/**
 * 150 spends of 1,000 at once from a wallet that holds exactly enough, then 1,000 from one that does not. Answers
 * whether exactly as many were accepted as the wallet could pay, each with a balance of its own.
 */
export async function runCrowds(stage: Stage, companies: readonly Company[]): Promise<boolean> {
  stage.screen.heading({ ko: '한 지갑에 몰리는 동시 사용', en: 'Many at once on one wallet' })
  const enough = await crowd(stage, { company: companies[2]!, spends: 150, balance: 150 * price })
  stage.screen.line('')
  const short = await crowd(stage, { company: companies[3]!, spends: 1_000, balance: hundreds(600_000, 900_000) })
  return enough && short
}

async function crowd(stage: Stage, it: { company: Company; spends: number; balance: number }): Promise<boolean> {
  const { client, screen, books } = stage
  const { walletId, members } = it.company
  await fillUp(stage, { walletId, balance: it.balance })
  screen.line({
    ko: `${it.company.name}: 잔액 ${count(it.balance)}, ${count(price)}씩 ${count(it.spends)}건을 동시에 사용합니다 (연결 ${Math.min(it.spends, connectionsMax)}개).`,
    en: `${it.company.name}: ${count(it.balance)} points, ${count(it.spends)} spends of ${count(price)} at once (${Math.min(it.spends, connectionsMax)} connections).`,
  })
  const counter = screen.counter({ ko: '사용하는 중', en: 'Spending' }, it.spends)
  const startedAt = performance.now()
  const answers = await Promise.all(
    Array.from({ length: it.spends }, async (_, at) => {
      const body = { amount: price, memberId: members[at % members.length]!.id }
      const answer = await client.post<Transfer>(`/v1/wallets/${walletId}/spends`, body)
      counter.tick()
      return answer
    }),
  )
  const elapsed = (performance.now() - startedAt) / 1000
  counter.clear()

  const accepted = answers.flatMap((answer) => (answer.isDone ? books.note(answer.body) : []))
  const refused = answers.filter(
    (answer) => !answer.isDone && answer.problem.type.endsWith('/insufficient-points'),
  ).length
  const { balance } = await client.get<Wallet>(`/v1/wallets/${walletId}`)
  const expected = Math.min(it.spends, Math.floor(it.balance / price))
  const isExact =
    accepted.length === expected && refused === it.spends - expected && balance === it.balance - expected * price
  screen.verdict(isExact, {
    ko: `승인 ${count(accepted.length)}, 거절 ${count(refused)}, 남은 잔액 ${count(balance)}. ${elapsed.toFixed(2)}초, 초당 ${count(Math.round(it.spends / elapsed))}건`,
    en: `${count(accepted.length)} accepted, ${count(refused)} refused, ${count(balance)} left. ${elapsed.toFixed(2)} s, ${count(Math.round(it.spends / elapsed))} a second`,
  })
  const isOrdered = isStaircase(accepted, it.balance)
  screen.verdict(isOrdered, {
    ko: `승인된 건마다 남은 잔액이 서로 다릅니다: ${count(it.balance - price)}부터 ${count(balance)}까지 한 계단씩`,
    en: `Each accepted one has a balance of its own, from ${count(it.balance - price)} down to ${count(balance)} without a gap`,
  })
  return isExact && isOrdered
}

/** Brings the wallet to the balance by paid and bonus points, so that the crowd spends both. */
export async function fillUp({ client, books }: Stage, it: { walletId: string; balance: number }): Promise<void> {
  const missing = it.balance - books.balanceOf(it.walletId)
  const bonus = Math.floor(missing / 2)
  for (const charge of [
    { class: 'bonus', amount: bonus },
    { class: 'paid', amount: missing - bonus },
  ]) {
    books.noted(await client.post<Transfer>(`/v1/wallets/${it.walletId}/charges`, charge))
  }
}

function isStaircase(accepted: readonly Transfer[], start: number): boolean {
  const balances = accepted.map(({ balanceAfter }) => balanceAfter).sort((one, other) => other - one)
  return balances.every((balance, at) => balance === start - (at + 1) * price)
}
