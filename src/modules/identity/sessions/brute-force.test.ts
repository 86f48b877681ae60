import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, openApiHouse, type Person } from '#test/api-house'

const house = await openApiHouse({ after })
/** Where hashing costs what it does. */
const earnest = await openApiHouse({ after }, { hashesInEarnest: true })
const failuresMax = 4
const limits = { rateLimits: true, rateLimitFailures: failuresMax, trustedProxies: '127.0.0.1' }
const limited = await house.secondApi(limits)
const wrong = 'never the right one'

let addresses = 0
/** An address that nobody has come from, as a header. */
const newAddress = () => {
  addresses += 1
  return { 'x-forwarded-for': `203.0.113.${addresses}` }
}

type From = Readonly<Record<string, string>>

const nobody = limited.as(null)
const signIn = (email: string, { password, from }: { password: string; from: From }) =>
  nobody.post('/v1/sessions', { email, password }, from)
const signInAs = ({ email, password }: Person, from: From) => signIn(email, { password, from })
const guess = (email: string, from: From) => signIn(email, { password: wrong, from })
const guessMany = async (email: string, { from, times }: { from: () => From; times: number }) => {
  const statuses: number[] = []
  for (let at = 0; at < times; at += 1) statuses.push((await guess(email, from())).status)
  return statuses
}
const times = (status: number, count: number) => Array<number>(count).fill(status)
const kindOf = ({ status, body: { instance, retryAfterSeconds, detail, ...body } }: Answer) => ({ status, body })

test('guessing one account from one address ends after so many, with when to come back; everybody else gets in', async () => {
  const [person, neighbour] = [await house.person(), await house.person()]
  const from = newAddress()
  assert.deepEqual(await guessMany(person.email, { from: () => from, times: failuresMax }), times(401, failuresMax))
  const refused = await signInAs(person, from)
  assert.deepEqual([refused.status, refused.body.type], [429, '/problems/http/too-many-requests'])
  const wait = Number(refused.headers['retry-after'])
  assert.ok(wait > 0 && wait <= 900 / failuresMax, `${wait} s`)
  assert.equal(refused.body.retryAfterSeconds, wait)
  assert.equal(refused.headers['ratelimit-policy'], `"sign-in";q=${failuresMax};w=900`)
  assert.equal(refused.headers.ratelimit, `"sign-in";r=0;t=${wait}`)
  const spellings = [person.email.toUpperCase(), person.email.replace('p', 'ｐ')]
  for (const email of spellings) assert.ok([429, 400].includes((await guess(email, from)).status), email)
  assert.equal((await signInAs(neighbour, from)).status, 201)
  assert.equal((await signInAs(person, newAddress())).status, 201)
})

test('of twenty guesses at once no more are looked at than one after the other', async () => {
  const { email } = await house.person()
  const from = newAddress()
  const answers = await Promise.all(Array.from({ length: 20 }, () => guess(email, from)))
  const statuses = answers.map(({ status }) => status).toSorted()
  assert.deepEqual(statuses, [...times(401, failuresMax), ...times(429, 20 - failuresMax)])
})

test('who mistypes and then gets it right begins anew', async () => {
  const person = await house.person()
  const from = newAddress()
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(await guessMany(person.email, { from: () => from, times: failuresMax - 1 }), times(401, 3))
    assert.equal((await signInAs(person, from)).status, 201)
  }
})

test('guessing one account from many addresses is bounded, and keeps nobody out who comes from where they came from', async () => {
  const person = await house.person()
  const home = newAddress()
  assert.equal((await signInAs(person, home)).status, 201)
  const all = 3 * failuresMax
  assert.deepEqual(await guessMany(person.email, { from: newAddress, times: all }), times(401, all))
  const elsewhere = await signInAs(person, newAddress())
  assert.equal(elsewhere.status, 429)
  assert.ok(Number(elsewhere.headers['retry-after']) <= 3_600 / all, 'an owner waits for minutes at most')
  assert.equal((await signInAs(person, home)).status, 201)
  assert.equal((await signInAs(person, newAddress())).status, 201, 'and a good one gives the account all back')
})

test('one address that guesses at many accounts is slowed down, and nobody at another', async () => {
  const person = await house.person()
  const from = newAddress()
  const strangers = Array.from({ length: 80 }, (_, at) => `guess${at}@example.com`)
  const answers = await Promise.all(strangers.map((email) => guess(email, from)))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]))
  // What is under way at once is only counted when it fails: it makes a debt, and nothing goes on until that is paid.
  const refused = await signInAs(person, from)
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers['retry-after']) > 60, String(refused.headers['retry-after']))
  assert.equal((await signInAs(person, newAddress())).status, 201)
})

