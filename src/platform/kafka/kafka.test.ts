import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { kafkaJars } from '#sandbox/kafka/installed'
import { root } from '#test/architecture/sources'
import { withoutKafka } from '#test/engines/installed'
import { openKafka } from '#test/engines/kafka'
import { until } from '#test/harness'
import { envelopes, hearLocallyIn, openKafkaHouse } from '#test/kafka-house'
import { listDeadLetters } from '../events/dead-letters.ts'
import { newId } from '../ids.ts'

const skip = withoutKafka()
const isLong = process.env.PODO_TEST_LONG === '1'
/** One broker for the whole file. */
const kafka = skip ? null! : await openKafka({ after }, { isSecured: true })
const numbers = (count: number) => Array.from({ length: count }, (_, at) => String(at))
const all = {
  filter: { ids: null, subscription: null, type: null, key: null, from: null, to: null },
  after: null,
  limit: 100,
}

it('what is said is heard once, in the order of its key, through topics of so many partitions', { skip }, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  await house.hear()
  const keys = Array.from({ length: 10 }, newId)
  for (let at = 0; at < 10; at += 1) await Promise.all(keys.map((key) => house.say(key, at)))
  await house.untilHeard(100)
  for (const key of keys) assert.deepEqual(await house.heard(key), numbers(10))
  const { topics } = await house.admin((admin) => admin.metadata({ topics: [house.topic, `${house.topic}.DLT`] }))
  assert.deepEqual(
    [...topics.values()].map(({ partitionsCount }) => partitionsCount),
    [3, 3],
  )
})

it('what was said before there was a Kafka, and after there is none any more, is heard once, too', {
  skip,
}, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const key = newId()
  const local = await hearLocallyIn(house)
  await house.say(key, 0, 1)
  await house.untilHeard(2)
  await local.close()
  await house.say(key, 2, 3)
  const through = await house.hear()
  await house.say(key, 4)
  await house.untilHeard(5)
  await through.close()
  await house.say(key, 5)
  await hearLocallyIn(house)
  await house.untilHeard(6)
  assert.deepEqual(await house.heard(), numbers(6))
  const sent = (await house.read(house.topic)).map(({ value }) => envelopes.unwrap(JSON.parse(value)).data.said)
  assert.deepEqual(sent, [2, 3, 4])
})

it('what a process says whose clock is three days ahead, and is set back by six, is heard once and in order', {
  skip,
}, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const [now, key, day] = [Date.now, newId(), 86_400_000]
  let aheadMs = 3 * day
  t.mock.method(Date, 'now', () => now() + aheadMs)
  await house.hear()
  await house.say(key, 0)
  await house.untilHeard(1)
  aheadMs = -3 * day
  await house.say(key, 1)
  await house.untilHeard(2)
  assert.deepEqual(await house.heard(key), numbers(2))
})

it('what a group is done with moves its subscription on, and its lag and members are numbers', { skip }, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const { metrics } = await house.hear()
  await house.say(newId(), 'one', 'two')
  await house.untilHeard(2)
  const place = async () => {
    const rows = await house.ownerSql.rows<{ number: number }>(
      `select number from platform.subscription where name = 'listener'`,
    )
    return rows[0]!.number
  }
  await until('the subscription stands behind both', async () => (await place()) === 2)
  const text = await metrics.text()
  for (const line of [
    `podo_kafka_lag{group="${house.group}",topic="${house.topic}"} 0`,
    `podo_kafka_joins_total{group="${house.group}"} 1`,
    'podo_kafka_away 0',
  ])
    assert.ok(text.includes(line), `${line} in\n${text}`)
})

