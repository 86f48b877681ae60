import assert from 'node:assert/strict'
import { createCompany, createCompanyMember } from '#modules/companies'
import { openLedgerLane } from '#modules/ledger'
import { openPoints, type PointsSettings, pointsRoutes } from '#modules/points'
import { closeHttp, openHttp } from '#platform/http'
import { openValidation } from '#platform/http-validation'
import { fromPublicId, toPublicId } from '#platform/ids'
import { openLog } from '#platform/log'
import { type Actor, system } from '#platform/work'
import type { Answer, Body, Holder } from './api-house.ts'
import { type House, openHouse, type Scope } from './harness.ts'

export type { Body } from './api-house.ts'

/** A test's own database with the routes of points on it, spoken to as a caller does; ids are public ones. */
export interface PointsHouse extends House {
  company(): Promise<Holder>
  member(companyId: string): Promise<Holder>
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** Sends a body: an object, or text as it is. */
  post(path: string, body?: object | string, headers?: Record<string, string>): Promise<Answer>
  /** The transfer of a charge, which must succeed. */
  charge(walletId: string, amount: number, more?: object): Promise<Body>
  spend(walletId: string, amount: number, more?: object): Promise<Body>
  hold(walletId: string, amount: number, more?: object): Promise<Body>
  wallet(walletId: string): Promise<Body>
  /** Points from here on may be moved between companies, as after a start with another setting. */
  allowMovesAcrossCompanies(): void
}

export async function openPointsHouse(scope: Scope): Promise<PointsHouse> {
  const house = await openHouse(scope)
  const settings = { movesAcrossCompanies: false, expiringSoonDays: 30 } satisfies PointsSettings
  const server = await openServer(house, settings)
  const send = async (method: 'GET' | 'POST', url: string, payload: object | string | undefined, headers: object) => {
    const json = typeof payload === 'string' ? { 'content-type': 'application/json' } : {}
    const sent = await server.inject({
      method,
      url,
      headers: { ...json, authorization, ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
    return { status: sent.statusCode, text: sent.body, body: JSON.parse(sent.body) as Body, headers: sent.headers }
  }
  const post: PointsHouse['post'] = (path, body, headers = {}) => send('POST', path, body, headers)
  const get: PointsHouse['get'] = (path, headers = {}) => send('GET', path, undefined, headers)
  const done = async (answer: Promise<Answer>): Promise<Body> => {
    const { status, body, text } = await answer
    assert.ok(status < 300, text)
    return body
  }
  let companies = 0
  return {
    ...house,
    get,
    post,
    async company() {
      companies += 1
      const registrationNumber = String(companies).padStart(10, '0')
      const input = { name: `Company ${companies}`, registrationNumber, feeRate: 0 }
      const company = await house.withWork(system, (work) => createCompany(work, input))
      return { id: toPublicId('cmp', company.id), walletId: toPublicId('wlt', company.walletId) }
    },
    async member(companyId) {
      const input = { companyId: fromPublicId('cmp', companyId)!, email: null, externalId: null, nickname: 'A member' }
      const member = await house.withWork(system, (work) => createCompanyMember(work, input))
      return { id: toPublicId('mem', member.id), walletId: toPublicId('wlt', member.walletId) }
    },
    charge: (walletId, amount, more = {}) =>
      done(post(`/v1/wallets/${walletId}/charges`, { amount, class: 'paid', ...more })),
    spend: (walletId, amount, more = {}) => done(post(`/v1/wallets/${walletId}/spends`, { amount, ...more })),
    hold: (walletId, amount, more = {}) => done(post(`/v1/wallets/${walletId}/holds`, { amount, ...more })),
    wallet: (walletId) => done(get(`/v1/wallets/${walletId}`)),
    allowMovesAcrossCompanies: () => void Object.assign(settings, { movesAcrossCompanies: true }),
  }
}

const authorization = 'Bearer the-key-of-the-operator'
const operator: Actor = { type: 'operator', id: null }
const authenticate = (given: string | undefined) => (given === authorization ? operator : null)

async function openServer(house: House, settings: PointsSettings) {
  const { database, withWork } = house
  const log = openLog({ level: 'silent' })
  const lane = openLedgerLane({ withWork, settings: { spendOrder: 'bonus-first', refundGraceDays: 30 } })
  const validation = openValidation()
  const points = openPoints({ lane, reads: database, settings })
  const server = openHttp({ log, language: 'en', validation, authenticate })
  await server.register(pointsRoutes({ points, validation, log, timeZone: 'Asia/Seoul' }))
  await server.ready()
  house.onClose(() => lane.close())
  house.onClose(() => closeHttp(server))
  return server
}
