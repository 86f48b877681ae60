import assert from 'node:assert/strict'
import type { Body } from './api-house.ts'

/** Calls a Podo over the network, as its operator. */
export interface Operator {
  get(path: string): Promise<Body>
  /** What was made; fails unless it was. */
  post(path: string, body: object): Promise<Body>
}

export function operatorAt(url: string, key: string): Operator {
  const call = async (path: string, more: RequestInit) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { ...more, headers })
    const text = await answer.text()
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }
  return {
    get: (path) => call(path, {}),
    post: (path, body) => call(path, { method: 'POST', body: JSON.stringify(body) }),
  }
}

/** A new member of a new company pays 3,000 of 10,000 points; answers the wallet, and the spend. */
export async function spendOnce({ post }: Operator): Promise<{ walletId: string; spend: Body }> {
  const company = await post('/v1/companies', { name: 'Bluebird Coffee', registrationNumber: '123-45-67891' })
  const member = await post(`/v1/companies/${company.id}/members`, { nickname: 'First guest' })
  const walletId = member.wallet.id
  await post(`/v1/wallets/${walletId}/charges`, { amount: 10_000, class: 'paid' })
  return { walletId, spend: await post(`/v1/wallets/${walletId}/spends`, { amount: 3_000 }) }
}
