import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHouse } from '#test/harness'
import { testEvents } from '#test/test-events'
import { newId } from '../ids.ts'
import { system } from '../work.ts'
import { emit, outbox } from './events.ts'
import { openLocalDelivery } from './local.ts'
import { numberEvents } from './numbering.ts'
import { nightlyEventTidying } from './tidying.ts'

test('each night events are forgotten that are a month old and everybody has heard, and no others', async (t) => {
  const house = await openHouse(t)
  const { database, withWork, ownerSql } = house
  const sources = [outbox]
  const open = (name: string) =>
    openLocalDelivery({
      reads: database,
      withWork,
      sources,
      subscriber: { name, types: ['test.said'], async handle() {} },
      patience: { attemptsMax: 1, delayMs: () => 0 },
      onFailure: ({ error }) => assert.fail(String(error)),
    })
  const [quick, slow] = [open('quick'), open('slow')]
  await Promise.all([quick.next(), slow.next()])
  const names = ['quick', 'slow']
  const job = nightlyEventTidying({
    database,
    positions: names,
    subscribers: names,
    timeZone: 'Asia/Seoul',
    now: new Date(),
  })
  const tidy = () => job.run(null, { signal: AbortSignal.timeout(10_000), attempt: 1 })
  const pass = (days: number) =>
    ownerSql.run('update platform.event_age set noted_at = noted_at - make_interval(days => $1)', [days])
  let said = 0
  const say = async () => {
    await withWork(system, async (work) => emit(work, { kind: testEvents.said, key: newId(), data: { said: 'it' } }))
    said += 1
    while ((await ownerSql.rows('select from platform.event')).length < said)
      await withWork(system, (work) => numberEvents(work, { sources }))
  }
  const left = async () => {
    const rows = await ownerSql.rows<{ events: number; said: number; taken: number }>(
      `select (select count(*) from platform.event) as events, (select count(*) from platform.outbox) as said,
         (select count(*) from platform.inbox) as taken`,
    )
    return Object.values(rows[0]!)
  }
  await say()
  await quick.next()
  await tidy()
  await pass(29)
  await say()
  await quick.next()
  await tidy()
  assert.deepEqual(await left(), [2, 2, 2], 'nothing is a month old')
  await pass(2)
  await tidy()
  assert.deepEqual(await left(), [2, 2, 2], 'one has not heard it')
  await slow.next()
  await tidy()
  assert.deepEqual(await left(), [1, 1, 2], 'the older one has gone, and that it was taken in')
})
