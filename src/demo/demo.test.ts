import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { startApp } from '#app'
import { registrationNumberFormat } from '#modules/companies'
import { readConfig } from '#platform/config'
import { isFolderLocked } from '#platform/folder-lock'
import { openLog } from '#platform/log'
import { freePorts } from '#sandbox/kafka/brokers'
import { operatorKey } from '#test/api-house'
import { withoutKafka } from '#test/engines/installed'
import { type House, openHouse } from '#test/harness'
import { planOutage } from '../commands/demo-outage.ts'
import { openBooks } from './books.ts'
import { openClient } from './client.ts'
import { chargeWallets, makeCompanies } from './companies.ts'
import { makeCompanyNames, makeRegistrationNumber } from './names.ts'
import { proveAgreement } from './proof.ts'
import { openScreen } from './screen.ts'
import { spendAndRefund } from './spends.ts'

async function openServedHouse(t: TestContext): Promise<House & { url: string }> {
  const house = await openHouse(t)
  const app = await startApp({
    config: { ...readConfig({}, import.meta.dirname), port: 0 },
    databaseUrl: house.serviceUrl,
    operatorKey,
    log: openLog({ level: 'silent' }),
  })
  house.onClose(() => app.close())
  return { ...house, url: app.url }
}

async function runDemo(environment: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), 'demo'], {
    env: { ...process.env, PODO_OPERATOR_KEY: operatorKey, LANG: 'C', ...environment },
    cwd: import.meta.dirname,
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const [code, ...outputs] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, output: outputs.join('') }
}

test('the demo plays against a running service in the language of the terminal and proves every sum', async (t) => {
  const { url } = await openServedHouse(t)
  const client = openClient({ url, key: operatorKey, language: 'en' })
  t.after(() => client.close())
  // Whatever else is earned there: the sums of the demo are its own.
  await client.post('/v1/earning-rules', { rateBasisPoints: 500 })
  const { code, output } = await runDemo({ PODO_URL: url, LANG: 'ko_KR.UTF-8' })
  assert.equal(code, 0, output)
  assert.match(output, /A {2}[\d,]+ 사용 → 거절: 포인트가 부족합니다/)
  assert.match(output, /✓ .* 유상 [\d,]+포인트를 쓰고 \d+ms 뒤 1%인 [\d,]+포인트 적립/)
  assert.match(output, /✓ .*의 서버에 [\d,]+포인트 사용 이벤트가 \d+ms 뒤 도착했고, 서명이 맞습니다\./)
  assert.equal(output.match(/^ {2}[가-힣]+ [가-힣]+ 님이 가입하고 .* 직접 썼습니다\.$/gm)?.length, 3)
  assert.match(output, /로그아웃한 토큰은 바로 거절되고/)
  assert.match(output, /폐기하면 바로 거절됩니다/)
  assert.match(output, /승인 150, 거절 0, 남은 잔액 0\./)
  assert.match(output, /건너뜁니다: 데모가 직접 시작한 PostgreSQL만 멈춥니다/)
  assert.match(output, /모두 1포인트까지 맞습니다/)
  assert.ok(!output.includes('✗'))
  assert.ok(!output.includes('\u001b'), 'colours are for terminals only')
})

test('the proof fails when a lot, a balance or an answer is off by a single point', async (t) => {
  const house = await openServedHouse(t)
  const client = openClient({ url: house.url, key: operatorKey, language: 'en' })
  house.onClose(() => client.close())
  const screen = openScreen(new PassThrough().resume() as unknown as NodeJS.WriteStream, 'en')
  const books = openBooks()
  const stage = { client, screen, books }
  const companies = await makeCompanies(stage)
  await chargeWallets(stage, companies)
  await spendAndRefund(stage, companies)
  assert.equal(await proveAgreement(stage, { companies }), true)

  const damage = async (change: string, mend: string) => {
    await house.ownerSql.run(change)
    assert.equal(await proveAgreement(stage, { companies }), false, change)
    await house.ownerSql.run(mend)
  }
  const lot = '(select id from ledger.lot where remaining > 0 and remaining < amount order by id limit 1)'
  await damage(
    `update ledger.lot set remaining = remaining - 1 where id = ${lot}`,
    `update ledger.lot set remaining = remaining + 1 where id = ${lot}`,
  )
  const account = "(select id from ledger.account where kind = 'wallet' order by id limit 1)"
  await damage(
    `update ledger.account set paid = paid + 1 where id = ${account}`,
    `update ledger.account set paid = paid - 1 where id = ${account}`,
  )
  assert.equal(await proveAgreement(stage, { companies }), true)
  const [last] = [...books.transfers.values()].slice(-1)
  books.transfers.delete(last!.id)
  assert.equal(await proveAgreement(stage, { companies }), false)
})

