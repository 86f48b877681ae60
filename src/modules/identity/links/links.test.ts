import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { tellTime } from '#platform/clock'
import { fromPublicId } from '#platform/ids'
import { openLinks } from '#platform/links'
import { openSealing } from '#platform/sealing'
import { system } from '#platform/work'
import { type ApiHouse, type Body, openApiHouse } from '#test/api-house'
import { linkKakao } from '#test/api-operations'
import { until } from '#test/harness'
import { writeMail } from './mails.ts'

const house = await openApiHouse({ after }, { withBackground: true })
const nobody = house.as(null)
const newPassword = '초록 잎사귀 아래 그늘'
const inKorean = { 'accept-language': 'ko' }
const unusable = '/problems/identity/link-unusable'

const tokenIn = (text: string) => /#([\w-]{72})$/m.exec(text)![1]!
/** Waits for as many mails of a subject to an address, and answers them, newest first. */
const mailsOf = (email: string, { about, count = 1 }: { about: RegExp; count?: number }) =>
  until(`${count} mails about ${about} came`, async () => {
    const mails = (await house.mails(email)).filter(({ subject }: Body) => about.test(subject))
    return mails.length >= count ? mails : null
  })
const confirmation = /Confirm your/
const reset = /Choose a new/
const tokenFor = async (email: string, asked: { about: RegExp; count?: number }) =>
  tokenIn((await mailsOf(email, asked))[0]!.text)
const askReset = async (email: string, count = 1) => {
  assert.equal((await nobody.post('/v1/password-resets', { email })).status, 202)
  return tokenFor(email, { about: reset, count })
}
const choose = (token: string, password = newPassword) =>
  nobody.put(`/v1/password-resets/${token}`, { newPassword: password })
const confirm = (token: string) => nobody.put(`/v1/email-confirmations/${token}`)
const signIn = async (email: string, password: string) =>
  (await nobody.post('/v1/sessions', { email, password })).status
/** Until the queue holds nothing of this house but what comes round. */
const allSent = (of: ApiHouse) =>
  until('the queue is empty', async () => {
    const rows = await of.ownerSql.rows('select from graphile_worker._private_jobs where key is null')
    return rows.length === 0
  })

test('who signs up gets a link, and whoever opens it confirms the address, once', async () => {
  const person = await house.person()
  const token = await tokenFor(person.email, { about: confirmation })
  assert.equal((await person.get('/v1/me')).body.emailConfirmedAt, null)
  assert.equal((await confirm(token)).status, 204)
  const { emailConfirmedAt } = (await person.get('/v1/me')).body
  assert.ok(emailConfirmedAt)
  const again = await confirm(token)
  assert.deepEqual([again.status, again.body.type], [404, unusable])
  assert.equal((await person.get('/v1/me')).body.emailConfirmedAt, emailConfirmedAt)
})

test('mails tell by the time of the programme, with its zone, until when a link is good and when something happened', async () => {
  const person = await house.person()
  await askReset(person.email)
  const [link] = await house.ownerSql.rows<{ expiresAt: Date }>(
    `select expires_at as "expiresAt" from platform.link where subject_id = $1 and purpose = 'password reset'`,
    [fromPublicId('mem', person.id)],
  )
  const [asked] = await mailsOf(person.email, { about: reset })
  const goodUntil = tellTime(link!.expiresAt, { timeZone: 'Asia/Seoul', language: 'en' })
  assert.ok(asked!.text.includes(`It is good once, until ${goodUntil}.`), asked!.text)
  const at = new Date('2026-11-20T15:04:59Z')
  const kinds = ['password-changed', 'sign-up-attempt', 'identity-linked', 'identity-unlinked'] as const
  for (const kind of kinds) {
    for (const [language, told] of [
      ['ko', '2026년 11월 21일 00:04(한국 표준시)에'],
      ['en', 'on 21 November 2026 at 00:04 (Korean Standard Time)'],
    ] as const) {
      const { subject, text } = writeMail({ kind, at, provider: 'kakao' }, { language, timeZone: 'Asia/Seoul' })
      assert.ok(text.includes(told), text)
      assert.doesNotMatch(subject + text, /[{}]/)
    }
  }
})