test('what is refused is not hashed: a flood costs next to nothing', async () => {
  const { email } = await earnest.person()
  const from = newAddress()
  const anybody = (await earnest.secondApi(limits)).as(null)
  const guessFor = async (status: number, count: number) => {
    const since = performance.now()
    for (let at = 0; at < count; at += 1)
      assert.equal((await anybody.post('/v1/sessions', { email, password: wrong }, from)).status, status)
    return (performance.now() - since) / count
  }
  const [hashedMs, refusedMs] = [await guessFor(401, failuresMax), await guessFor(429, 50)]
  assert.ok(refusedMs < hashedMs / 3, `${refusedMs} ms refused, ${hashedMs} ms hashed`)
})

test('an attempt that fails for a reason of ours is none of the account’s', async (t) => {
  const other = await openApiHouse(t, { settings: { rateLimits: true, rateLimitFailures: failuresMax } })
  const { email, password } = await other.person()
  await other.ownerSql.run('alter table identity.login rename to login_gone', [])
  for (let at = 0; at < 2 * failuresMax; at += 1) {
    assert.equal((await other.as(null).post('/v1/sessions', { email, password })).status, 500)
  }
  await other.ownerSql.run('alter table identity.login_gone rename to login', [])
  assert.equal((await other.as(null).post('/v1/sessions', { email, password })).status, 201)
})

test('the present password cannot be guessed with somebody’s token, and the change is open to everybody else', async () => {
  const [person, other] = [await house.person(), await house.person()]
  const change = ({ accessToken }: Person, currentPassword: string) =>
    limited
      .as(accessToken)
      .put('/v1/me/password', { currentPassword, newPassword: '초록 잎사귀 아래 그늘' }, newAddress())
  const unlink = ({ accessToken }: Person, currentPassword: string) =>
    limited.as(accessToken).delete('/v1/me/identities/kakao', { currentPassword }, newAddress())
  const move = ({ accessToken }: Person, currentPassword: string) => {
    const email = `guess${statuses.length}@example.com`
    return limited.as(accessToken).put('/v1/me/email', { email, currentPassword }, newAddress())
  }
  const statuses: number[] = []
  // Wherever it is asked for, and whatever stands beside it: the ways of asking have one count.
  const asks = [change, unlink, move]
  for (let at = 0; at < failuresMax + 1; at += 1) statuses.push((await asks[at % 3]!(person, wrong)).status)
  assert.deepEqual(statuses, [...times(403, failuresMax), 429])
  assert.equal((await change(other, other.password)).status, 204)
})

test('sign-ups from one address are bounded by the hour', async () => {
  const few = await house.secondApi({ rateLimits: true, rateLimitSignUps: 2, trustedProxies: '127.0.0.1' })
  const from = newAddress()
  const signUp = async (n: number, address: From) => {
    const body = { email: `few${n}@example.com`, password: '보라색 포도 다섯 송이', nickname: `드문 사람 ${n}` }
    return (await few.as(null).post('/v1/accounts', body, address)).status
  }
  assert.deepEqual([await signUp(1, from), await signUp(2, from), await signUp(3, from)], [201, 201, 429])
  assert.equal(await signUp(4, newAddress()), 201)
})

test('refresh tokens cannot be guessed at by the thousand, and good ones go on elsewhere', async () => {
  const { refreshToken } = await house.person()
  const from = newAddress()
  const refresh = async (token: string, address: From) =>
    (await nobody.post('/v1/sessions/refresh', { refreshToken: token }, address)).status
  const guessed = await Promise.all(Array.from({ length: 150 }, (_, at) => refresh(`podo_rt_${at}`, from)))
  assert.deepEqual(new Set(guessed), new Set([401]))
  assert.equal(await refresh(refreshToken, from), 429)
  assert.equal(await refresh(refreshToken, newAddress()), 200)
})

test('who asks for mails is bounded by the hour, and keeps nobody else from asking; links cannot be guessed at', async () => {
  const { email } = await house.person()
  const stranger = newAddress()
  const ask = async (address: From) => (await nobody.post('/v1/password-resets', { email }, address)).status
  const statuses = await Promise.all(Array.from({ length: 62 }, () => ask(stranger)))
  assert.deepEqual(statuses.toSorted(), [...times(202, 60), ...times(429, 2)])
  assert.equal(await ask(newAddress()), 202)
  const from = newAddress()
  const confirm = async () => (await nobody.put('/v1/email-confirmations/guessed', undefined, from)).status
  assert.notEqual(await confirm(), 429)
  await Promise.all(Array.from({ length: 20 }, confirm))
  assert.equal(await confirm(), 429)
})

