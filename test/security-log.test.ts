import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildApp } from '#app'
import { readConfig } from '#platform/config'
import { openLog } from '#platform/log'
import { operatorKey } from './api-house.ts'
import { openHouse } from './harness.ts'

test('what is refused, and who signs in or out, is in the log with who, from where and which request', async (t) => {
  const house = await openHouse(t)
  const lines: string[] = []
  const { server, close } = await buildApp({
    config: readConfig({ PODO_LANGUAGE: 'en' }, import.meta.dirname),
    databaseUrl: house.serviceUrl,
    operatorKey,
    log: openLog({ level: 'info', write: (line) => lines.push(line) }),
  })
  house.onClose(close)
  type Asked = { as?: string; body?: object }
  /** What the log has of one request, beside when it was and how long it took. */
  const logged = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, { as, body }: Asked = {}) => {
    lines.length = 0
    const headers = { 'x-request-id': 'r-1', ...(as ? { authorization: `Bearer ${as}` } : {}) }
    const answer = await server.inject({
      method,
      url,
      headers,
      remoteAddress: '203.0.113.9',
      ...(body ? { body } : {}),
    })
    const told = lines.map((line) => {
      const { at, ms, level, ...rest } = JSON.parse(line)
      assert.ok(!Number.isNaN(Date.parse(at)) && at.endsWith('Z') && ms >= 0 && level === 'info')
      return rest
    })
    return { told, answer: answer.body ? answer.json() : {} }
  }
  const from = { requestId: 'r-1', address: '203.0.113.9' }
  const [email, password] = ['log@example.com', '보라색 포도 다섯 송이']

  const signedUp = await logged('POST', '/v1/accounts', { body: { email, password, nickname: '로그 속 사람' } })
  const { id: caller } = signedUp.answer.member
  const authentication = { ...from, caller, msg: 'authentication' }
  assert.deepEqual(signedUp.told, [{ ...authentication, method: 'POST', route: '/v1/accounts', status: 201 }])

  const signedIn = await logged('POST', '/v1/sessions', { body: { email, password } })
  assert.deepEqual(signedIn.told, [{ ...authentication, method: 'POST', route: '/v1/sessions', status: 201 }])
  const refused = { ...from, caller: 'anonymous', msg: 'refused', status: 401 }
  const wrong = await logged('POST', '/v1/sessions', { body: { email, password: 'canary canary' } })
  assert.deepEqual(wrong.told, [{ ...refused, method: 'POST', route: '/v1/sessions' }])

  const { accessToken: as } = signedIn.answer
  assert.deepEqual((await logged('GET', '/v1/me', { as })).told, [])
  assert.deepEqual((await logged('GET', '/v1/companies', { as })).told, [
    { ...from, caller, msg: 'refused', method: 'GET', route: '/v1/companies', status: 403 },
  ])
  const url = '/v1/wallets/wlt_019e5f3a7c107b3e9d425a6b7c8d9e0f'
  assert.deepEqual((await logged('GET', url, { as })).told, [
    { ...from, caller, msg: 'refused', method: 'GET', route: '/v1/wallets/:id', status: 404 },
  ])
  assert.deepEqual((await logged('GET', url, { as: operatorKey })).told, [])
  const signedOut = await logged('DELETE', '/v1/sessions/current', { as })
  assert.deepEqual(signedOut.told, [
    { ...authentication, method: 'DELETE', route: '/v1/sessions/current', status: 204 },
  ])
  assert.deepEqual((await logged('GET', '/v1/me', { as })).told, [
    { ...refused, caller: null, method: 'GET', route: '/v1/me' },
  ])
})
