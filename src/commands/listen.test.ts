import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openApiHouse, operatorKey } from '#test/api-house'
import { until } from '#test/harness'
import { openReceiver } from '#test/webhook-receiver'

const main = join(import.meta.dirname, '../main.ts')
const house = await openApiHouse({ after }, { withBackground: true })
const receiver = await openReceiver({ after })
await house.server.listen({ host: '127.0.0.1', port: 0 })
const url = `http://127.0.0.1:${(house.server.server.address() as AddressInfo).port}`
const company = await house.company({ name: 'Bluebird Coffee' })
const { walletId } = await house.member(company.id)

/** Runs it until it is told to end; what it said can be read meanwhile. */
function listen(args: readonly string[], { key = operatorKey, language = 'C' } = {}) {
  const env = {
    PATH: process.env.PATH,
    LANG: language,
    PODO_URL: url,
    PODO_API_KEY: key,
    NO_PROXY: '127.0.0.1',
    PODO_DATA_DIR: join(tmpdir(), 'podo-never'),
  }
  const child = spawn(process.execPath, [main, 'listen', ...args], { cwd: tmpdir(), env })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return {
    said: () => said,
    ended,
    end: () => {
      child.kill('SIGINT')
      return ended
    },
  }
}

const endpoints = async () => (await house.get(`/v1/companies/${company.id}/webhook-endpoints`)).body.items

test('podo listen shows what comes and was answered, passes it on to the byte, and leaves no endpoint behind', async () => {
  const path = '/hooks'
  const listening = listen([`--forward=${receiver.url}${path}`, '--types=points.charged,points.spent'])
  await until('it listens', () => listening.said().includes('Ctrl-C'))
  assert.match(
    listening.said(),
    new RegExp(`^Listening to points.charged, points.spent of Bluebird Coffee \\(${company.id}\\)`),
  )
  const [endpoint] = await endpoints()
  assert.deepEqual(endpoint.types, ['points.charged', 'points.spent'])
  receiver.answer(path, { status: 500 })
  await house.charge(walletId, 100)
  await until('it failed', () => listening.said().includes('  500\n'))
  receiver.answer(path, { status: 200 })
  await house.advance(6)
  await until('it was taken', () => listening.said().includes('  200  attempt 2\n'))
  assert.match(listening.said(), new RegExp(`\\n\\d\\d:\\d\\d:\\d\\d  points.charged    ${walletId}  500\\n`))
  assert.equal((await fetch(endpoint.url, { method: 'POST', body: '{}' })).status, 401)
  await until('it says so', () => listening.said().includes('without a right signature was refused'))
  const texts = receiver.received.map(({ text }) => text)
  const deliveries = `/v1/companies/${company.id}/webhook-endpoints/${endpoint.id}/deliveries`
  const [delivery] = (await house.get(deliveries)).body.items
  const { event } = (await house.get(`${deliveries}/${delivery.id}`)).body
  assert.deepEqual(texts, [JSON.stringify(event), JSON.stringify(event)])
  assert.equal(receiver.received[0]!.headers['webhook-id'], event.id)
  assert.equal(await listening.end(), 0)
  assert.match(listening.said(), /\n2 came\. The endpoint is deleted\.\n$/)
  assert.deepEqual(await endpoints(), [])
})

test('podo listen speaks Korean, and needs a company where there are several or the key sees none', async () => {
  const key = await house.apiKey(company.id, { scopes: ['webhooks'] })
  const blind = listen([], { key })
  const [wrong, unknown, nowhere] = [
    listen([], { key: 'nobody-nobody-nobody-nobody-nobody' }),
    listen(['--types=points.spend', `--company=${company.id}`], { language: 'ko_KR.UTF-8' }),
    listen(['--url=http://127.0.0.1:1']),
  ]
  const korean = listen([`--company=${company.id}`], { key, language: 'ko_KR.UTF-8' })
  await until('it listens', () => korean.said().includes('Ctrl-C'))
  assert.match(korean.said(), new RegExp(`^${url}의 ${company.id}에서 생기는 이벤트\\(\\*\\)를 기다립니다\\.`))
  await house.charge(walletId, 100)
  await until('it came', () => korean.said().includes('  204\n'))
  assert.equal(await korean.end(), 0)
  const other = await house.company()
  const undecided = listen([])
  const codes = await Promise.all([blind, wrong, unknown, nowhere, undecided].map(({ ended }) => ended))
  assert.deepEqual(codes, [1, 1, 1, 1, 1])
  assert.match(blind.said(), /^This key sees no list of companies\. Give the id of one by --company\.\n$/)
  assert.match(wrong.said(), /^The key does not fit\./)
  assert.match(unknown.said(), /\/types\/0: 다음 중 하나여야 합니다: \*, operations\.\*, points\.\*/)
  assert.match(nowhere.said(), /^No Podo answers at http:\/\/127\.0\.0\.1:1\./)
  assert.match(undecided.said(), new RegExp(`--company=${other.id}  Company`))
  assert.deepEqual(await endpoints(), [])
})
