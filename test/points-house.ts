import assert from 'node:assert/strict'
import { type ApiHouse, type Body, openApiHouse } from './api-house.ts'
import type { Scope } from './harness.ts'

/** A test's own service, asked for points in the words of points: each of these must succeed, and answers its body. */
export interface PointsHouse extends Omit<ApiHouse, 'charge' | 'spend' | 'wallet'> {
  charge(walletId: string, amount: number, more?: object): Promise<Body>
  spend(walletId: string, amount: number, more?: object): Promise<Body>
  hold(walletId: string, amount: number, more?: object): Promise<Body>
  wallet(walletId: string): Promise<Body>
}

export async function openPointsHouse(
  scope: Scope,
  options: Parameters<typeof openApiHouse>[1] = {},
): Promise<PointsHouse> {
  const house = await openApiHouse(scope, options)
  const made = async (path: string, body: object): Promise<Body> => {
    const answer = await house.post(path, body)
    assert.equal(answer.status, 201, answer.text)
    return answer.body
  }
  return {
    ...house,
    charge: (walletId, amount, more = {}) =>
      made(`/v1/wallets/${walletId}/charges`, { amount, class: 'paid', ...more }),
    spend: (walletId, amount, more = {}) => made(`/v1/wallets/${walletId}/spends`, { amount, ...more }),
    hold: (walletId, amount, more = {}) => made(`/v1/wallets/${walletId}/holds`, { amount, ...more }),
    async wallet(walletId) {
      const { status, body, text } = await house.get(`/v1/wallets/${walletId}`)
      assert.equal(status, 200, text)
      return body
    },
  }
}
