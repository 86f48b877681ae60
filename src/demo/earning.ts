import { setTimeout as delay } from 'node:timers/promises'
import type { Text } from '#platform/problem'
import { bodyOf, type Client, type Transfer } from './client.ts'
import { makeCompany, type Stage } from './companies.ts'
import { hundreds, makeCompanyNames, makeNickname } from './names.ts'
import { count } from './screen.ts'

const waitMaxMs = 15_000

/**
 * Somebody spends at a company that gives 1 % back, and has it a moment later. Answers the wallet, and whether it was
 * exactly what the rule says.
 */
export async function earnPoints({ client, screen, books }: Stage): Promise<{ isRight: boolean; walletId: string }> {
  screen.heading({ ko: '적립', en: 'Earning' })
  const [name] = makeCompanyNames(1, screen.language)
  const company = await makeCompany(client, name!)
  bodyOf(await client.post('/v1/earning-rules', { companyId: company.id, rateBasisPoints: 100, expiresInDays: 365 }))
  const nickname = makeNickname(screen.language)
  const member = bodyOf(await client.post<Made>(`/v1/companies/${company.id}/members`, { nickname }))
  const walletId = member.wallet.id
  const wallet = `/v1/wallets/${walletId}`
  const amount = hundreds(5_000, 20_000)
  books.noted(await client.post<Transfer>(`${wallet}/charges`, { amount, class: 'paid' }))
  books.noted(await client.post<Transfer>(`${wallet}/spends`, { amount }))
  const spentAt = performance.now()
  const grant = await waitForGrant(client, wallet)
  const ms = Math.round(performance.now() - spentAt)
  if (grant) books.note(grant)
  const isRight = grant?.amount === amount / 100
  screen.verdict(isRight, grant ? earned({ nickname, company: name!, amount, grant, ms }) : nothingCame)
  return { isRight, walletId }
}

interface Made {
  readonly wallet: { readonly id: string }
}

/** It is given by a worker, after the spend. */
async function waitForGrant(client: Client, wallet: string): Promise<Transfer | null> {
  const until = performance.now() + waitMaxMs
  while (performance.now() < until) {
    const [line] = await client.list<{ id: string }>(`${wallet}/transfers?kind=grant`)
    if (line) return client.get<Transfer>(`/v1/transfers/${line.id}`)
    await delay(20)
  }
  return null
}

function earned(it: { nickname: string; company: string; amount: number; grant: Transfer; ms: number }): Text {
  const [paid, points] = [count(it.amount), count(it.grant.amount)]
  return {
    ko: `${it.nickname} 님이 ${it.company}에서 유상 ${paid}포인트를 쓰고 ${it.ms}ms 뒤 1%인 ${points}포인트 적립`,
    en: `${it.nickname} spent ${paid} paid points at ${it.company} and earned ${points} (1 %) ${it.ms} ms later.`,
  }
}

const nothingCame: Text = {
  ko: '적립되지 않았습니다. 작업 프로세스(podo serve --role worker)가 실행 중인지 확인해 주십시오.',
  en: 'Nothing was earned: see whether a worker runs (podo serve --role worker).',
}