test('a Podo of its own loses PostgreSQL under load, and the sums are exact; nothing is left running', {
  skip: withoutKafka(),
}, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'demo-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  chmodSync(dataDir, 0o711)
  const [port] = await freePorts(1)
  const { code, output } = await runDemo({ PODO_URL: '', PODO_DATA_DIR: dataDir, PORT: String(port) })
  assert.equal(code, 0, output)
  assert.match(output, /who reads a balance is answered 503\n.*PostgreSQL is back/)
  assert.match(output, /✓ ([\d,]+) of \1 taken on \(202\), [1-9][\d,]* while it was away; the slowest within \d+ ms/)
  assert.match(output, /✓ [\d,]+ = [\d,]+ carried out \+ [1-9]\d* short of points, .* sent twice, done once/)
  assert.match(output, /✓ What the wallets have: /)
  assert.ok(!output.includes('✗'), output)
  assert.equal(isFolderLocked(dataDir), false)
  const broker = readFileSync(join(dataDir, 'demo-kafka/broker-1.pid'), 'utf8')
  assert.throws(() => process.kill(Number(broker), 0), { code: 'ESRCH' })
})

test('where it cannot be shown how PostgreSQL is stopped, the demo says what it takes', async () => {
  const engine = (isInstalled: boolean) => ({
    isInstalled: () => isInstalled,
    keep: () => Promise.reject(new Error('Kafka did not start:\njava is too old')),
  })
  const plan = async (environment: NodeJS.ProcessEnv, isInstalled = false) => {
    const config = readConfig(environment, import.meta.dirname)
    const { outage, settings } = await planOutage(config, engine(isInstalled))
    assert.deepEqual(settings, {})
    return 'leftOut' in outage ? outage.leftOut.en : 'shown'
  }
  assert.match(await plan({}), /Fetch one by "npm run engines"/)
  assert.match(await plan({}, true), /Kafka did not start \(java is too old\)/)
  assert.match(await plan({ DATABASE_URL: 'postgres://127.0.0.1/podo' }), /no PostgreSQL but its own/)
  const kafka = { KAFKA_BROKERS: '127.0.0.1:9092' }
  assert.match(await plan({ ...kafka, KAFKA_COMMANDS: 'off' }), /KAFKA_COMMANDS=off/)
  assert.equal(await plan(kafka), 'shown')
})

test('a wrong key, an address without a service and the production profile end in a sentence', async (t) => {
  const { url } = await openServedHouse(t)
  const wrongKey = await runDemo({ PODO_URL: url, PODO_OPERATOR_KEY: 'x'.repeat(40) })
  assert.match(wrongKey.output, /The operator's key does not fit/)
  const away = await runDemo({ PODO_URL: 'http://127.0.0.1:9' })
  assert.match(away.output, /No Podo answers at http:\/\/127\.0\.0\.1:9\. Check PODO_URL\./)
  const production = await runDemo({ PODO_URL: url, PODO_PROFILE: 'production' })
  assert.match(production.output, /does not run with the production profile/)
  for (const { code, output } of [wrongKey, away, production]) {
    assert.equal(code, 1)
    assert.doesNotMatch(output, /\n {4}at /)
  }
})

test('made-up companies have names of their own and registration numbers that pass the check', () => {
  assert.equal(new Set(makeCompanyNames(10, 'ko')).size, 10)
  for (let i = 0; i < 1_000; i += 1) {
    const number = makeRegistrationNumber()
    assert.ok(registrationNumberFormat.validate(number), number)
  }
})
