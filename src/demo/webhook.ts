import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { isSigned } from '#modules/webhooks'
import { isLoopback } from '#platform/addresses'
import type { Text } from '#platform/problem'
import type { Company } from './books.ts'
import { type Address, bodyOf, type Transfer } from './client.ts'
import type { Stage } from './companies.ts'
import { hundreds } from './names.ts'
import { count } from './screen.ts'

const waitMaxMs = 15_000

/** A company hears of a spend at a server of its own, and tells by the signature from whom. Answers whether it did. */
export async function hearByWebhook(
  stage: Stage,
  { address, companies }: { address: Address; companies: readonly Company[] },
): Promise<boolean> {
  const { client, screen } = stage
  screen.heading({ ko: '웹훅', en: 'Webhooks' })
  if (!isLoopback(new URL(address.url).hostname)) {
    screen.line(elsewhere)
    return true
  }
  const company = companies[0]!
  const receiver = await openReceiver()
  const endpoints = `/v1/companies/${company.id}/webhook-endpoints`
  const made = await client.post<Endpoint>(endpoints, { url: receiver.url, types: ['points.spent'] })
  const endpoint = bodyOf(made)
  try {
    const spend = await spendSome(stage, company)
    const spentAt = performance.now()
    const came = await receiver.find(spend.id)
    const ms = Math.round(performance.now() - spentAt)
    const isRight = came !== null && isSigned({ ...came, nowMs: Date.now() }, endpoint.secret)
    const told = { company: company.name, amount: spend.amount, ms }
    screen.verdict(isRight, came === null ? nothingCame : isRight ? arrived(told) : unsigned)
    return isRight
  } finally {
    await client.ask('DELETE', `${endpoints}/${endpoint.id}`)
    receiver.close()
  }
}

interface Endpoint {
  readonly id: string
  readonly secret: string
}

async function spendSome({ client, books }: Stage, { id, members }: Company): Promise<Transfer> {
  const wallet = `/v1/wallets/${members[0]!.walletId}`
  const amount = hundreds(1_000, 5_000)
  books.noted(await client.post<Transfer>(`${wallet}/charges`, { amount, class: 'bonus' }))
  return books.noted(await client.post<Transfer>(`${wallet}/spends`, { amount, merchantId: id }))
}

interface Came {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** The server of the company: it takes whatever comes. */
async function openReceiver() {
  const came: Came[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    came.push({ headers: request.headers, body: Buffer.concat(parts).toString('utf8') })
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/podo`,
    /** The event of a transfer, once it has come; null where it does not. */
    async find(transferId: string): Promise<Came | null> {
      const until = performance.now() + waitMaxMs
      while (performance.now() < until) {
        const found = came.find(({ body }) => body.includes(transferId))
        if (found) return found
        await delay(5)
      }
      return null
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function arrived(it: { company: string; amount: number; ms: number }): Text {
  const amount = count(it.amount)
  return {
    ko: `${it.company}의 서버에 ${amount}포인트 사용 이벤트가 ${it.ms}ms 뒤 도착했고, 서명이 맞습니다.`,
    en: `A spend of ${amount} arrived at the server of ${it.company} ${it.ms} ms later, and is signed.`,
  }
}

const elsewhere: Text = {
  ko: '다른 컴퓨터의 Podo는 이 컴퓨터로 웹훅을 보낼 수 없어 건너뜁니다.',
  en: 'Left out: a Podo elsewhere sends nothing to this machine.',
}

const nothingCame: Text = {
  ko: '아무것도 도착하지 않았습니다. 작업 프로세스(podo serve --role worker)가 실행 중인지 확인해 주십시오.',
  en: 'Nothing arrived: see whether a worker runs (podo serve --role worker).',
}

const unsigned: Text = {
  ko: '도착한 이벤트의 서명이 맞지 않습니다.',
  en: 'What arrived is not signed as it has to be.',
}
