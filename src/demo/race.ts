import { Worker } from 'node:worker_threads'
import type { Text } from '#platform/problem'
import type { Company } from './books.ts'
import type { Address, Wallet } from './client.ts'
import type { Stage } from './companies.ts'
import type { SideOrder, SideReport } from './race-side.ts'
import { count } from './screen.ts'

const waitMs = 2_000

/**
 * Two threads on a company's wallet: A reads the balance and waits two seconds, B spends first, then A spends by what
 * it has read. Once there is enough for both, once there is not. Answers whether both came out exact.
 */
export async function runRaces(
  stage: Stage,
  { address, companies }: { address: Address; companies: readonly Company[] },
): Promise<boolean> {
  const { screen } = stage
  screen.heading({ ko: '두 스레드의 경쟁', en: 'A race of two threads' })
  screen.line({
    ko: 'A는 잔액을 읽고 2초 기다린 뒤 사용합니다. 그사이에 B가 먼저 사용합니다.',
    en: 'A reads the balance, waits two seconds and spends. Meanwhile B spends first.',
  })
  const [first, second] = companies
  const isEnough = { ko: '둘 다 쓸 만큼 있을 때', en: 'With enough for both' }
  const isShort = { ko: '둘 다 쓰기에는 모자랄 때', en: 'With too little for both' }
  const exact = [
    await race(stage, { address, company: first!, title: isEnough, part: 0.4 }),
    await race(stage, { address, company: second!, title: isShort, part: 1 }),
  ]
  return exact.every(Boolean)
}

interface Race {
  readonly address: Address
  readonly company: Company
  readonly title: Text
  /** What A spends of the balance that it read; B spends 30 %. */
  readonly part: number
}

async function race(stage: Stage, { address, company, title, part }: Race): Promise<boolean> {
  const { client, screen, books } = stage
  const { walletId, members } = company
  const start = books.balanceOf(walletId)
  screen.line('')
  screen.line({ ko: `${title.ko} (${company.name})`, en: `${title.en} (${company.name})` })
  const startedAt = performance.now()
  const told: { side: 'A' | 'B'; report: SideReport }[] = []
  const side = (name: 'A' | 'B', order: Pick<SideOrder, 'memberId' | 'waitMs' | 'part'>, onReport = () => {}) =>
    runSide({ address, walletId, ...order }, (report) => {
      told.push({ side: name, report })
      screen.line(`${screen.text(elapsed(startedAt))}  ${name}  ${screen.text(describe(report))}`)
      if (report.did === 'spend' && report.answer.isDone) books.note(report.answer.body)
      onReport()
    })

  let b: Promise<void> | undefined
  await side('A', { memberId: members[0]!.id, waitMs, part }, () => {
    b ??= side('B', { memberId: members[1]!.id, waitMs: 0, part: 0.3 })
  })
  await b
  const { balance } = await client.get<Wallet>(`/v1/wallets/${walletId}`)
  const spent = told.reduce((sum, { report }) => sum + (isSpent(report) ? report.amount : 0), 0)
  const outcomes = told.flatMap(({ side: name, report }) => (report.did === 'spend' ? `${name}${isSpent(report)}` : []))
  const isExact = balance === start - spent && outcomes.join() === (part === 1 ? 'Btrue,Afalse' : 'Btrue,Atrue')
  const numbers = `${count(start)} − ${count(spent)} = ${count(balance)}`
  const naive = count(start - Math.floor(start * part))
  screen.verdict(isExact, {
    ko: `${numbers}. A가 읽은 값에서 뺐다면 ${naive}이 되었을 것입니다.`,
    en: `${numbers}. Written back from what A had read, it would be ${naive}.`,
  })
  return isExact
}

function isSpent(report: SideReport): report is Extract<SideReport, { did: 'spend' }> {
  return report.did === 'spend' && report.answer.isDone
}

function runSide(order: SideOrder, onReport: (report: SideReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./race-side.ts', import.meta.url), { workerData: order })
    worker.on('message', onReport)
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}

function describe(report: SideReport): Text {
  if (report.did === 'read') {
    return { ko: `잔액을 읽음: ${count(report.balance)}`, en: `reads the balance: ${count(report.balance)}` }
  }
  const { answer } = report
  const amount = count(report.amount)
  if (answer.isDone) {
    const left = count(answer.body.balanceAfter)
    return { ko: `${amount} 사용 → 승인, 잔액 ${left}`, en: `spends ${amount} → accepted, ${left} left` }
  }
  const { title, available = 0, required = 0 } = answer.problem
  return {
    ko: `${amount} 사용 → 거절: ${title} (필요 ${count(required)}, 가능 ${count(available)})`,
    en: `spends ${amount} → refused: ${title} (${count(required)} needed, ${count(available)} available)`,
  }
}

/** How long after that. */
export function elapsed(startedAt: number): Text {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(2).padStart(5)
  return { ko: `${seconds}초`, en: `${seconds} s` }
}
