import type { Books, Company, Member } from './books.ts'
import { bodyOf, type Client, type Transfer } from './client.ts'
import { hundreds, makeCompanyNames, makeNickname, makeRegistrationNumber } from './names.ts'
import { count, type Screen } from './screen.ts'

/** What every scene is played with. */
export interface Stage {
  readonly client: Client
  readonly screen: Screen
  readonly books: Books
}

const companyCount = 10
const membersPerCompany = 3
const dayMs = 86_400_000
const neverMet = { rateBasisPoints: 1, minimum: Number.MAX_SAFE_INTEGER }

/** Ten companies of random names, with three members each. */
export async function makeCompanies({ client, screen }: Stage): Promise<Company[]> {
  screen.heading({ ko: '회사와 회원', en: 'Companies and members' })
  const counter = screen.counter({ ko: '만드는 중', en: 'Making' }, companyCount * (1 + membersPerCompany))
  const companies = await Promise.all(
    makeCompanyNames(companyCount, screen.language).map(async (name) => {
      const company = await makeCompany(client, name)
      // A rule of its own goes before those of the programme: whatever rules there are, nothing is earned by surprise.
      bodyOf(await client.post('/v1/earning-rules', { companyId: company.id, ...neverMet }))
      counter.tick()
      const members = await Promise.all(
        Array.from({ length: membersPerCompany }, async (): Promise<Member> => {
          const body = { nickname: makeNickname(screen.language) }
          const member = bodyOf(await client.post<Made>(`/v1/companies/${company.id}/members`, body))
          counter.tick()
          return { id: member.id, walletId: member.wallet.id }
        }),
      )
      return { id: company.id, name, walletId: company.wallet.id, members }
    }),
  )
  counter.clear()
  screen.line({
    ko: `회사 ${companyCount}개와 회원 ${companyCount * membersPerCompany}명을 만들었습니다. 지갑은 함께 생깁니다.`,
    en: `${companyCount} companies and ${companyCount * membersPerCompany} members, each with a wallet from the start.`,
  })
  return companies
}

/** Random paid and bonus points for every wallet; some of the bonus points will expire. */
export async function chargeWallets({ client, screen, books }: Stage, companies: readonly Company[]): Promise<void> {
  screen.heading({ ko: '충전', en: 'Charges' })
  const charges = companies.flatMap(({ walletId, members }) => [
    { walletId, class: 'bonus', amount: hundreds(5_000, 20_000), expiresAt: inDays(hundreds(4_000, 9_000) / 100) },
    { walletId, class: 'bonus', amount: hundreds(5_000, 20_000) },
    { walletId, class: 'paid', amount: hundreds(20_000, 50_000) },
    ...members.flatMap((member) => [
      { walletId: member.walletId, class: 'bonus', amount: hundreds(3_000, 10_000) },
      { walletId: member.walletId, class: 'paid', amount: hundreds(10_000, 30_000) },
    ]),
  ])
  const counter = screen.counter({ ko: '충전하는 중', en: 'Charging' }, charges.length)
  const sums: Record<string, number> = { paid: 0, bonus: 0 }
  await Promise.all(
    charges.map(async ({ walletId, ...body }) => {
      books.noted(await client.post<Transfer>(`/v1/wallets/${walletId}/charges`, body))
      sums[body.class]! += body.amount
      counter.tick()
    }),
  )
  counter.clear()
  const wallets = new Set(charges.map(({ walletId }) => walletId)).size
  screen.line({
    ko: `지갑 ${wallets}개에 ${charges.length}번 충전했습니다: 유상 ${count(sums.paid!)}, 무상 ${count(sums.bonus!)}`,
    en: `${charges.length} charges to ${wallets} wallets: ${count(sums.paid!)} paid, ${count(sums.bonus!)} bonus`,
  })
}

interface Made {
  readonly id: string
  readonly wallet: { readonly id: string }
}

/** A company of this name; its number is tried again until it is nobody's. */
export async function makeCompany(client: Client, name: string): Promise<Made> {
  for (;;) {
    const body = { name, registrationNumber: makeRegistrationNumber() }
    const answer = await client.post<Made>('/v1/companies', body)
    if (answer.isDone || !answer.problem.type.endsWith('/registration-number-taken')) return bodyOf(answer)
  }
}

function inDays(days: number): string {
  return new Date(Date.now() + days * dayMs).toISOString()
}
