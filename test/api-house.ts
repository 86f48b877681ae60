import assert from 'node:assert/strict'
import { buildApp } from '#app'
import type { Resolve } from '#modules/webhooks'
import { type Config, readConfig } from '#platform/config'
import type { CloudEvent } from '#platform/events/cloud-events'
import type { Subscriber } from '#platform/events/delivery'
import type { HttpServer } from '#platform/http'
import { type Logger, openLog } from '#platform/log'
import { findEventMistake } from './event-check.ts'
import { type House, type HouseOptions, openHouse, type Scope } from './harness.ts'

/** An answer over HTTP; `text` is its body to the byte. */
export interface Answer {
  readonly status: number
  readonly body: Body
  readonly text: string
  readonly headers: Readonly<Record<string, unknown>>
}

/** As `JSON.parse` gives it: a test looks at the fields as it likes. */
export type Body = ReturnType<JSON['parse']>

/** Someone with a wallet; ids as callers see them. */
export interface Holder {
  readonly id: string
  readonly walletId: string
}

type Headers = Readonly<Record<string, string>>

/** How somebody calls the service. */
export interface Caller {
  get(path: string, headers?: Headers): Promise<Answer>
  /** Sends a body: an object, or text as it is. */
  post(path: string, body?: object | string, headers?: Headers): Promise<Answer>
  put(path: string, body?: object | string, headers?: Headers): Promise<Answer>
  patch(path: string, body?: object | string, headers?: Headers): Promise<Answer>
  delete(path: string, body?: object | string, headers?: Headers): Promise<Answer>
}

/** Somebody who signed up, and calls with the access token. */
export interface Person extends Caller {
  readonly id: string
  readonly walletId: string
  readonly email: string
  readonly password: string
  readonly accessToken: string
  readonly refreshToken: string
}

/** The whole service in one process, spoken to with the operator's key as a caller does, without a port. */
export interface Api extends Caller {
  readonly server: HttpServer
  /** Somebody else, with another credential; with none, anybody. */
  as(credential: string | null): Caller
  /** The secret of a new key of a company. */
  apiKey(companyId: string, more?: object): Promise<string>
  /** The mails that the demo kept for an address, newest first; a house with background sends them. */
  mails(to: string): Promise<Body[]>
  /** Somebody new who signs up. */
  person(more?: object): Promise<Person>
  company(more?: object): Promise<Holder>
  member(companyId: string, more?: object): Promise<Holder>
  /** A wallet of a new member of the house's company, with so many paid points in it; answers its id. */
  wallet(nickname: string, points?: number): Promise<string>
  charge(walletId: string, amount: number, more?: object): Promise<Answer>
  spend(walletId: string, amount: number, more?: object): Promise<Answer>
  refund(transferId: string, more?: object): Promise<Answer>
}

/** A test's own database with the whole service on it. */
export interface ApiHouse extends House, Api {
  /** Another process of the service on the same database, with other settings where given. */
  secondApi(settings?: Partial<Config>): Promise<Api>
  /** A worker on the same database, which does what goes on by itself until it is closed, or the house is. */
  worker(settings?: Partial<Config>): Promise<{ close(): Promise<void> }>
}

/** The password of whoever signs up in the tests. */
const passwordOfPeople = '보라색 포도 다섯 송이'

export const operatorKey = 'podo_sk_of_the_operator_in_the_tests'

const silent = openLog({ level: 'silent' })

interface ApiHouseOptions {
  readonly settings?: Partial<Config>
  readonly withBackground?: boolean
  /** Who hears of events beside those of the service. */
  readonly moreSubscribers?: readonly Subscriber[]
  readonly log?: Logger
  /** How the names of webhooks' receivers are resolved: none is, where it is not said. */
  readonly resolve?: Resolve
  /** Whether passwords are hashed as in earnest, which takes the time of some hundred requests. */
  readonly hashesInEarnest?: boolean
  /** How long nothing is asked of an outside service that is away. */
  readonly outsideOpenMs?: number
}

const usually = {
  withBackground: false,
  moreSubscribers: [],
  log: silent,
  resolve: async () => [],
  hashesInEarnest: false,
  outsideOpenMs: 5_000,
}

export async function openApiHouse(scope: Scope, options: HouseOptions & ApiHouseOptions = {}): Promise<ApiHouse> {
  const { settings, ...given } = options
  const usual = { ...usually, ...given }
  const house = await openHouse(scope, options)
  const { api } = await openApi(house, { ...usual, settings })
  const another = (withBackground: boolean) => (more?: Partial<Config>) =>
    openApi(house, { ...usual, settings: { ...settings, ...more }, withBackground })
  return { ...house, ...api, secondApi: async (more) => (await another(false)(more)).api, worker: another(true) }
}

