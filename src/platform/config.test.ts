import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import { readConfig, readSecretKey, renderEnvExample, sealingSecretsOf } from './config.ts'
import type { Language } from './problem.ts'
import { encryptSecret } from './secrets.ts'
import { StartProblem } from './start-problem.ts'

const secretKey = randomBytes(32)
const operatorKey = randomBytes(32).toString('hex')
const repository = join(import.meta.dirname, '../../node_modules')

function mistakesOf(environment: Record<string, string>, directory = tmpdir(), language: Language = 'en'): string[] {
  try {
    readConfig(environment, directory)
    return []
  } catch (error) {
    assert.ok(error instanceof StartProblem)
    return error.text[language].split('\n').slice(1)
  }
}

function folderWith(t: { after(run: () => void): void }, env: string, parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'podo-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, '.env'), env)
  return folder
}

test('without any setting the defaults run the whole platform', () => {
  const config = readConfig({}, tmpdir())
  assert.deepEqual([config.profile, config.role, config.host, config.port], ['demo', 'all', '127.0.0.1', 8080])
  assert.equal(config.dataDir, join(tmpdir(), '.podo'))
  assert.equal(config.databaseUrl, null)
  assert.ok(Object.isFrozen(config))
})

/** One of each kind that can be made at once: of a value, and of what stands beside it. */
const wrong = {
  PORT: '80800',
  HOST: 'a b',
  PODO_PROFILE: 'prod',
  PODO_POOL_SIZE: '1.5',
  PODO_OPERATOR_KEY: 'too-short',
  DATABASE_URL: 'mysql://x',
  PODO_TIME_ZONE: 'Asia/Soul',
  PODO_MOVES_ACROSS_COMPANIES: 'yes',
  PODO_REFUND_GRACE_DAYS: '-1',
  PODO_SECRET_KEY: 'short',
}

test('every mistake is named at once, with what to do', () => {
  const mistakes = mistakesOf(wrong)
  assert.equal(mistakes.length, 10)
  assert.ok(mistakes.some((mistake) => mistake.includes('PORT is "80800": it must be a port number')))
  assert.ok(mistakes.every((mistake) => /(Correct|remove)/.test(mistake)))
})

test('every mistake is told in Korean as well: the same variable, and what to do', (t) => {
  const { PODO_SECRET_KEY: _, ...rest } = wrong
  const environments: [Record<string, string>, string?][] = [
    [wrong],
    [{ PODO_PROFILE: 'production', DATABASE_OWNER_URL: 'postgres://podo:podo@db/podo' }],
    [{ ...rest, PODO_PROFILE: 'production', PODO_OPERATOR_KEY: 'a'.repeat(40) }],
    [{ PODO_PROFILE: 'production', PODO_SECRET_KEY_FORMER: 'a'.repeat(40) }],
    [{ PODO_SECRET_KEY_FORMER: 'short' }],
    [{ PODO_OPERATOR_KEY: encryptSecret(operatorKey, secretKey), PODO_SECRET_KEY_FILE: 'nowhere' }],
    [{ PODO_OPERATOR_KEY: encryptSecret(operatorKey, secretKey), PODO_SECRET_KEY: randomBytes(32).toString('hex') }],
    [{ PODO_SECRET_KEY_FILE: '.env' }, folderWith(t, 'PORT=1\n')],
    [{ PODO_SECRET_KEY: 'short', PODO_SECRET_KEY_FILE: 'x' }, folderWith(t, 'PODO_NOPE=1\n')],
    [
      { PODO_PROFILE: 'production', PODO_ALERT_EMAIL: 'a@b' },
      folderWith(t, `PODO_OPERATOR_KEY=${operatorKey}\n`, repository),
    ],
    [{ KAFKA_BROKERS: 'kafka', KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_CA_FILE: 'nowhere' }],
    [{ REDIS_URL: 'redis', REDIS_PREFIX: 'with space' }],
  ]
  for (const [environment, folder] of environments) {
    const english = mistakesOf(environment, folder)
    const korean = mistakesOf(environment, folder, 'ko')
    assert.ok(english.length > 0)
    assert.equal(korean.length, english.length)
    for (const [at, line] of korean.entries()) {
      assert.equal(/[A-Z_]{4,}/.exec(line)?.[0], /[A-Z_]{4,}/.exec(english[at]!)?.[0], line)
      assert.match(line, /^ {2}- .*[가-힣]+십시오\.$/)
    }
  }
})

