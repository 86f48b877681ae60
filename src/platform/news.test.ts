import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '#test/harness'
import { forms, openSharedPlace, type SharedPlace } from '#test/shared-place'

/** Cuts what every process hears by. */
function cut({ house, server }: SharedPlace): Promise<unknown> {
  if (server) return server.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  return house.ownerSql.run(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'podo news' and datname = current_database()`,
  )
}

for (const form of ['PostgreSQL', 'Redis'] as const) {
  test(`by ${form}, every process hears what is told of a topic, and after a cut that it may have missed some`, {
    skip: forms[form].skip,
  }, async (t) => {
    const place = await openSharedPlace(t, form)
    const processes = [place.open().news, place.open().news]
    const heard = processes.map(() => new Set<string>())
    const gaps = processes.map(() => 0)
    for (const [at, news] of processes.entries()) {
      news.hear('colours', (text) => heard[at]!.add(text))
      news.onGap(() => {
        gaps[at]! += 1
      })
    }
    const gapsAtStart = form === 'Redis' ? 2 : 1
    await until('both heard', () => gaps.every((count) => count === gapsAtStart))
    await processes[0]!.tell('sounds', 'ring')
    await processes[0]!.tell('colours', 'deep blue')
    await processes[1]!.tell('colours', '')
    await until('all was heard', () => heard.every((texts) => texts.size === 2))
    for (const texts of heard) assert.deepEqual(texts, new Set(['deep blue', '']))
    await cut(place)
    await until('the gap was told', () => gaps.every((count) => count > gapsAtStart))
    await processes[1]!.tell('colours', '보라')
    await until('it was heard', () => heard.every((texts) => texts.has('보라')))
  })
}