test('whoever signed up with the address of another has no way in any more once its owner chose a password', async () => {
  const email = 'hijacked@example.com'
  const hijacker = await house.person({ email })
  await house.ownerSql.run(
    `insert into identity.social_login (provider, subject, member_id, linked_at)
     select 'kakao', '4711', member_id, now() from identity.login where address = $1`,
    [email],
  )
  assert.equal((await hijacker.get('/v1/me/identities')).body.items.length, 1)
  assert.equal((await choose(await askReset(email))).status, 204)
  const { body } = await nobody.post('/v1/sessions', { email, password: newPassword })
  assert.deepEqual((await house.as(body.accessToken).get('/v1/me/identities')).body.items, [])
  assert.equal((await hijacker.get('/v1/me')).status, 401)
})

test('whoever chose a new password by a mail signs in at once, however many have guessed at it', async () => {
  const limited = await house.secondApi({ rateLimits: true, rateLimitFailures: 4, trustedProxies: '127.0.0.1' })
  const person = await house.person()
  let guessers = 0
  const signIn = (password: string, address: string) =>
    limited.as(null).post('/v1/sessions', { email: person.email, password }, { 'x-forwarded-for': address })
  const guess = () => signIn('never the right one', `203.0.113.${++guessers}`)
  const owner = '198.51.100.7'
  while ((await signIn('no longer the right one', owner)).status === 401);
  while ((await guess()).status === 401);
  const token = await askReset(person.email)
  assert.equal((await signIn(person.password, owner)).status, 429)
  const chosen = await limited
    .as(null)
    .put(`/v1/password-resets/${token}`, { newPassword }, { 'x-forwarded-for': owner })
  assert.equal(chosen.status, 204)
  while ((await guess()).status === 401);
  assert.equal((await signIn(newPassword, owner)).status, 201)
})

test('a link is used up under the login’s lock, as wherever both are locked, so that nobody waits in a circle', async () => {
  const person = await house.person()
  const id = [fromPublicId('mem', person.id)]
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%identity.login%'`
  const uses = [
    async (token: string) => (await choose(token)).status,
    async (token: string) => (await confirm(token)).status,
  ]
  const tokens = [await askReset(person.email), await tokenFor(person.email, { about: confirmation })]
  for (const [at, use] of [...uses.entries()].toReversed()) {
    const used = await house.withWork(system, async (work) => {
      await work.sql.rows('select from identity.login where member_id = $1 for update', id)
      const used = use(tokens[at]!)
      await until('it waits for the login', async () => (await house.database.sql.rows(waiting)).length === 1)
      await work.sql.rows('select from platform.link where subject_id = $1 for update nowait', id)
      return { used }
    })
    assert.equal(await used.used, 204)
  }
})

test('a link to choose a new password ends where one was chosen otherwise', async () => {
  const person = await house.person()
  const token = await askReset(person.email)
  const chosen = { currentPassword: person.password, newPassword: '하얀 구름 위의 나무' }
  assert.equal((await person.put('/v1/me/password', chosen)).status, 204)
  const late = await choose(token)
  assert.deepEqual([late.status, late.body.type], [404, unusable])
})

test('asking again ends no link that is out; the use of one ends all of its purpose, and none of another', async () => {
  const person = await house.person()
  const first = await tokenFor(person.email, { about: confirmation })
  const resetTokens = [await askReset(person.email), await askReset(person.email, 2)]
  assert.equal((await person.post('/v1/me/email-confirmation')).status, 202)
  const second = await tokenFor(person.email, { about: confirmation, count: 2 })
  assert.notEqual(first, second)
  assert.deepEqual([(await confirm(first)).status, (await confirm(second)).status], [204, 404])
  assert.equal((await choose(resetTokens[0]!)).status, 204)
  assert.equal((await choose(resetTokens[1]!)).status, 404)
})

test('whoever keeps asking for a new password gets the same answer and its owner no more mails, with links that are good', async () => {
  const person = await house.person()
  for (let at = 0; at < 12; at += 1) {
    const { status } = await nobody.post('/v1/password-resets', { email: person.email })
    assert.equal(status, 202)
  }
  await allSent(house)
  const mails = await mailsOf(person.email, { about: reset })
  assert.equal(mails.length, 5)
  assert.equal((await person.post('/v1/me/email-confirmation')).status, 202, 'of another purpose')
  await tokenFor(person.email, { about: confirmation, count: 2 })
  assert.equal((await choose(tokenIn(mails.at(-1)!.text))).status, 204)
})

test('no other link is sent for an address that is confirmed', async () => {
  const person = await house.person()
  await confirm(await tokenFor(person.email, { about: confirmation }))
  assert.equal((await person.post('/v1/me/email-confirmation')).status, 202)
  await allSent(house)
  assert.equal((await house.mails(person.email)).length, 1)
})

