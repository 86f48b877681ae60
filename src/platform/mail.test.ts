import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { openApiHouse } from '#test/api-house'
import { openHouse, type Scope, until } from '#test/harness'
import { addJob } from './job-queue.ts'
import { openJobs } from './jobs.ts'
import { openLog } from './log.ts'
import { findMailProblem, openMailer } from './mail.ts'
import type { MailOutbox } from './mail-outbox.ts'
import { openGuard } from './resilience.ts'
import { system } from './work.ts'

const mail = {
  to: 'grape@example.com',
  subject: '안녕하세요\r\nBcc: other@example.com',
  text: '첫 줄\n둘째 줄 https://x/#secret',
}
const noOutbox: MailOutbox = {
  keep: () => Promise.reject(new Error('the outbox was used')),
  list: () => Promise.resolve([]),
}

/** A mail server of a few lines: what it was told, and what it says to RCPT. */
async function startServer(scope: Scope, refusal: string | null = null) {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let isData = false
    let rest = ''
    const say = (line: string) => socket.write(`${line}\r\n`)
    say('220 mail.example.com')
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      rest += bytes.toString()
      const lines = rest.split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        heard.push(line)
        if (isData) {
          isData = line !== '.'
          if (!isData) say('250 taken')
        } else if (/^DATA/i.test(line)) {
          isData = true
          say('354 go on')
        } else if (/^STARTTLS/i.test(line)) say('502 not here')
        else if (/^RCPT/i.test(line) && refusal) say(refusal)
        else say('250 mail.example.com')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.after(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return { heard, url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const by = { outbox: noOutbox, openGuard }
const production = (smtpUrl: string | null) =>
  ({ profile: 'production', smtpUrl, mailFrom: 'Podo <no-reply@example.com>' }) as const

test('a mail goes to the one address by SMTP, with the sender that is set, and its subject adds no header', async (t) => {
  const { url, heard } = await startServer({ after: (run) => t.after(run) })
  const mailer = openMailer(production(url), by)
  t.after(() => mailer.close())
  await mailer.send(mail)
  const said = heard.join('\n')
  assert.match(said, /MAIL FROM:<no-reply@example.com>/)
  assert.deepEqual(
    heard.filter((line) => /^RCPT/.test(line)),
    ['RCPT TO:<grape@example.com>'],
  )
  assert.doesNotMatch(said, /^Bcc:/m)
  assert.match(said, /^From: Podo <no-reply@example.com>$/m)
})

test('a mail server elsewhere that offers no encryption is told nothing', async (t) => {
  const { url, heard } = await startServer({ after: (run) => t.after(run) })
  const elsewhere = url.replace('127.0.0.1', '[::ffff:127.0.0.1]')
  const mailer = openMailer(production(elsewhere), by)
  t.after(() => mailer.close())
  await assert.rejects(mailer.send(mail), /did not take a mail/)
  assert.deepEqual(
    heard.filter((line) => /^(MAIL|RCPT|DATA)/.test(line)),
    [],
  )
})

test('a mail that is not taken is tried again and given up, and neither log nor queue says its address or link', async (t) => {
  const house = await openHouse(t)
  const { url } = await startServer({ after: (run) => t.after(run) }, '550 5.1.1 <grape@example.com> unknown #secret')
  const mailer = openMailer(production(url), by)
  t.after(() => mailer.close())
  const lines: string[] = []
  const log = openLog({ level: 'info', write: (line) => lines.push(line) })
  const job = { name: 'test.mail', attemptsMax: 2, run: () => mailer.send(mail) }
  const jobs = await openJobs({ url: house.serviceUrl, jobs: [job], concurrency: 1, log })
  house.onClose(() => jobs.close())
  await house.withWork(system, (work) => addJob(work, { name: job.name, payload: {}, attemptsMax: 2 }))
  const attempted = (attempts: number) =>
    until(`attempt ${attempts} has failed`, async () => {
      const rows = await house.ownerSql.rows<{ error: string }>(
        'select last_error as error from graphile_worker._private_jobs where attempts = $1 and locked_at is null',
        [attempts],
      )
      return rows[0]?.error
    })
  await attempted(1)
  await house.ownerSql.run('update graphile_worker._private_jobs set run_at = now()')
  await house.ownerSql.rows(`select pg_notify('jobs:insert', '{"count":1}')`)
  const kept = await attempted(2)
  assert.match(kept, /did not take a mail \(EENVELOPE, 550\)/)
  assert.equal(lines.length, 2)
  assert.match(lines[1]!, /attempt 2 of 2/)
  for (const text of [kept, ...lines]) assert.doesNotMatch(text, /grape|secret/)
})

test('a mail server that is away is not asked for each mail, and one that refuses mails is', async (t) => {
  const { url, heard } = await startServer({ after: (run) => t.after(run) }, '550 5.1.1 unknown')
  const there = openMailer(production(url), by)
  t.after(() => there.close())
  for (let at = 0; at < 12; at += 1) await assert.rejects(there.send(mail), /EENVELOPE, 550/)
  assert.equal(heard.filter((line) => /^RCPT/.test(line)).length, 12)
  const away = openMailer(production('smtp://127.0.0.1:1'), by)
  t.after(() => away.close())
  for (let at = 0; at < 10; at += 1) await assert.rejects(away.send(mail), /ECONNREFUSED|ESOCKET|ECONNECTION/)
  await assert.rejects(away.send(mail), /did not take a mail \(smtp is away, and is not asked\)/)
})

test('production without a mail server says so where it is looked for, and sends nothing', async () => {
  assert.match(findMailProblem(production(null))!.en, /PODO_SMTP_URL/)
  assert.equal(findMailProblem(production('smtp://127.0.0.1:1')), null)
  assert.equal(findMailProblem({ profile: 'demo', smtpUrl: null, mailFrom: null }), null)
  await openMailer(production(null), by).send(mail)
  const house = await openApiHouse({ after }, { settings: { profile: 'production' } })
  const { body } = await house.get('/health/ready')
  assert.match(body.warnings.mail, /^No mail is sent/)
  const korean = await house.get('/health/ready', { 'accept-language': 'ko' })
  assert.match(korean.body.warnings.mail, /^메일을 보내지 않으므로/)
  assert.equal(korean.headers['content-language'], 'ko')
  for (const path of ['/sandbox/mails', '/v1/sandbox/mails']) assert.equal((await house.get(path)).status, 404)
})

test('the outbox of the demo shows mails in every process: as text, with a link only to this service', async () => {
  const house = await openApiHouse({ after }, { withBackground: true })
  const person = await house.person()
  const [sent] = await until('the mail came', async () => {
    const mails = await house.mails(person.email)
    return mails.length > 0 ? mails : null
  })
  const second = await house.secondApi()
  assert.deepEqual((await second.get('/v1/sandbox/mails')).body.items[0], sent)
  const { text: html, headers } = await second.get('/sandbox/mails', { 'accept-language': 'ko' })
  const link = /http:\S+#[\w-]{72}/.exec(sent.text)![0]
  assert.ok(html.includes(`<a href="${link}">${link}</a>`) && html.includes('보낸 메일'))
  assert.match(html, new RegExp(`<time datetime="${sent.sentAt}">[^<]+\\(한국 표준시\\)</time>`))
  const english = (await second.get('/sandbox/mails', { 'accept-language': 'en' })).text
  assert.match(english, /<h1>Mails<\/h1>(.|\n)* \(Korean Standard Time\)<\/time>/)
  assert.match(String(headers['content-security-policy']), /^default-src 'none'/)
  assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|script-src/)
  assert.equal((await house.as(person.accessToken).get('/v1/sandbox/mails')).status, 403)
})

test('the page of the outbox answers no name that is somebody else’s: a browser takes every page of a name for one', async () => {
  const house = await openApiHouse({ after }, { settings: { publicUrl: 'https://podo.example.com' } })
  const ask = async (host: string) => (await house.as(null).get('/sandbox/mails', { host })).body.type ?? 'shown'
  const own = ['podo.example.com', 'podo.example.com:443', 'localhost:8080', 'LOCALHOST', '127.0.0.1:9', '[::1]:8080']
  for (const host of own) assert.equal(await ask(host), 'shown', host)
  const others = [
    'evil.example.com',
    'podo.example.com.evil.example.com',
    '127.0.0.1.evil.example.com',
    '192.0.2.1:8080',
  ]
  for (const host of [...others, 'localhost.evil.example.com', '[::2]:8080', '%'])
    assert.equal(await ask(host), '/problems/http/host-unknown', host)
  const { status, body } = await house.get('/sandbox/mails', { host: others[0]! })
  assert.deepEqual([status, body.origin], [421, 'https://podo.example.com'])
})

test('the outbox keeps the last thousand mails, sealed, and shows what people wrote as text', async () => {
  const house = await openApiHouse({ after }, { withBackground: true })
  const evil = '<script>alert(1)</script>'
  await house.ownerSql.run(
    `insert into platform.mail (id, recipient, subject, sealed_text, sent_at)
     select gen_random_uuid(), 'old@example.com', $1, 'nonsense', now() from generate_series(1, 1005)`,
    [evil],
  )
  await house.ownerSql.run(`update platform.mail set id = ('00000000' || substr(id::text, 9))::uuid`)
  await house.person()
  await until('the mail came', async () => (await house.mails('person1@example.com'))[0])
  const rows = await house.ownerSql.rows<{ count: number; texts: string }>(
    `select count(*)::int as count, string_agg(sealed_text, ' ') as texts from platform.mail`,
  )
  assert.equal(rows[0]!.count, 1_000)
  assert.doesNotMatch(rows[0]!.texts, /account\/confirm/)
  const { text } = await house.get('/sandbox/mails')
  assert.ok(!text.includes(evil) && text.includes('&#60;script&#62;'))
})
