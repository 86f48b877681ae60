import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, beforeEach, test } from 'node:test'
import { openHouse, until } from '#test/harness'
import { alertingJob, alertJobs } from './alert-jobs.ts'
import { type Alert, countOpenAlerts, endAlert, findAlert, raiseAlert } from './alerts.ts'
import { readConfig } from './config.ts'
import { openJobs } from './jobs.ts'
import { openLog } from './log.ts'
import type { Mail } from './mail.ts'
import { openGuard } from './resilience.ts'
import { system } from './work.ts'

const alertUrl = '/services/canary-of-the-receiver-5521'
const alertEmail = 'canary-5521@example.com'

/** What was posted, and what is answered to it. */
const posted: { path: string | undefined; body: Record<string, unknown> }[] = []
let status = 200
const receiver = createServer(async (request, response) => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  posted.push({ path: request.url, body: JSON.parse(Buffer.concat(parts).toString()) })
  response.writeHead(status, { location: 'https://elsewhere.example.com' }).end('canary-of-the-answer')
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
after(() => receiver.close())

const house = await openHouse({ after })
const mails: Mail[] = []
const lines: string[] = []
const log = openLog({ level: 'trace', write: (line) => lines.push(line) })
const settings = {
  ...readConfig({ PODO_LANGUAGE: 'en' }, import.meta.dirname),
  alertEmail,
  alertUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${alertUrl}`,
}
const mailer = { send: async (mail: Mail) => void mails.push(mail), close() {} }
const origin = 'https://points.example.com'
const jobs = await openJobs({
  url: house.serviceUrl,
  concurrency: 2,
  log,
  jobs: alertJobs({ reads: house.database, log, mailer, settings, origin, openGuard }),
})
house.onClose(() => jobs.close())

beforeEach(() => {
  status = 200
  for (const told of [posted, mails, lines]) told.length = 0
})

const alertOf = (cause: string): Alert => ({
  cause,
  title: { ko: '서가에 불이 났습니다', en: 'The shelves are on fire' },
  todo: { ko: '"podo put-out"을 실행하십시오.', en: 'Run "podo put-out".' },
})
const raise = (cause: string) => house.withWork(system, (work) => raiseAlert(work, alertOf(cause)))
const end = (cause: string) => house.withWork(system, (work) => endAlert(work, { cause }))
const told = () => lines.filter((line) => line.includes('The shelves are on fire'))
const queued = () =>
  house.ownerSql.rows<{ attempts: number; error: string | null }>(
    'select attempts, last_error as error from graphile_worker._private_jobs',
  )
const allTold = () => until('everybody was told', async () => (await queued()).length === 0)

test('an alert of twenty who raise it at once is told once by each way, until its cause has ended', async () => {
  await Promise.all(Array.from({ length: 20 }, () => raise('fire')))
  await allTold()
  assert.deepEqual([posted.length, mails.length, told().length], [1, 1, 1])
  const alert = (await findAlert(house.database, 'fire'))!
  assert.deepEqual([alert.count, alert.endedAt, await countOpenAlerts(house.database)], [20, null, 1])
  await end('fire')
  assert.equal(await countOpenAlerts(house.database), 0)
  await raise('fire')
  await allTold()
  assert.deepEqual([posted.length, mails.length, told().length], [2, 2, 2])
  assert.deepEqual([(await findAlert(house.database, 'fire'))!.count, await countOpenAlerts(house.database)], [1, 1])
  await end('fire')
})

test('an alert says what happened, since when, and what to do', async () => {
  await raise('smoke')
  await allTold()
  const { since } = (await findAlert(house.database, 'smoke'))!
  const { path, body } = posted[0]!
  const { text, ...rest } = body
  assert.equal(path, alertUrl)
  assert.deepEqual(rest, {
    cause: 'smoke',
    title: 'The shelves are on fire',
    todo: 'Run "podo put-out".',
    count: 1,
    since: since.toISOString(),
    endedAt: null,
    link: origin,
  })
  const [mail] = mails
  assert.deepEqual([mail!.to, mail!.subject], [alertEmail, '[Podo] The shelves are on fire'])
  assert.match(mail!.text, /^Since .*, once so far\.\n\nRun "podo put-out"\.\n\nhttps:\/\/points\.example\.com\n$/)
  assert.equal(text, `${mail!.subject}\n\n${mail!.text}`)
})

test('an alert of work that is undone is told to nobody', async () => {
  const undone = house.withWork(system, async (work) => {
    await raiseAlert(work, alertOf('dream'))
    throw new Error('undone')
  })
  await assert.rejects(undone, { message: 'undone' })
  assert.equal(await findAlert(house.database, 'dream'), null)
  assert.deepEqual(await queued(), [])
})

test('a receiver that is down is told later, keeps nobody else from being told, and its address is in no log', async () => {
  for (const refusal of [503, 302, 404]) {
    status = refusal
    const before = posted.length
    await raise(`flood ${refusal}`)
    const failed = await until('it has failed', async () =>
      (await queued()).find(({ attempts, error }) => attempts && error),
    )
    assert.match(failed.error!, /The receiver of alerts answered \d{3}/)
    await until('the others were told', () => mails.length > 0 && told().length > 0)
    status = 200
    await house.ownerSql.run('update graphile_worker._private_jobs set run_at = now()')
    await house.ownerSql.rows(`select pg_notify('jobs:insert', '{"count":1}')`)
    await allTold()
    assert.equal(posted.length, before + 2)
    for (const text of [failed.error!, ...lines]) assert.doesNotMatch(text, /canary/)
  }
})

test('one that ended before it could be told is told all the same, with its end', async () => {
  await house.withWork(system, async (work) => {
    await raiseAlert(work, alertOf('spark'))
    await endAlert(work, { cause: 'spark' })
  })
  await allTold()
  assert.notEqual(posted[0]!.body.endedAt, null)
  assert.match(mails[0]!.text, /^It ended on /m)
})

test('a job that comes round by itself alerts when it fails for good, and no more once it succeeds', async () => {
  let isBroken = true
  const job = alertingJob(house.withWork, {
    name: 'test.round',
    attemptsMax: 2,
    async run() {
      if (isBroken) throw new Error('not today')
    },
  })
  const run = (attempt: number) => job.run({}, { signal: new AbortController().signal, attempt })
  const open = async () => (await findAlert(house.database, 'job/test.round'))?.endedAt === null
  await assert.rejects(run(1), { message: 'not today' })
  assert.equal(await open(), false)
  await assert.rejects(run(2), { message: 'not today' })
  assert.equal(await open(), true)
  isBroken = false
  await run(1)
  assert.equal(await open(), false)
  await allTold()
})