test('a forgotten password is replaced by a link: every session ends, and the address is confirmed', async () => {
  const person = await house.person()
  const token = await askReset(person.email)
  assert.equal((await choose(token)).status, 204)
  assert.equal((await person.get('/v1/me')).status, 401)
  const refreshed = await nobody.post('/v1/sessions/refresh', { refreshToken: person.refreshToken })
  assert.equal(refreshed.status, 401)
  assert.deepEqual([await signIn(person.email, person.password), await signIn(person.email, newPassword)], [401, 201])
  const { body } = await nobody.post('/v1/sessions', { email: person.email, password: newPassword })
  assert.ok((await house.as(body.accessToken).get('/v1/me')).body.emailConfirmedAt)
  assert.equal((await choose(token, '하얀 구름 위의 나무')).status, 404)
  await mailsOf(person.email, { about: /was changed/ })
})

test('a password that is weak is refused with its field, and leaves the link good for another', async () => {
  const person = await house.person()
  const token = await askReset(person.email)
  const weak = await choose(token, 'password123')
  assert.deepEqual([weak.status, weak.body.errors[0].pointer], [400, '/newPassword'])
  assert.equal((await choose(token)).status, 204)
})

test('of twenty who open one link at once one is let in', async () => {
  const person = await house.person()
  const token = await tokenFor(person.email, { about: confirmation })
  const statuses = (await Promise.all(Array.from({ length: 20 }, () => confirm(token)))).map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 204).length, 1)
  const resetToken = await askReset(person.email)
  const chosen = (await Promise.all(Array.from({ length: 20 }, () => choose(resetToken)))).map(({ status }) => status)
  assert.deepEqual([chosen.filter((status) => status === 204).length, new Set(chosen)], [1, new Set([204, 404])])
})

test('asking for a new password answers the same for an address that nobody has, which gets no mail', async () => {
  const person = await house.person()
  const answers = await Promise.all(
    [person.email, 'stranger@example.com'].map((email) => nobody.post('/v1/password-resets', { email })),
  )
  const shown = answers.map(({ status, text, headers }) => [status, text, Object.keys(headers)])
  assert.deepEqual(shown[0], shown[1])
  assert.equal(shown[0]![0], 202)
  await mailsOf(person.email, { about: reset })
  await allSent(house)
  assert.deepEqual(await house.mails('stranger@example.com'), [])
})

test('a link goes to the address of the account, not to one that only looks the same', async () => {
  const person = await house.person({ email: 'Lookalike@Example.com' })
  assert.equal((await nobody.post('/v1/password-resets', { email: 'LOOKALIKE@example.com' })).status, 202)
  await mailsOf('lookalike@example.com', { about: reset })
  assert.ok(person.id)
  await allSent(house)
  assert.deepEqual([await house.mails('LOOKALIKE@example.com'), await house.mails('Lookalike@Example.com')], [[], []])
})

test('a token that was changed in any place, cut, or is for something else is good for nothing', async () => {
  const person = await house.person()
  const token = await tokenFor(person.email, { about: confirmation })
  const changed = [0, 5, 21, 22, 29, 30, 50, 71].map((at) => {
    const letter = token[at] === 'A' ? 'B' : 'A'
    return `${token.slice(0, at)}${letter}${token.slice(at + 1)}`
  })
  for (const wrong of [...changed, token.slice(1), `${token}A`, 'A'.repeat(72), encodeURIComponent('../me')]) {
    const { status, body } = await confirm(wrong)
    assert.deepEqual([status, body.type], [404, unusable], wrong)
  }
  assert.equal((await choose(token)).status, 404)
  assert.equal((await confirm(token)).status, 204)
})