test('a mistake in a secret does not show the secret', () => {
  for (const language of ['ko', 'en'] as const) {
    const mistakes = mistakesOf({ PODO_OPERATOR_KEY: 'canary', DATABASE_URL: 'canary' }, undefined, language)
    assert.equal(mistakes.length, 2)
    assert.equal(mistakes.join().includes('canary'), false)
  }
})

test('the environment goes before the .env file, and an empty value counts as none', (t) => {
  const folder = folderWith(t, 'PORT=1111\nWORKER_PORT=2222\nPODO_LANGUAGE=en\n')
  const config = readConfig({ PORT: '3333', PODO_LANGUAGE: '' }, folder)
  assert.deepEqual([config.port, config.workerPort, config.language], [3333, 2222, 'en'])
})

test('of Kafka, half a sign-in, a password in the clear and a certificate that is not there are mistakes', () => {
  const given = { KAFKA_BROKERS: 'kafka:9092', KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_CA_FILE: 'nowhere' }
  const mistakes = mistakesOf(given).join()
  for (const said of [/Set all, or none/, /travels in the clear/, /KAFKA_CA_FILE names nowhere/])
    assert.match(mistakes, said)
  const whole = { KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', KAFKA_SASL_USERNAME: 'podo', KAFKA_SASL_PASSWORD: 'canary' }
  assert.deepEqual(mistakesOf(whole), [])
  assert.doesNotMatch(mistakesOf({ ...whole, KAFKA_SASL_PASSWORD: 'canary canary' }).join(), /canary/)
})

test('a misspelt name in the .env file is a mistake', (t) => {
  assert.match(
    mistakesOf({}, folderWith(t, 'PODO_OPERATER_KEY=x\n')).join(),
    /PODO_OPERATER_KEY in \.env is no setting/,
  )
})

test('an encrypted setting is read with the key, and a sentence says when the key is missing or another', (t) => {
  const encrypted = encryptSecret(operatorKey, secretKey)
  const base64 = secretKey.toString('base64')
  assert.equal(readConfig({ PODO_OPERATOR_KEY: encrypted, PODO_SECRET_KEY: base64 }, tmpdir()).operatorKey, operatorKey)
  const folder = folderWith(t, '')
  for (const content of [base64, secretKey.toString('hex'), secretKey]) {
    writeFileSync(join(folder, 'key'), content)
    const config = readConfig({ PODO_OPERATOR_KEY: encrypted, PODO_SECRET_KEY_FILE: 'key' }, folder)
    assert.equal(config.operatorKey, operatorKey)
  }
  assert.match(mistakesOf({ PODO_OPERATOR_KEY: encrypted }).join(), /its key is not given/)
  const other = randomBytes(32).toString('hex')
  assert.match(mistakesOf({ PODO_OPERATOR_KEY: encrypted, PODO_SECRET_KEY: other }).join(), /cannot be decrypted/)
  assert.match(mistakesOf({ PODO_SECRET_KEY_FILE: 'nowhere' }).join(), /cannot be read \(ENOENT\)/)
})

test('a key file may hold several keys, a line each: all decrypt, and the first is the key of this process', (t) => {
  const former = randomBytes(32)
  const folder = folderWith(t, 'PODO_SECRET_KEY_FILE=keys\n')
  writeFileSync(join(folder, 'keys'), `${secretKey.toString('base64')}\r\n\n${former.toString('hex')}\n`)
  const environment = {
    PODO_OPERATOR_KEY: encryptSecret(operatorKey, former),
    DATABASE_URL: encryptSecret('postgres://a@b/c', secretKey),
  }
  const config = readConfig(environment, folder)
  assert.deepEqual([config.operatorKey, config.databaseUrl], [operatorKey, 'postgres://a@b/c'])
  assert.equal(config.secretKey, secretKey.toString('base64'))
  assert.deepEqual(readSecretKey({}, folder), secretKey)
  writeFileSync(join(folder, 'keys'), `${secretKey.toString('base64')}\nshort\n`)
  assert.match(mistakesOf({}, folder).join(), /must hold 32 bytes in base64 or hex/)
})

test('the service seals with its key or the operator’s, and reads what every former one sealed', (t) => {
  const [present, former] = [secretKey.toString('base64'), randomBytes(32)]
  const formerOperator = randomBytes(32).toString('hex')
  const PODO_SECRET_KEY_FORMER = `${former.toString('hex')}, ${formerOperator}`
  const secretsOf = (environment: Record<string, string>) =>
    sealingSecretsOf(readConfig(environment, folderWith(t, '')), operatorKey)
  assert.deepEqual(secretsOf({}), { secret: operatorKey, former: [] })
  const alone = secretsOf({ PODO_SECRET_KEY: secretKey.toString('hex') })
  assert.deepEqual(alone, { secret: present, former: [operatorKey] })
  // Of what is written in hex nobody knows whether it was a key or an operator's key.
  const both = (hex: string) => [hex, Buffer.from(hex, 'hex').toString('base64')]
  assert.deepEqual(secretsOf({ PODO_SECRET_KEY: present, PODO_SECRET_KEY_FORMER }), {
    secret: present,
    former: [...both(former.toString('hex')), ...both(formerOperator), operatorKey],
  })
  assert.equal(secretsOf({ PODO_SECRET_KEY_FORMER: formerOperator }).former[0], formerOperator)
  const folder = folderWith(
    t,
    `PODO_SECRET_KEY_FILE=keys\nPODO_SECRET_KEY_FORMER=${encryptSecret(formerOperator, secretKey)}`,
  )
  writeFileSync(join(folder, 'keys'), `${present}\n${former.toString('base64')}\n`)
  assert.deepEqual(sealingSecretsOf(readConfig({}, folder), operatorKey), {
    secret: present,
    former: [former.toString('base64'), ...both(formerOperator), operatorKey],
  })
  assert.match(mistakesOf({ PODO_SECRET_KEY_FORMER: `${present},short` }).join(), /PODO_SECRET_KEY_FORMER does not fit/)
})

test('production wants an operator key, and none that can be guessed', () => {
  const production = { PODO_PROFILE: 'production' }
  assert.match(mistakesOf(production).join(), /PODO_OPERATOR_KEY is missing/)
  for (const guessable of [
    'a'.repeat(40),
    'please-change-me-please-change-me-x',
    'example-operator-key-000000000000001',
  ]) {
    assert.match(mistakesOf({ ...production, PODO_OPERATOR_KEY: guessable }).join(), /can be guessed/)
  }
  assert.deepEqual(mistakesOf({ ...production, PODO_OPERATOR_KEY: operatorKey }), [])
  const former = { PODO_SECRET_KEY_FORMER: `${'a'.repeat(40)},${operatorKey}` }
  assert.match(
    mistakesOf({ ...production, ...former, PODO_OPERATOR_KEY: operatorKey }).join(),
    /FORMER has a key that can/,
  )
  for (const hosts of ['db', 'db1,db2:5433']) {
    const url = `postgres://podo:podo@${hosts}/podo`
    const mistakes = mistakesOf({ ...production, PODO_OPERATOR_KEY: operatorKey, DATABASE_URL: url })
    assert.match(mistakes.join(), /can be guessed/)
  }
})

test('production refuses secrets in clear text in a .env inside the repository, and takes encrypted ones', (t) => {
  const text = `PODO_PROFILE=production\nPODO_OPERATOR_KEY=${operatorKey}\nDATABASE_URL=postgres://a:b3x9@db/podo\n`
  const mistakes = mistakesOf({}, folderWith(t, text, repository))
  assert.equal(mistakes.length, 2)
  assert.ok(mistakes.every((mistake) => mistake.includes('clear text')))
  assert.deepEqual(mistakesOf({}, folderWith(t, text)), [])
  const withRedis = (login: string) =>
    folderWith(t, `PODO_PROFILE=production\nREDIS_URL=redis://${login}db\n`, repository)
  const mistakesIn = (login: string) => mistakesOf({ PODO_OPERATOR_KEY: operatorKey }, withRedis(login))
  assert.deepEqual([mistakesIn('').length, mistakesIn(':b3x9@').length], [0, 1])
  const encrypted = `PODO_PROFILE=production\nPODO_OPERATOR_KEY=${encryptSecret(operatorKey, secretKey)}\n`
  const environment = { PODO_SECRET_KEY: secretKey.toString('hex') }
  assert.deepEqual(mistakesOf(environment, folderWith(t, encrypted, repository)), [])
})

test('.env.example names every setting, and what it shows is what happens without it', (t) => {
  const uncommented = renderEnvExample().replace(/^# (\w+=)/gm, '$1')
  const folder = folderWith(t, uncommented)
  assert.deepEqual(readConfig({}, folder), readConfig({ PODO_DATA_DIR: join(folder, '.podo') }, tmpdir()))
  assert.equal(Object.keys(parseEnv(uncommented)).length, Object.keys(readConfig({}, tmpdir())).length)
})

test('the guides name only settings that there are', () => {
  const root = join(import.meta.dirname, '../..')
  const guides = globSync('docs/guide/*.md', { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8'))
  const named = guides.flatMap((text) => text.match(/\b(?:PODO|DATABASE)_[A-Z_]+\b/g) ?? [])
  const settings = Object.keys(parseEnv(renderEnvExample().replace(/^# (\w+=)/gm, '$1')))
  // What a command asks the service with, and what compose.yaml asks for, are no settings of the service.
  const compose = readFileSync(join(root, 'compose.yaml'), 'utf8').match(/(?<=\$\{)\w+/g)!
  const others = ['PODO_API_KEY', 'PODO_URL', ...compose]
  assert.ok(named.length > 20)
  assert.deepEqual(
    named.filter((name) => !others.includes(name) && !settings.includes(name)),
    [],
  )
})

test('alerts go nowhere without https but to this machine, and by mail only where mails go', () => {
  const reaches = (url: string) => mistakesOf({ PODO_ALERT_URL: url }).length === 0
  assert.deepEqual(['https://hooks.example.com/x', 'http://localhost:9/x', 'http://hooks.example.com/x'].map(reaches), [
    true,
    true,
    false,
  ])
  const mailed = { PODO_PROFILE: 'production', PODO_OPERATOR_KEY: operatorKey, PODO_ALERT_EMAIL: 'ops@example.com' }
  assert.match(mistakesOf(mailed).join(), /PODO_ALERT_EMAIL is set without PODO_SMTP_URL/)
  const smtp = { PODO_SMTP_URL: 'smtp://127.0.0.1', PODO_MAIL_FROM: 'podo@example.com' }
  assert.deepEqual(mistakesOf({ ...mailed, ...smtp }), [])
})

test('backups are of the PostgreSQL that Podo starts itself', () => {
  const backed = { PODO_BACKUP_DIR: '/backups' }
  assert.deepEqual(mistakesOf(backed), [])
  const other = mistakesOf({ ...backed, DATABASE_URL: 'postgres://podo_service:x@db/podo' })
  assert.match(other.join(), /PODO_BACKUP_DIR is for the PostgreSQL that Podo starts itself, and DATABASE_URL names/)
})

test('a provider of sign-in has both id and secret, or neither, and secrets go nowhere without https', () => {
  const both = { PODO_KAKAO_CLIENT_ID: 'id', PODO_KAKAO_CLIENT_SECRET: 'secret' }
  assert.deepEqual(mistakesOf(both), [])
  for (const [name, value] of Object.entries(both)) assert.match(mistakesOf({ [name]: value }).join(), /Set both/)
  const reaches = (url: string) => mistakesOf({ PODO_NAVER_URL: url }).length === 0
  assert.deepEqual(['https://nid.example.com', 'http://127.0.0.1:9', 'http://nid.example.com'].map(reaches), [
    true,
    true,
    false,
  ])
})