it('what fails for good goes to the dead letters and, with why, to the topic for them; nobody waits for it', {
  skip,
}, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  await house.hear()
  // One of a hundred is bad.
  const [keysMax, perKey, badMax] = isLong ? [100, 100, 100] : [20, 10, 2]
  const keys = Array.from({ length: keysMax }, newId)
  const toSay = (place: number) =>
    Array.from(
      { length: perKey },
      (_, at) => `${String(at).padStart(2, '0')}${at === place && place < badMax ? ' bad' : ''}`,
    )
  await Promise.all(keys.map((key, place) => house.say(key, ...toSay(place))))
  await house.untilHeard(keysMax * perKey - badMax)
  const copies = await until('all that was bad was copied', async () => {
    const found = await house.read(`${house.topic}.DLT`)
    return found.length === badMax ? found : null
  })
  const letters = await listDeadLetters(house.database, all)
  assert.equal(letters.length, badMax)
  for (const letter of letters) {
    const copy = copies.find(({ value }) => envelopes.unwrap(JSON.parse(value)).id === letter.event.id)!
    assert.deepEqual(envelopes.unwrap(JSON.parse(copy.value)), letter.event)
    const { at: _, ...headers } = Object.fromEntries(copy.headers)
    assert.equal(headers['podo-error'], `Error: cannot bear ${letter.event.data.said}`)
    assert.deepEqual(
      [headers['podo-attempts'], headers['podo-group'], headers['podo-original-topic'], headers['podo-failed-at']],
      ['5', house.group, house.topic, letter.failedAt.toISOString()],
    )
  }
  for (const key of keys) {
    const heard = await house.heard(key)
    assert.deepEqual(heard, heard.toSorted())
  }
})

it('what is none of our events goes to the dead letters of its topic as it came, and is in nobody’s way', {
  skip,
}, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const { metrics } = await house.hear()
  const key = newId()
  await house.say(key, 'before')
  await house.untilHeard(1)
  const [sent] = await house.read(house.topic)
  const event = JSON.parse(sent!.value)
  const altered = (change: object) => ({ key: event.subject, value: JSON.stringify({ ...event, ...change }) })
  const strange: [RegExp, { key?: string; value: string }][] = [
    [/not JSON/, { value: '{"specversion"' }],
    [/not an object/, { value: '42' }],
    [/no CloudEvent/, altered({ specversion: '0.3' })],
    [/type is unknown/, altered({ type: 'test.never' })],
    [/version is unknown/, altered({ dataschema: 'http://127.0.0.1/events/test.said.v9.json' })],
    [/subject is no mem_/, altered({ subject: `wlt_${'0'.repeat(32)}` })],
    [/key is not its subject/, { value: sent!.value }],
  ]
  for (const [, message] of strange) await house.put(message)
  await house.say(key, 'after')
  await house.untilHeard(2)
  const letters = await until('all were put away', async () => {
    const found = await house.read(`${house.topic}.DLT`)
    return found.length === strange.length ? found : null
  })
  for (const [reason, { value }] of strange) {
    const letter = letters.find((each) => reason.test(each.headers.get('podo-error')!))!
    assert.equal(letter.value, value)
    assert.equal(letter.headers.get('podo-original-topic'), house.topic)
    assert.ok(house.lines.some((line) => line.includes('none of our events') && reason.test(line)))
  }
  assert.match(
    await metrics.text(),
    new RegExp(`podo_kafka_unreadable_total{topic="${house.topic}"} ${strange.length}\n`),
  )
  assert.deepEqual(await house.heard(), ['before', 'after'])
})

it('what stands in a topic twice, as after the death of who published it, has one effect', { skip }, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const key = newId()
  const first = await house.hear()
  await house.say(key, 0)
  await house.untilHeard(1)
  await first.close()
  await house.say(key, 1, 2)
  await house.publish()
  for (const { key, value } of await house.read(house.topic)) await house.put({ key, value })
  await house.say(key, 3)
  await house.hear()
  await house.untilHeard(4)
  assert.equal((await house.read(house.topic)).length, 7)
  assert.deepEqual(await house.heard(), numbers(4))
})

