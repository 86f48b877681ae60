import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { type Address, type Answer, openClient, type Transfer, type Wallet } from './client.ts'

/** What one thread of the race is to do. */
export interface SideOrder {
  readonly address: Address
  readonly walletId: string
  readonly memberId: string
  /** Between reading the balance and spending. */
  readonly waitMs: number
  /** The part of the balance that it spends. */
  readonly part: number
}

/** What it tells while it does it. */
export type SideReport =
  | { readonly did: 'read'; readonly balance: number }
  | { readonly did: 'spend'; readonly amount: number; readonly answer: Answer<Transfer> }

const { address, walletId, memberId, waitMs, part } = workerData as SideOrder
const client = openClient(address)
const report = (message: SideReport) => parentPort!.postMessage(message)

const { balance } = await client.get<Wallet>(`/v1/wallets/${walletId}`)
report({ did: 'read', balance })
await delay(waitMs)
const amount = Math.floor(balance * part)
report({
  did: 'spend',
  amount,
  answer: await client.post<Transfer>(`/v1/wallets/${walletId}/spends`, { amount, memberId }),
})
client.close()
