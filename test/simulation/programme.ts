import assert from 'node:assert/strict'
import { registrationNumberOf } from '../api-house.ts'
import type { Service } from './service.ts'

/** A company with members, made over HTTP; ids as callers see them. */
export interface Programme {
  readonly companyId: string
  readonly walletIds: readonly string[]
}

let programmes = 0

/** A new company and members with so many paid points each. */
export async function openProgramme(
  service: Service,
  { wallets, points }: { wallets: number; points: number },
): Promise<Programme> {
  programmes += 1
  const made = async (path: string, body: object) => {
    const heard = await service.send({ path, body })
    assert.equal(heard.status, 201, heard.text)
    return heard.body
  }
  const registrationNumber = registrationNumberOf(programmes)
  const company = await made('/v1/companies', { name: `Company ${programmes}`, registrationNumber })
  const member = async (_: unknown, at: number): Promise<string> => {
    const { wallet } = await made(`/v1/companies/${company.id}/members`, { nickname: `Member ${at}` })
    if (points > 0) await made(`/v1/wallets/${wallet.id}/charges`, { amount: points, class: 'paid' })
    return wallet.id
  }
  return { companyId: company.id, walletIds: await Promise.all(Array.from({ length: wallets }, member)) }
}