it('what the topics forgot before it was heard is read from the database, in its order', { skip }, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const key = newId()
  const first = await house.hear()
  await house.say(key, 0)
  await house.untilHeard(1)
  await first.close()
  await house.say(key, 1, 2)
  await house.publish()
  await house.admin(async (admin) => {
    const { topics } = await admin.metadata({ topics: [house.topic] })
    const partitions = topics.get(house.topic)!.partitions.map((_, partition) => ({ partition, offset: -1n }))
    await admin.deleteRecords({ topics: [{ name: house.topic, partitions }] })
  })
  const { metrics } = await house.hear()
  await house.untilHeard(3)
  await house.say(key, 3)
  await house.untilHeard(4)
  assert.deepEqual(await house.heard(), numbers(4))
  assert.ok(house.lines.some((line) => line.includes('deleted messages before they were read')))
  assert.match(await metrics.text(), new RegExp(`podo_kafka_missing_total{topic="${house.topic}"} 1\n`))
})

it('a topic that lacks partitions is used as it is, and told of', { skip }, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  await house.admin((admin) => admin.createTopics({ topics: [house.topic], partitions: 1, replicas: 1 }))
  const { metrics } = await house.hear()
  await house.say(newId(), 'one')
  await house.untilHeard(1)
  assert.equal(house.lines.filter((line) => line.includes('fewer partitions than KAFKA_PARTITIONS')).length, 1)
  assert.match(await metrics.text(), new RegExp(`podo_kafka_partitions_lacking{topic="${house.topic}"} 2\n`))
})

it('brokers that refuse the password are told of once, and let in who has it, through TLS', { skip }, async (t) => {
  const { addresses, authority, username, password } = kafka.secured!
  const settingsOf = (password: string, mechanism: 'PLAIN' | 'SCRAM-SHA-512') => ({
    client: {
      bootstrapBrokers: [...addresses],
      tls: { ca: authority },
      sasl: { mechanism, username, password },
    },
  })
  const refused = await openKafkaHouse(t, kafka, settingsOf('canary', 'SCRAM-SHA-512'))
  const { metrics } = await refused.hear()
  await until('it was told', () => refused.lines.length > 0)
  await refused.say(newId(), 'one')
  assert.equal(refused.lines.length, 1)
  assert.match(refused.lines[0]!, /the brokers refuse to let us in: .*KAFKA_SASL_PASSWORD/)
  assert.doesNotMatch(refused.lines[0]!, /canary/)
  assert.match(await metrics.text(), /podo_kafka_away 1\n/)
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-512'] as const) {
    const house = await openKafkaHouse(t, kafka, settingsOf(password, mechanism))
    await house.hear()
    await house.say(newId(), 'one')
    await house.untilHeard(1)
    assert.deepEqual(house.lines, [])
  }
})

it('a program in Java reads the topics, by the example of the guide', { skip }, async (t) => {
  const [example, other] = ['events.md', 'events.ko.md'].map((name) => {
    const guide = readFileSync(join(root, 'docs/guide', name), 'utf8')
    return /```java\n(.*?)```/s.exec(guide)![1]!
  })
  assert.equal(other, example)
  const house = await openKafkaHouse(t, kafka)
  const program = join(tmpdir(), `${house.group}-ReadEvents.java`)
  writeFileSync(program, example!)
  await house.hear()
  const key = newId()
  await house.say(key, 'one', 'two')
  await house.untilHeard(2)
  const sent = await house.read(house.topic)
  const java = spawn('java', ['-cp', join(kafkaJars, '*'), program, kafka.addresses[0]!, house.topic])
  let output = ''
  java.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await until('it has read both', () => output.split('\n').length > 2)
  java.kill()
  const expected = sent.map(({ value }) => {
    const { id, subject, data } = JSON.parse(value)
    return `${id} ${subject} ${JSON.stringify(data)}\n`
  })
  assert.equal(output, expected.join(''))
})
