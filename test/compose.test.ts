import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { findUnknownSettings, readConfig } from '#platform/config'
import { serverSettings } from '#platform/postgres-settings'
import { root } from './architecture/sources.ts'
import { composeText, readCompose, type Service, settingsOf } from './compose.ts'
import { openComposeHouse } from './compose-house.ts'
import { withoutKafka, withoutRedis } from './engines/installed.ts'
import { until } from './harness.ts'
import { readAll } from './kafka-house.ts'
import { operatorAt, spendOnce } from './operator.ts'

const secrets = [...composeText.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!)
const given = Object.fromEntries(secrets.map((name, at) => [name, `${at}`.padStart(64, 'fedcba9876543210')]))
const compose = readCompose(given)
const services = Object.entries(compose.services)
const ofPodo = services.filter(([, { build }]) => build)

/** What of each service does not fit, by its name. */
function unfit(of: [string, Service][], fits: (service: Service) => unknown): string[] {
  return of.filter(([, service]) => !fits(service)).map(([name]) => name)
}

test('compose.yaml is valid by the schema of the Compose specification', () => {
  const path = new URL('schemas/compose.schema.json', import.meta.resolve('dclint/package.json'))
  const { $schema: _, ...schema } = JSON.parse(readFileSync(path, 'utf8'))
  const isValid = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  assert.ok(isValid(parse(composeText, { merge: true })), JSON.stringify(isValid.errors))
  const { api, ...others } = compose.services
  assert.equal(isValid({ services: { api: { ...api, restarts: 'always' }, ...others } }), false)
  assert.equal(isValid({ services: { api: { ...api, depends_on: { kafka: { condition: 'up' } } }, ...others } }), false)
})

test('every service is an image of one version, and Podo’s is that of this repository', () => {
  assert.deepEqual(
    unfit(services, ({ image }) => /:\d+\.\d+(?:\.\d+)?(?:-\w+)?$/.test(image)),
    [],
  )
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  assert.deepEqual(
    unfit(ofPodo, ({ image }) => image === `podo:${version}`),
    [],
  )
})

test('every service may do no more than it has to, and takes no more than its share of the machine', () => {
  const mayWrite = ['opensearch']
  assert.deepEqual(
    unfit(services, ({ read_only }) => read_only),
    mayWrite,
  )
  assert.deepEqual(
    unfit(services, ({ cap_drop }) => cap_drop.includes('ALL')),
    [],
  )
  assert.deepEqual(
    unfit(services, ({ security_opt }) => security_opt.includes('no-new-privileges:true')),
    [],
  )
  assert.deepEqual(
    unfit(services, ({ deploy: { resources } }) => {
      const { cpus, memory, pids } = resources.limits
      return cpus && memory && pids
    }),
    [],
  )
  assert.deepEqual(
    unfit(services, ({ logging: { options } }) => options['max-size'] && options['max-file']),
    [],
  )
})

test('every service that goes on is watched, and started again', () => {
  const goesOn = services.filter(([name]) => name !== 'migrate')
  assert.deepEqual(
    unfit(goesOn, ({ restart }) => restart === 'unless-stopped'),
    [],
  )
  assert.deepEqual(
    unfit(goesOn, ({ build, healthcheck }) => build || healthcheck?.test),
    [],
  )
})

test('from outside only the API is reached, and only from this machine', () => {
  const open = services.filter(([, { ports }]) => ports)
  assert.deepEqual(
    open.map(([name, { ports }]) => [name, ports]),
    [['api', ['127.0.0.1:8080:8080']]],
  )
  assert.equal(compose.networks.engines!.internal, true)
  assert.deepEqual(
    unfit(services, ({ networks }) => networks.includes('engines')),
    [],
  )
  assert.deepEqual(
    services.filter(([, { networks }]) => networks.includes('outside')).map(([name]) => name),
    ['api', 'worker'],
  )
})

test('Podo starts on a migrated database, finishes what runs, and is not kept waiting by what it can do without', () => {
  for (const name of ['api', 'worker']) {
    assert.deepEqual(compose.services[name]!.depends_on, {
      migrate: { condition: 'service_completed_successfully' },
      kafka: { condition: 'service_started' },
      valkey: { condition: 'service_started' },
    })
  }
  assert.deepEqual(compose.services.migrate!.depends_on, { postgres: { condition: 'service_healthy' } })
  assert.deepEqual(
    unfit(ofPodo, ({ stop_grace_period }) => Number.parseInt(stop_grace_period!, 10) > 10),
    [],
  )
})

test('no secret has a default, and each is told where to come from', () => {
  assert.deepEqual(
    new Set(secrets),
    new Set([
      'DATABASE_ADMIN_PASSWORD',
      'DATABASE_OWNER_PASSWORD',
      'DATABASE_SERVICE_PASSWORD',
      'PODO_OPERATOR_KEY',
      'PODO_SECRET_KEY',
    ]),
  )
  for (const name of secrets) {
    assert.throws(() => readCompose({ ...given, [name]: '' }), new RegExp(`${name} see docs/guide/compose.md`))
  }
  const owners = services.filter(([, { environment }]) =>
    JSON.stringify(environment ?? {}).includes(given.DATABASE_OWNER_PASSWORD!),
  )
  assert.deepEqual(
    owners.map(([name]) => name),
    ['migrate', 'postgres'],
  )
})

test('the settings of each Podo are settings, and good for production', () => {
  for (const [name, { environment }] of ofPodo) {
    const config = readConfig(environment as Record<string, string>, import.meta.dirname)
    assert.equal(config.profile, 'production', name)
    assert.deepEqual(findUnknownSettings(environment as Record<string, string>), [])
  }
})

test('PostgreSQL is set as the one that Podo starts itself, but for its place and its share', () => {
  const own = /^(?:listen_|unix_|shared_|dynamic_shared_|effective_cache_|max_wal_|min_wal_|wal_sync_)/
  const alike = (settings: object) => {
    const named = Object.entries(settings).filter(([name]) => !own.test(name))
    return Object.fromEntries(named.map(([name, value]) => [name, String(value)]))
  }
  const expected = alike(serverSettings({ durable: true, folder: root }))
  assert.deepEqual(alike(settingsOf(compose.services.postgres!)), expected)
})

const skip = withoutKafka() || withoutRedis()

test('what compose.yaml describes, started without Docker, spends and hears of it through Kafka', {
  skip,
}, async (t) => {
  const house = await openComposeHouse(t)
  const operator = operatorAt(house.url, house.operatorKey)
  await operator.post('/v1/earning-rules', { rateBasisPoints: 100 })
  const { walletId, spend } = await spendOnce(operator)
  assert.equal(spend.balanceAfter, 7_000)
  await until('the spend has earned', async () => (await operator.get(`/v1/wallets/${walletId}`)).balance === 7_030)
  const messages = await readAll({ bootstrapBrokers: [house.kafka] }, 'podo.points')
  assert.ok((await house.redis.client.pubsub('CHANNELS', 'podo:*')).length > 0)
  assert.ok(messages.some(({ value }) => value.includes(spend.id)))
  assert.deepEqual(await house.stop(), [0, 0])
})