async function openApi(
  house: House,
  by: Required<Omit<ApiHouseOptions, 'settings'>> & { readonly settings: Partial<Config> | undefined },
): Promise<{ api: Api; close(): Promise<void> }> {
  // This folder holds no .env, so a developer's own settings don't reach the tests.
  // The tests of a file come from one address, and sign up more people than anybody else would.
  // What is asked on a machine that others starve is to be done all the same.
  const environment = { PODO_LANGUAGE: 'en', PODO_RATE_LIMITS: 'false', PODO_LANE_AGE_MAX_MS: '60000' }
  const config = { ...readConfig(environment, import.meta.dirname), ...by.settings }
  const { serviceUrl: databaseUrl, ownerUrl } = house
  const { log, withBackground } = by
  const cost = by.hashesInEarnest ? {} : { passwordCost: { memory: 8, passes: 1, parallelism: 1 } }
  const mistakes: string[] = []
  const onEvent = (event: CloudEvent) => void mistakes.push(...[findEventMistake(event) ?? []].flat())
  const { moreSubscribers, resolve, outsideOpenMs } = by
  const more = { ...cost, onEvent, moreSubscribers, resolve, outsideOpenMs }
  const app = await buildApp({ config, databaseUrl, ownerUrl, operatorKey, log, withBackground, ...more })
  let closed: Promise<void> | null = null
  const close = () => {
    closed ??= app.close()
    return closed
  }
  house.onClose(async () => {
    await close()
    assert.deepEqual(mistakes, [], 'events that are not as their schemas say')
  })
  return { api: apiOver(app.server), close }
}

function apiOver(server: HttpServer): Api {
  const as = (credential: string | null): Caller => {
    const send =
      (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE') =>
      async (url: string, payload?: object | string, more: Headers = {}): Promise<Answer> => {
        const json = typeof payload === 'string' ? { 'content-type': 'application/json' } : {}
        const authorization = credential === null ? {} : { authorization: `Bearer ${credential}` }
        const headers = { ...authorization, ...json, ...more }
        const sent = await server.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
        const isJson = /json/.test(String(sent.headers['content-type']))
        const body: Body = isJson ? JSON.parse(sent.body) : {}
        return { status: sent.statusCode, text: sent.body, body, headers: sent.headers }
      }
    const get = send('GET')
    return {
      get: (path, headers) => get(path, undefined, headers),
      post: send('POST'),
      put: send('PUT'),
      patch: send('PATCH'),
      delete: send('DELETE'),
    }
  }
  const operator = as(operatorKey)
  const { post } = operator
  const made = async (path: string, body: object): Promise<Holder> => {
    const answer = await post(path, body)
    assert.equal(answer.status, 201, answer.text)
    return { id: answer.body.id, walletId: answer.body.wallet.id }
  }
  let companies = 0
  let people = 0
  let home: Promise<Holder> | undefined
  const api: Api = {
    server,
    ...operator,
    as,
    async apiKey(companyId, more = {}) {
      const answer = await post(`/v1/companies/${companyId}/api-keys`, { name: 'A key', ...more })
      assert.equal(answer.status, 201, answer.text)
      return answer.body.secret
    },
    async mails(to) {
      const { body } = await operator.get('/v1/sandbox/mails?limit=100')
      return body.items.filter((mail: Body) => mail.to === to)
    },
    async person(more = {}) {
      people += 1
      const body = {
        email: `person${people}@example.com`,
        password: passwordOfPeople,
        nickname: `사람 ${people}`,
        ...more,
      }
      const answer = await as(null).post('/v1/accounts', body)
      assert.equal(answer.status, 201, answer.text)
      const { member, accessToken, refreshToken } = answer.body
      const { email, password } = body
      const own = { id: member.id, walletId: member.wallet.id, email, password, accessToken, refreshToken }
      return { ...own, ...as(accessToken) }
    },
    company(more = {}) {
      companies += 1
      const registrationNumber = registrationNumberOf(companies)
      return made('/v1/companies', { name: `Company ${companies}`, registrationNumber, ...more })
    },
    member: (companyId, more = {}) => made(`/v1/companies/${companyId}/members`, { nickname: 'A member', ...more }),
    async wallet(nickname, points = 0) {
      home ??= api.company()
      const { walletId } = await api.member((await home).id, { nickname })
      if (points > 0) assert.equal((await api.charge(walletId, points)).status, 201)
      return walletId
    },
    charge: (walletId, amount, more = {}) =>
      post(`/v1/wallets/${walletId}/charges`, { amount, class: 'paid', ...more }),
    spend: (walletId, amount, more = {}) => post(`/v1/wallets/${walletId}/spends`, { amount, ...more }),
    refund: (transferId, more = {}) => post(`/v1/transfers/${transferId}/refunds`, more),
  }
  return api
}

/** The n-th business registration number, with the check digit that the National Tax Service's rule gives it. */
export function registrationNumberOf(n: number): string {
  const digits = String(n).padStart(9, '0')
  const weights = [1, 3, 7, 1, 3, 7, 1, 3, 5]
  const sum = weights.reduce((total, weight, index) => total + weight * Number(digits[index]), 0)
  const last = Math.floor((Number(digits[8]) * 5) / 10)
  return `${digits}${(10 - ((sum + last) % 10)) % 10}`
}
