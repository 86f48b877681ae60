import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Text } from '#platform/problem'
import { StartProblem } from '#platform/start-problem'
import type { Company } from './books.ts'
import type { Client, Refusal, Transfer, Wallet } from './client.ts'
import type { Stage } from './companies.ts'
import { fillUp } from './crowds.ts'
import { hundreds } from './names.ts'
import { elapsed } from './race.ts'
import { count } from './screen.ts'

/** What breaks the PostgreSQL of this Podo off, again and again; or why it is left alone. */
export type Outage = { readonly breakOff: () => void } | { readonly leftOut: Text }

const price = 2_000
const callerCount = 16
/** Between two requests of a caller. */
const pauseMs = 40
const beforeMs = 700
/** The supervisor's fifth attempt comes after this: it pauses 1.8 s in all before. */
const awayMs = 1_700
const afterMs = 300
/** More than the short wallets can pay for, however slow this machine is. */
const requestsMin = 400
const waitMaxMs = 60_000

/**
 * Callers spend from four wallets, to be carried out later, while PostgreSQL is away: all are taken on, and when it is
 * back each is carried out once, or refused where its wallet has too little. Answers whether the sums were exact.
 */
export async function outlastOutage(
  stage: Stage,
  { companies, outage }: { companies: readonly Company[]; outage: Outage },
): Promise<boolean> {
  const { client, screen } = stage
  screen.heading({ ko: '부하 중에 멈추는 PostgreSQL', en: 'PostgreSQL stops under load' })
  if ('leftOut' in outage) {
    screen.line(outage.leftOut)
    return true
  }
  const purses = await Promise.all(
    companies.slice(4, 8).map((company, at) => fillPurse(stage, { company, isShort: at % 2 === 0 })),
  )
  screen.line(intro(purses.length))
  const startedAt = performance.now()
  const tell = (text: Text) => screen.line(`${screen.text(elapsed(startedAt))}  ${screen.text(text)}`)
  const callers = startCallers(client, purses)
  await delay(beforeMs)
  const gone = await breakOff(stage, { ...outage, path: purses[0]!.path, tell })
  await delay(afterMs)
  const taken = await callers.stop()
  const isTaken = tellTaken(stage, { taken, ...gone })
  const outcomes = await waitForOutcomes(
    stage,
    taken.flatMap(({ operationId }) => operationId ?? []),
  )
  const isExact = await tellOutcomes(stage, { purses, taken, outcomes, ...gone })
  return isTaken && isExact
}

interface Purse {
  readonly path: string
  readonly memberId: string
  readonly balance: number
}

/** A short one has too little for all that is asked of it. */
async function fillPurse(stage: Stage, { company, isShort }: { company: Company; isShort: boolean }): Promise<Purse> {
  const { walletId, members } = company
  const balance = isShort ? hundreds(120_000, 180_000) : hundreds(900_000, 1_200_000)
  await fillUp(stage, { walletId, balance })
  return { path: `/v1/wallets/${walletId}`, memberId: members[0]!.id, balance }
}

/** A request and the operation that it became, where it was taken on. */
interface Taken {
  readonly purse: Purse
  readonly status: number
  readonly operationId: string | undefined
  /** Whether the same, sent again under its key, was the same operation; null where it was not sent again. */
  readonly isSame: boolean | null
  readonly sentAt: number
  readonly answeredAt: number
}

function startCallers(client: Client, purses: readonly Purse[]) {
  let isOver = false
  const taken: Taken[] = []
  const calling = Promise.all(
    Array.from({ length: callerCount }, async (_, at) => {
      for (let turn = at; !isOver || taken.length < requestsMin; turn += 1) {
        taken.push(await spendLater(client, { purse: purses[turn % purses.length]!, isTwice: turn % 10 === 0 }))
        await delay(pauseMs)
      }
    }),
  )
  calling.catch(() => {})
  return {
    async stop() {
      isOver = true
      await calling
      return taken
    },
  }
}

async function spendLater(client: Client, { purse, isTwice }: { purse: Purse; isTwice: boolean }): Promise<Taken> {
  const body = JSON.stringify({ amount: price, memberId: purse.memberId })
  const given = { body, key: randomUUID(), prefer: 'respond-async' }
  const send = async () => {
    const { status, text } = await client.send('POST', `${purse.path}/spends`, given)
    return { status, operationId: status === 202 ? (JSON.parse(text) as { id: string }).id : undefined }
  }
  const sentAt = performance.now()
  const { status, operationId } = await send()
  const answeredAt = performance.now()
  const again = isTwice ? await send() : null
  const isSame = again && (again.status !== 202 || again.operationId === operationId)
  return { purse, status, operationId, isSame, sentAt, answeredAt }
}

interface Gone {
  /** What whoever asked for a wallet was answered meanwhile. */
  readonly meanwhile: number
  readonly goneAt: number
  readonly backAt: number
}

/** Whoever keeps PostgreSQL starts it again at once: it is broken off until it was away for long enough. */
async function breakOff(
  { client }: Stage,
  by: { breakOff: () => void; path: string; tell: (text: Text) => void },
): Promise<Gone> {
  const goneAt = performance.now()
  by.breakOff()
  by.tell({ ko: 'PostgreSQL을 멈춤', en: 'PostgreSQL is stopped' })
  const read = async () => (await client.send('GET', by.path)).status
  const reading = delay(awayMs / 2).then(async () => {
    const status = await read()
    by.tell({ ko: `잔액을 읽으면 ${status}`, en: `who reads a balance is answered ${status}` })
    return status
  })
  reading.catch(() => {})
  while (performance.now() - goneAt < awayMs) {
    await delay(10)
    by.breakOff()
  }
  const meanwhile = await reading
  while ((await read()) !== 200) {
    if (performance.now() - goneAt > waitMaxMs) throw new StartProblem(notBack)
    await delay(20)
  }
  by.tell({ ko: 'PostgreSQL이 돌아옴', en: 'PostgreSQL is back' })
  return { meanwhile, goneAt, backAt: performance.now() }
}

