import { randomInt, randomUUID } from 'node:crypto'
import type { Text } from '#platform/problem'
import type { Company } from './books.ts'
import { type Address, bodyOf, type Client, openClient, type Transfer } from './client.ts'
import type { Stage } from './companies.ts'
import { hundreds, makeNickname, pick } from './names.ts'
import { count } from './screen.ts'

const peopleCount = 3

interface Person {
  readonly nickname: string
  readonly walletId: string
  readonly email: string
  readonly password: string
  readonly accessToken: string
}

interface Tokens {
  readonly accessToken: string
}

/** People sign up, pay by themselves, sign out and in again. Answers their wallets, and whether all was as it has to be. */
export async function signPeopleIn(
  stage: Stage,
  { address, companies }: { address: Address; companies: readonly Company[] },
): Promise<{ isRight: boolean; walletIds: string[] }> {
  const { client, screen, books } = stage
  screen.heading({ ko: '사람들의 로그인', en: 'People who sign in' })
  const anonymous = openClient({ ...address, key: '' })
  const people = await Promise.all(Array.from({ length: peopleCount }, () => signUp(anonymous, stage)))
  const verdicts: boolean[] = []
  for (const person of people) {
    const { nickname, walletId, email, password, accessToken } = person
    const own = openClient({ ...address, key: accessToken })
    const [charged, merchant] = [hundreds(5_000, 20_000), pick(companies)]
    const charge = { amount: charged, class: 'paid', reference: randomUUID() }
    books.noted(await client.post<Transfer>(`/v1/wallets/${walletId}/charges`, charge))
    const amount = hundreds(100, charged - 100)
    books.noted(await own.post<Transfer>(`/v1/wallets/${walletId}/spends`, { amount, merchantId: merchant.id }))
    screen.line(paid({ nickname, amount: count(amount), merchant: merchant.name }))

    await own.ask('DELETE', '/v1/sessions/current')
    const refused = await own.ask('GET', '/v1/me')
    const { accessToken: next } = bodyOf(await anonymous.post<Tokens>('/v1/sessions', { email, password }))
    const again = openClient({ ...address, key: next })
    const admitted = await again.ask('GET', '/v1/me')
    verdicts.push(refused === 401 && admitted === 200)
    for (const each of [own, again]) each.close()
  }
  anonymous.close()
  const isRight = verdicts.every(Boolean)
  screen.verdict(isRight, {
    ko: '로그아웃한 토큰은 바로 거절되고(401), 다시 로그인하면 들어갑니다.',
    en: 'A token is refused (401) as soon as its owner signs out; whoever signs in again is let in.',
  })
  return { isRight, walletIds: people.map(({ walletId }) => walletId) }
}

async function signUp(anonymous: Client, { screen }: Stage): Promise<Person> {
  const email = `${randomUUID()}@example.com`
  const password = `${randomUUID()} ${screen.text({ ko: '포도', en: 'grapes' })}`
  for (let tries = 0; ; tries += 1) {
    // The demo is played again and again, and in the end every plain name has somebody.
    const number = tries < triesMax ? '' : ` ${randomInt(2, 1_000)}`
    const nickname = makeNickname(screen.language) + number
    const answer = await anonymous.post<Tokens & SignedUp>('/v1/accounts', { nickname, email, password })
    if (!answer.isDone && answer.problem.type.endsWith('/nickname-taken')) continue
    const { member, accessToken } = bodyOf(answer)
    return { nickname, email, password, walletId: member.wallet.id, accessToken }
  }
}

const triesMax = 5

interface SignedUp {
  readonly member: { readonly wallet: { readonly id: string } }
}

/** The servers of a company call with its key: within its own doors, and no longer than it is valid. */
export async function callWithKey(
  stage: Stage,
  { address, companies }: { address: Address; companies: readonly Company[] },
): Promise<boolean> {
  const { client, screen, books } = stage
  screen.heading({ ko: '회사의 API 키', en: "A company's API key" })
  const [company, other] = companies as [Company, Company]
  const keys = `/v1/companies/${company.id}/api-keys`
  const key = bodyOf(
    await client.post<{ id: string; secret: string }>(keys, { name: 'demo', scopes: ['read', 'points'] }),
  )
  const server = openClient({ ...address, key: key.secret })
  const [mine, theirs] = [pick(company.members).walletId, pick(other.members).walletId]
  const charge = { amount: hundreds(100, 1_000), class: 'bonus' }
  books.noted(await server.post<Transfer>(`/v1/wallets/${mine}/charges`, charge))
  screen.line(given({ company: company.name, amount: count(charge.amount) }))
  const verdicts: [isRight: boolean, text: Text][] = [
    [
      (await server.ask('POST', `/v1/wallets/${theirs}/charges`, charge)) === 404,
      {
        ko: '다른 회사 회원의 지갑은 이 키에 보이지 않습니다(404).',
        en: "A wallet of another company's member is unknown to it (404).",
      },
    ],
    [
      (await server.ask('POST', `/v1/wallets/${mine}/charges`, { ...charge, class: 'paid' })) === 403,
      { ko: '이 키에는 유상 포인트를 발행할 권한이 없습니다(403).', en: 'It has no scope to issue paid points (403).' },
    ],
  ]
  await client.ask('DELETE', `${keys}/${key.id}`)
  verdicts.push([
    (await server.ask('GET', `/v1/wallets/${mine}`)) === 401,
    { ko: '폐기하면 바로 거절됩니다(401).', en: 'Once revoked it is refused at once (401).' },
  ])
  server.close()
  for (const [isRight, text] of verdicts) screen.verdict(isRight, text)
  return verdicts.every(([isRight]) => isRight)
}

function paid({ nickname, amount, merchant }: { nickname: string; amount: string; merchant: string }): Text {
  return {
    ko: `${nickname} 님이 가입하고 ${merchant}에서 ${amount}포인트를 직접 썼습니다.`,
    en: `${nickname} signed up and spent ${amount} points at ${merchant}.`,
  }
}

function given({ company, amount }: { company: string; amount: string }): Text {
  return {
    ko: `${company}의 서버가 자기 회원에게 무상 ${amount}포인트를 주었습니다.`,
    en: `The server of ${company} gave a member of its own ${amount} bonus points.`,
  }
}
