import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '#test/harness'
import { forms, openSharedPlace, type SharedPlace } from '#test/shared-place'
import { addScores, openRanking, type Ranking, removeScores, replaceBoard, type Score } from './ranking.ts'
import { openRedisRanking } from './redis/ranking.ts'
import { system, type Work, workOver } from './work.ts'

function openIn(place: SharedPlace) {
  const { database, redis } = place.open()
  const shared = redis && openRedisRanking(redis, { database, onError() {} })
  if (shared) place.house.onClose(shared.close)
  const ranking: Ranking = shared ?? openRanking(database)
  const withWork = workOver(database)
  const names = async (board: string) => (await ranking.top(board, 10)).map(({ member, score }) => `${member} ${score}`)
  return {
    ranking,
    write: (run: (work: Work) => Promise<unknown>) => withWork(system, run),
    names,
    untilNames: (board: string, expected: string[]) =>
      until(`the board was ${expected}`, async () => (await names(board)).join() === expected.join()),
  }
}

const scores = (...all: [string, number][]): Score[] => all.map(([member, score]) => ({ member, score }))

for (const form of ['PostgreSQL', 'Redis'] as const) {
  test(`by ${form}, a board is in the order of its scores, and of equals by name, whoever writes and whoever reads`, {
    skip: forms[form].skip,
  }, async (t) => {
    const place = await openSharedPlace(t, form)
    const [one, two] = [openIn(place), openIn(place)]
    const added = scores(['붉은', 3], ['b', 5], ['a', 5], ['B', 5], ['z', -1], ['gone', 9])
    await one.write((work) => addScores(work, { board: 'grapes', scores: added }))
    await two.write((work) => addScores(work, { board: 'grapes', scores: scores(['z', 5], ['z', 2]) }))
    await two.write((work) => addScores(work, { board: 'other', scores: scores(['a', Number.MAX_SAFE_INTEGER]) }))
    await one.write((work) => removeScores(work, { board: 'grapes', members: ['gone', 'nobody'] }))
    const inOrder = ['z 6', 'B 5', 'a 5', 'b 5', '붉은 3']
    for (const each of [one, two]) await each.untilNames('grapes', inOrder)
    assert.deepEqual(await two.ranking.top('grapes', 2), [
      { member: 'z', score: 6, rank: 1 },
      { member: 'B', score: 5, rank: 2 },
    ])
    assert.deepEqual(await one.ranking.find('grapes', '붉은'), { member: '붉은', score: 3, rank: 5 })
    assert.equal(await one.ranking.find('grapes', 'gone'), null)
    await one.untilNames('other', [`a ${Number.MAX_SAFE_INTEGER}`])
    assert.deepEqual(await one.names('empty'), [])

    await two.write((work) =>
      replaceBoard(work, { board: 'grapes', scores: scores(['a', 1], ['new', 2], ['gone', 0]) }),
    )
    for (const each of [one, two]) await each.untilNames('grapes', ['new 2', 'a 1', 'gone 0'])
    await one.untilNames('other', [`a ${Number.MAX_SAFE_INTEGER}`])
  })
}

test('what is undone never stood on a board', async (t) => {
  const { write, names } = openIn(await openSharedPlace(t, 'PostgreSQL'))
  const undone = write(async (work) => {
    await addScores(work, { board: 'grapes', scores: scores(['a', 1]) })
    throw new Error('undone')
  })
  await assert.rejects(undone, /undone/)
  assert.deepEqual(await names('grapes'), [])
})

test('a Redis that was emptied, lost a board or was away has every board again, and nobody reads a part of one', {
  skip: forms.Redis.skip,
}, async (t) => {
  const place = await openSharedPlace(t, 'Redis')
  const { write, names, untilNames } = openIn(place)
  const { client, kill, start } = place.server!
  const many = Array.from({ length: 1_200 }, (_, at) => ({
    member: `m${String(at).padStart(4, '0')}`,
    score: 1_200 - at,
  }))
  await write((work) => replaceBoard(work, { board: 'grapes', scores: many }))
  const first = many.slice(0, 10).map(({ member, score }) => `${member} ${score}`)
  assert.deepEqual(await names('grapes'), first)
  const isComplete = async () => (await client.hget('test:ranking', 'complete')) === '1'
  const untilFollowed = () =>
    until('Redis had the board', async () => {
      assert.deepEqual(await names('grapes'), first)
      return (await isComplete()) && (await client.zcard('test:ranking:grapes')) === 1_201
    })
  await untilFollowed()
  for (const lose of [
    () => client.flushall(),
    () => client.del('test:ranking:grapes'),
    () => client.del('test:ranking'),
    async () => {
      await kill()
      assert.deepEqual(await names('grapes'), first)
      await start()
    },
  ]) {
    await lose()
    await untilFollowed()
  }
  await write((work) => addScores(work, { board: 'grapes', scores: scores(['late', 2_000]) }))
  await untilNames('grapes', ['late 2000', ...first.slice(0, 9)])
  assert.equal(await client.zcard('test:ranking:grapes'), 1_202)
  await client.zadd('test:ranking:grapes', -3_000, 'from Redis')
  await untilNames('grapes', ['from Redis 3000', 'late 2000', ...first.slice(0, 8)])
})