function tellTaken({ screen }: Stage, { taken, meanwhile, goneAt, backAt }: Gone & { taken: readonly Taken[] }) {
  const accepted = taken.filter(({ status }) => status === 202)
  const away = accepted.filter(({ sentAt, answeredAt }) => sentAt >= goneAt && answeredAt <= backAt)
  const slowest = Math.round(Math.max(...taken.map(({ sentAt, answeredAt }) => answeredAt - sentAt)))
  const isTaken = accepted.length === taken.length && away.length > 0 && meanwhile === 503
  const numbers = { taken: count(taken.length), accepted: count(accepted.length), away: count(away.length) }
  screen.verdict(isTaken, {
    ko: `요청 ${numbers.taken}건 중 ${numbers.accepted}건 접수(202), 그중 ${numbers.away}건은 PostgreSQL이 없는 동안. 가장 느린 응답 ${slowest}ms`,
    en: `${numbers.accepted} of ${numbers.taken} taken on (202), ${numbers.away} while it was away; the slowest within ${slowest} ms`,
  })
  return isTaken
}

interface Operation {
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly outcome: { readonly body: Transfer | Refusal } | null
}

/** In the order in which they were taken on, which is nearly that in which they are carried out. */
async function waitForOutcomes({ client, screen }: Stage, operationIds: readonly string[]): Promise<Operation[]> {
  const counter = screen.counter({ ko: '처리되는 중', en: 'Carried out' }, operationIds.length)
  const outcomes: Operation[] = []
  const deadline = performance.now() + waitMaxMs
  const waiting = operationIds.values()
  await Promise.all(
    Array.from({ length: callerCount }, async () => {
      for (const operationId of waiting) {
        const find = () => client.get<Operation>(`/v1/operations/${operationId}`)
        let operation = await find()
        for (; operation.status === 'pending' && performance.now() < deadline; operation = await find())
          await delay(pauseMs)
        outcomes.push(operation)
        counter.tick()
      }
    }),
  )
  counter.clear()
  return outcomes
}

async function tellOutcomes(
  { client, screen, books }: Stage,
  it: Gone & { purses: readonly Purse[]; taken: readonly Taken[]; outcomes: readonly Operation[] },
): Promise<boolean> {
  const { purses, taken, outcomes } = it
  const seconds = ((performance.now() - it.backAt) / 1000).toFixed(1)
  const bodies = outcomes.map(({ outcome }) => outcome?.body)
  const transfers = bodies.flatMap((body) => (body && 'walletId' in body ? books.note(body) : []))
  const refused = bodies.filter((body) => body && 'type' in body && body.type.endsWith('/insufficient-points')).length
  const expected = purses.map((purse) =>
    Math.min(taken.filter((each) => each.purse === purse).length, Math.floor(purse.balance / price)),
  )
  const twice = taken.filter(({ isSame }) => isSame !== null)
  const isOnce = twice.every(({ isSame }) => isSame) && new Set(transfers.map(({ id }) => id)).size === transfers.length
  const isExact = isOnce && transfers.length === sum(expected) && transfers.length + refused === taken.length
  screen.verdict(isExact, {
    ko: `${count(taken.length)} = 처리 ${count(transfers.length)} + 잔액 부족 ${count(refused)}, 돌아온 지 ${seconds}초 뒤. 같은 키로 두 번 보낸 ${count(twice.length)}건도 한 번씩`,
    en: `${count(taken.length)} = ${count(transfers.length)} carried out + ${count(refused)} short of points, ${seconds} s later; ${count(twice.length)} sent twice, done once`,
  })
  const before = sum(purses.map(({ balance }) => balance))
  const wallets = await Promise.all(purses.map(({ path }) => client.get<Wallet>(path)))
  const after = sum(wallets.map(({ balance }) => balance))
  const isEach = wallets.every(({ balance }, at) => balance === purses[at]!.balance - expected[at]! * price)
  const equation = `${count(before)} − ${count(transfers.length)} × ${count(price)} = ${count(after)}`
  const isRight = isEach && before - transfers.length * price === after
  screen.verdict(isRight, {
    ko: `지갑 ${purses.length}개의 잔액: ${equation}`,
    en: `What the wallets have: ${equation}`,
  })
  return isExact && isRight
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function intro(walletCount: number): Text {
  return {
    ko: `호출자 ${callerCount}명이 지갑 ${walletCount}개에서 ${count(price)}씩 "Prefer: respond-async"로 사용하고, 요청은 Kafka에 남습니다.`,
    en: `${callerCount} callers spend ${count(price)} a time from ${walletCount} wallets by "Prefer: respond-async", kept in Kafka.`,
  }
}

const notBack: Text = {
  ko: 'PostgreSQL이 60초 안에 돌아오지 않았습니다. 데이터 폴더의 postgres/postgres.log를 확인해 주십시오.',
  en: 'PostgreSQL was not back within 60 seconds: see postgres/postgres.log in the data folder.',
}
