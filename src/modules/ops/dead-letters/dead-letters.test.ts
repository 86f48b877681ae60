import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId, toPublicId } from '#platform/ids'
import { type Body, openApiHouse } from '#test/api-house'
import { makeDeadLetter } from '#test/dead-letters'
import { until } from '#test/harness'

const heard: string[] = []
let isBroken = true
const house = await openApiHouse(
  { after },
  {
    withBackground: true,
    moreSubscribers: [
      {
        name: 'listener',
        types: ['points.spent'],
        async handle(_work, events) {
          if (isBroken) throw new Error('not today')
          heard.push(...events.map(({ id }) => toPublicId('evt', id)))
        },
      },
    ],
  },
)
const path = '/v1/ops/dead-letters'
const idsOf = (answer: { body: Body }) => answer.body.items.map(({ id }: Body) => id)
const list = async (query: string) => idsOf(await house.get(`${path}?${query}`))
const redrive = async (body: object) => {
  const { status, body: answer } = await house.post(`${path}/redrive`, body)
  return status === 202 ? answer : [status, answer.errors?.[0].pointer]
}
const acts = async (action: string, target: string) =>
  (await house.get(`/v1/ops/audit?action=${action}&target=${target}`)).body.items

test('a dead letter is shown with its event and error, sent again, and taken in once the cause is mended', async () => {
  const wallet = await house.wallet('payer', 100)
  await house.spend(wallet, 30)
  // In place of the minute and a half that five attempts take.
  const failed = () =>
    house.ownerSql.run("update platform.event_stop set due_at = now() where subscription = 'listener'")
  const [letter] = await until('it is a dead letter', async () => {
    await failed()
    const { items } = (await house.get(`${path}?subscription=listener`)).body
    return items.length > 0 && items
  })
  assert.deepEqual([letter.attempts, letter.error, letter.subscription], [5, 'Error: not today', 'listener'])
  const { type, subject, data } = letter.event
  assert.deepEqual([type, subject, data.amount], ['points.spent', wallet, -30])
  assert.deepEqual((await house.get(`${path}/${letter.id}`)).body, letter)
  assert.match((await house.get('/metrics')).text, /^podo_dead_letters\{subscription="listener"\} 1$/m)
  assert.match((await house.get('/metrics')).text, /^podo_alerts_open 1$/m)
  isBroken = false
  const answers = await Promise.all([1, 2].map(() => house.post(`${path}/${letter.id}/redrive`)))
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [202, 404])
  await until('it was taken in', () => heard.length > 0)
  assert.deepEqual(heard, [letter.event.id])
  assert.equal((await house.get(`${path}/${letter.id}`)).body.type, '/problems/ops/dead-letter-unknown')
  const [act, ...others] = await acts('redriveDeadLetter', letter.id)
  assert.deepEqual(others, [])
  assert.deepEqual([act.actor.type, act.before.event], ['operator', letter.event.id])
  assert.match((await house.get('/metrics')).text, /^podo_alerts_open 0$/m)
})

test('dead letters are asked for by subscription, type, subject and time, newest first, a page at a time', async () => {
  const key = newId()
  const made = async (more: Parameters<typeof makeDeadLetter>[1]) => makeDeadLetter(house, more)
  const one = await made({ subscription: 'asked', key, failedAt: '2026-11-20T12:00:00Z' })
  const two = await made({ subscription: 'asked', type: 'points.charged', failedAt: '2026-11-21T12:00:00Z' })
  const three = await made({ subscription: 'asked', failedAt: '2026-11-22T12:00:00Z' })
  const asked = [
    ['', [three, two, one]],
    ['type=points.charged', [two]],
    [`subject=${toPublicId('wlt', key)}`, [one]],
    ['from=2026-11-21', [three, two]],
    ['from=2026-11-21T12:00:00Z&to=2026-11-22T12:00:00Z', [two]],
    ['to=2026-11-20', [one]],
  ] as const
  for (const [query, expected] of asked) assert.deepEqual(await list(`subscription=asked&${query}`), expected, query)
  const first = await house.get(`${path}?subscription=asked&limit=2`)
  const rest = await list(`subscription=asked&limit=2&cursor=${first.body.nextCursor}`)
  assert.deepEqual([...idsOf(first), ...rest], [three, two, one])
  assert.equal((await house.get(`${path}?cursor=${first.body.nextCursor}`)).status, 400)
  for (const [name, value] of [
    ['subject', 'somebody'],
    ['subscription', 'a%00'],
    ['type', 'a%00'],
  ])
    assert.equal((await house.get(`${path}?${name}=${value}`)).body.errors?.[0].pointer, `/${name}`)
})

test('many are sent again by what they have in common, and all only where that is said', async () => {
  const many = (subscription: string) => Promise.all([1, 2, 3].map(() => makeDeadLetter(house, { subscription })))
  const [ids] = [await many('many'), await many('more')]
  for (const empty of [{}, { all: false }]) assert.deepEqual(await redrive(empty), [400, ''])
  assert.deepEqual(await redrive({ ids: [ids[0], 'dlt_1', toPublicId('dlt', newId())] }), {
    redriven: 1,
    hasMore: false,
  })
  assert.deepEqual(await redrive({ ids: ['dlt_1'] }), { redriven: 0, hasMore: false })
  assert.deepEqual(await redrive({ subscription: 'many' }), { redriven: 2, hasMore: false })
  assert.deepEqual(await redrive({ subscription: 'many' }), { redriven: 0, hasMore: false })
  assert.equal((await redrive({ all: true, type: 'points.spent' })).redriven >= 3, true)
  assert.deepEqual(await list('subscription=more'), [])
  assert.equal((await acts('redriveDeadLetter', ids[1]!)).length, 1)
})

test('a call sends a thousand again at most, and says whether there are more', async () => {
  await house.ownerSql.run(
    `insert into platform.dead_letter (id, subscription, event_id, number, type, key, event, attempts, error)
     select gen_random_uuid(), 'crowd', gen_random_uuid(), n, 'points.spent', gen_random_uuid(),
       '{"id": "", "data": {}}', 5, 'Error: not today' from generate_series(1, 1001) n`,
  )
  await house.ownerSql.run(
    `update platform.dead_letter set event = event || jsonb_build_object('id', event_id) where subscription = 'crowd'`,
  )
  assert.deepEqual(await redrive({ subscription: 'crowd' }), { redriven: 1_000, hasMore: true })
  assert.deepEqual(await redrive({ subscription: 'crowd' }), { redriven: 1, hasMore: false })
})

test('one that is settled otherwise is discarded once, and the audit log keeps what it was and why', async () => {
  const id = await makeDeadLetter(house)
  const { body: letter } = await house.get(`${path}/${id}`)
  const discard = () => house.post(`${path}/${id}/discard`, { reason: 'Settled by hand' })
  assert.equal((await house.post(`${path}/${id}/discard`, {})).status, 400)
  assert.deepEqual([(await discard()).status, (await discard()).status], [204, 404])
  const [act] = await acts('discardDeadLetter', id)
  const { id: _, ...before } = letter
  assert.deepEqual([act.before, act.after], [before, { reason: 'Settled by hand' }])
})