test('whoever writes to the database makes no link that is good, and changes none', async () => {
  const [person, victim] = [await house.person(), await house.person()]
  const token = await askReset(person.email)
  const idOf = (memberId: string) => memberId.replace(/^mem_(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  const { ownerSql } = house
  await ownerSql.run('delete from platform.link where subject_id = $1', [idOf(victim.id)])
  const touched = await ownerSql.run(
    `update platform.link set subject_id = $2, bound_to = $3 where subject_id = $1 and purpose = 'password reset'`,
    [idOf(person.id), idOf(victim.id), victim.email],
  )
  assert.equal(touched, 1)
  assert.equal((await choose(token)).status, 404)
})

test('no token of a link is stored anywhere', async () => {
  const person = await house.person()
  const token = await askReset(person.email)
  const tables = ['platform.link', 'platform.mail', 'graphile_worker._private_jobs', 'identity.login']
  const dumps = tables.map((table) => house.ownerSql.rows<{ text: string }>(`select t::text as text from ${table} t`))
  const all = (await Promise.all(dumps)).flat().map(({ text }) => text)
  const hex = Buffer.from(token, 'base64url').subarray(16).toString('hex')
  assert.deepEqual(
    all.filter((text) => text.includes(token) || text.includes(token.slice(22)) || text.includes(hex)),
    [],
  )
})

test('a link to an address that has changed since is good for nothing', async () => {
  const person = await house.person()
  const confirmToken = await tokenFor(person.email, { about: confirmation })
  const resetToken = await askReset(person.email)
  await house.ownerSql.run('update identity.login set address = $2 where address = $1', [
    person.email,
    `moved-${person.email}`,
  ])
  assert.deepEqual([(await confirm(confirmToken)).status, (await choose(resetToken)).status], [404, 404])
})

test('nothing is left of the links of whoever leaves', async () => {
  const person = await house.person()
  const token = await tokenFor(person.email, { about: confirmation })
  const rows = () => house.ownerSql.rows('select from platform.link where bound_to = $1', [person.email])
  assert.equal((await rows()).length, 1)
  assert.equal((await person.delete('/v1/me', { currentPassword: person.password })).status, 204)
  assert.deepEqual([(await rows()).length, (await confirm(token)).status], [0, 404])
})

test('links run out: those for a new password after half an hour, those that confirm after a day', async (t) => {
  const late = await openApiHouse(t, { withBackground: true })
  const person = await late.person()
  const find = (page: string) =>
    until('the mail came', async () => {
      const mails: Body[] = await late.mails(person.email)
      return mails.find(({ text }) => text.includes(page))?.text
    })
  const confirmToken = tokenIn(await find('/account/confirm#'))
  const ask = () => late.post('/v1/password-resets', { email: person.email })
  const put = (path: string, body?: object) => late.as(null).put(path, body)
  await ask()
  const resetToken = tokenIn(await find('/account/reset#'))
  await late.post('/v1/sandbox/clock', { advanceSeconds: 900 })
  await ask()
  const laterToken = await until('another mail came', async () => {
    const tokens = (await late.mails(person.email)).map(({ text }) => tokenIn(text))
    return tokens.find((token) => token !== resetToken && token !== confirmToken)
  })
  await late.post('/v1/sandbox/clock', { advanceSeconds: 901 })
  assert.equal((await put(`/v1/password-resets/${resetToken}`, { newPassword })).status, 404)
  assert.equal((await put(`/v1/password-resets/${laterToken}`, { newPassword })).status, 204, 'each its own time')
  assert.equal((await put(`/v1/email-confirmations/${confirmToken}`)).status, 204)
  const other = await late.person()
  const otherToken = tokenIn(
    await until('the mail came', async () => (await late.mails(other.email))[0]?.text as string | undefined),
  )
  await late.post('/v1/sandbox/clock', { advanceSeconds: 86_401 })
  assert.equal((await put(`/v1/email-confirmations/${otherToken}`)).status, 404)
})

test('the owner of an address hears that somebody tried to sign up with it, once an hour at most', async (t) => {
  const quiet = await openApiHouse(t, { withBackground: true })
  const person = await quiet.person()
  const tryIt = async (at: number) => {
    const body = { email: person.email, password: newPassword, nickname: `다른 사람 ${at}` }
    assert.equal((await quiet.as(null).post('/v1/accounts', body)).status, 409)
  }
  const told = async () =>
    (await quiet.mails(person.email)).filter(({ subject }: Body) => /Somebody tried/.test(subject)).length
  await Promise.all(Array.from({ length: 5 }, (_, at) => tryIt(at)))
  await allSent(quiet)
  assert.equal(await told(), 1)
  await quiet.post('/v1/sandbox/clock', { advanceSeconds: 3_601 })
  await tryIt(9)
  await allSent(quiet)
  assert.equal(await told(), 2)
})

test('a mail that fails at first is sent in the end, though it was counted', async (t) => {
  const broken = await openApiHouse(t, { withBackground: true })
  const person = await broken.person()
  await allSent(broken)
  await broken.ownerSql.run('alter table platform.mail rename to mail_gone')
  const body = { email: person.email, password: newPassword, nickname: '다른 사람' }
  assert.equal((await broken.as(null).post('/v1/accounts', body)).status, 409)
  await until('the first attempt has failed', async () => {
    const failed = 'select from graphile_worker._private_jobs where attempts = 1 and locked_at is null'
    return (await broken.ownerSql.rows(failed)).length > 0
  })
  await broken.ownerSql.run('alter table platform.mail_gone rename to mail')
  await broken.ownerSql.run('update graphile_worker._private_jobs set run_at = now()')
  await broken.ownerSql.rows(`select pg_notify('jobs:insert', '{"count":1}')`)
  await until('the mail came', async () =>
    (await broken.mails(person.email)).find(({ subject }: Body) => /Somebody tried/.test(subject)),
  )
})

test('a nickname that is taken is told whatever the address, and tells nobody anything by mail', async () => {
  const person = await house.person({ nickname: '조용한 사람' })
  const body = { email: 'loud@example.com', password: newPassword, nickname: '조용한 사람' }
  const answers: unknown[] = []
  for (const email of ['loud@example.com', person.email, person.email.toUpperCase()]) {
    const { status, body: answer, headers } = await nobody.post('/v1/accounts', { ...body, email })
    answers.push([status, answer.type, answer.title, answer.detail, Object.keys(headers)])
  }
  assert.deepEqual((answers[0] as unknown[]).slice(0, 2), [409, '/problems/identity/nickname-taken'])
  assert.deepEqual(answers[1], answers[0], 'whose address it is makes no difference')
  assert.deepEqual(answers[2], answers[0])
  await allSent(house)
  assert.equal((await house.mails(person.email)).length, 1)
  assert.deepEqual(await house.mails('loud@example.com'), [])
})

test('a password that was changed is told by mail, in the language of who changed it', async () => {
  const person = await house.person()
  const change = { currentPassword: person.password, newPassword }
  assert.equal((await person.put('/v1/me/password', change, inKorean)).status, 204)
  const [mail] = await mailsOf(person.email, { about: /비밀번호가 바뀌었습니다/ })
  assert.match(mail!.text, /재설정해 주십시오/)
})

test('the owner hears of each account at a provider that is linked or removed', async () => {
  const person = await house.person()
  await linkKakao(house, person)
  const proof = { currentPassword: person.password }
  assert.equal((await person.delete('/v1/me/identities/kakao', proof, inKorean)).status, 204)
  const [linked] = await mailsOf(person.email, { about: /^\[Podo\] Kakao was linked to your account$/ })
  const [removed] = await mailsOf(person.email, { about: /카카오 계정의 연결이 끊어졌습니다/ })
  assert.match(linked!.text, /account at Kakao .* ask for a new password at once/s)
  assert.match(removed!.text, /카카오로는 로그인할 수 없습니다/)
})

test('a sign-up that is refused sends nothing, and one that is repeated sends one mail', async () => {
  const body = { email: 'repeated@example.com', password: newPassword, nickname: '되풀이' }
  const headers = { 'idempotency-key': 'repeated sign-up'.replaceAll(' ', '-') }
  for (let at = 0; at < 3; at += 1) assert.equal((await nobody.post('/v1/accounts', body, headers)).status, 201)
  await allSent(house)
  assert.equal((await house.mails('repeated@example.com')).length, 1)
})

test('a link that was sent before the secret of the service changed is good as long as the former one is kept', async () => {
  const [former, present] = [Buffer.alloc(32, 7).toString('base64'), Buffer.alloc(32, 8).toString('base64')]
  const person = await house.person()
  const token = await askReset(person.email)
  const choosing = async (settings: { secretKey: string; secretKeyFormer?: string }, good: string) => {
    const { as } = await house.secondApi(settings)
    return (await as(null).put(`/v1/password-resets/${good}`, { newPassword })).status
  }
  assert.equal(await choosing({ secretKey: former }, token), 204)
  const issued = await house.withWork(system, (work) =>
    openLinks(openSealing(former)).issue(work, {
      ...{ purpose: 'password reset', lifeSeconds: 60, boundTo: person.email },
      subjectId: fromPublicId('mem', person.id)!,
    }),
  )
  assert.equal(await choosing({ secretKey: present }, issued), 404)
  assert.equal(await choosing({ secretKey: present, secretKeyFormer: former }, issued), 204)
})