test('people are counted by address and companies by key; the operator is never refused', async () => {
  const settings = { rateLimits: true, rateLimitAddress: 3, rateLimitKey: 5, trustedProxies: '127.0.0.1' }
  const tight = await house.secondApi(settings)
  const company = await house.company()
  const [one, two] = [await house.apiKey(company.id), await house.apiKey(company.id)]
  const [person, neighbour] = [await house.person(), await house.person()]
  const from = newAddress()
  const ask = async (credential: string, address: From) =>
    (await tight.as(credential).get(`/v1/companies/${company.id}`, address)).status
  const me = async ({ accessToken }: Person, address: From) =>
    (await tight.as(accessToken).get('/v1/me', address)).status
  assert.deepEqual([await me(person, from), await me(person, from), await me(neighbour, from)], times(200, 3))
  assert.deepEqual([await me(person, from), await ask('nobody', from)], [429, 429])
  assert.equal(await me(person, newAddress()), 200)
  const byKey: number[] = []
  for (let at = 0; at < 6; at += 1) byKey.push(await ask(one, at % 2 ? from : newAddress()))
  assert.deepEqual(byKey, [...times(200, 5), 429])
  assert.equal(await ask(two, from), 200)
  for (let at = 0; at < 10; at += 1) assert.equal((await tight.get('/v1/companies', from)).status, 200)
})

test('with the limits switched off nothing is refused', async () => {
  const { email } = await house.person()
  for (let at = 0; at < 12; at += 1) {
    assert.equal((await house.as(null).post('/v1/sessions', { email, password: wrong })).status, 401)
  }
})

test('signing in answers the same, and limits the same, whether the address is somebody’s, and by what they sign in', async () => {
  const [person, social] = [await house.person(), await house.person()]
  await house.ownerSql.run('update identity.login set password_hash = null where address = $1', [social.email])
  const from = newAddress()
  const seen: object[][] = []
  for (const email of [person.email, social.email, 'nobody.at.all@example.com']) {
    const answers: Answer[] = []
    for (let at = 0; at <= failuresMax; at += 1) answers.push(await guess(email, from))
    seen.push(answers.map(kindOf))
    assert.deepEqual(Object.keys(answers[0]!.headers).toSorted(), Object.keys(answers.at(-2)!.headers).toSorted())
  }
  assert.deepEqual(seen[1], seen[0])
  assert.deepEqual(seen[2], seen[0])
})

test('signing in takes as much work whether the address is somebody’s, and by what they sign in', async () => {
  const [person, social] = [await earnest.person(), await earnest.person()]
  await earnest.ownerSql.run('update identity.login set password_hash = null where address = $1', [social.email])
  const emails = [person.email, social.email, 'nobody.at.all@example.com']
  const taken = emails.map((): number[] => [])
  for (let round = 0; round < 15; round += 1) {
    for (const [at, email] of emails.entries()) {
      // The work of this process with all of its threads: a clock would show what other tests are doing.
      const start = process.cpuUsage()
      assert.equal((await earnest.as(null).post('/v1/sessions', { email, password: wrong })).status, 401)
      const { user, system } = process.cpuUsage(start)
      taken[at]!.push(user + system)
    }
  }
  const [known, providers, unknown] = taken.map((all) => all.toSorted((a, b) => a - b)[4]!) as [number, number, number]
  for (const one of [providers, unknown]) {
    assert.ok(one > 0.7 * known && one < 1.4 * known, `${known}, ${providers} and ${unknown} µs`)
  }
})

test('no session is foisted on whoever signs in: what a request carries is not what it gets', async () => {
  const [victim, attacker] = [await house.person(), await house.person()]
  const web = async ({ email, password }: Person, headers: From = {}) => {
    const { body, headers: got } = await house
      .as(null)
      .post('/v1/sessions', { email, password, cookies: true }, headers)
    const cookie = (got['set-cookie'] as string[]).map((line) => line.split('; ')[0]!).join('; ')
    return { cookie, csrfToken: body.csrfToken as string }
  }
  const planted = await web(attacker)
  const own = await web(victim, { cookie: planted.cookie, 'x-csrf-token': planted.csrfToken })
  const parts = new Set(planted.cookie.split('; '))
  for (const cookie of own.cookie.split('; ')) assert.equal(parts.has(cookie), false)
  const idOf = async (cookie: string) => (await house.as(null).get('/v1/me', { cookie })).body.id
  assert.deepEqual([await idOf(own.cookie), await idOf(planted.cookie)], [victim.id, attacker.id])
  const planting = { refreshToken: attacker.refreshToken, email: victim.email, password: victim.password }
  assert.equal((await house.as(null).post('/v1/sessions', planting)).status, 400)
})
