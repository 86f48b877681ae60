import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openApiHouse } from '#test/api-house'

const house = await openApiHouse({ after }, { hashesInEarnest: true })
const nobody = house.as(null)
const password = '보라색 포도 다섯 송이'
let count = 0
const fresh = (more: object = {}) => {
  count += 1
  return { email: `new${count}@example.com`, password, nickname: `새 사람 ${count}`, ...more }
}
const signUp = (more: object = {}) => nobody.post('/v1/accounts', fresh(more))
const pointersOf = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer)

test('signing up makes the member and the wallet, and signs in', async () => {
  const { status, body } = await signUp({ birthOn: '2001-05-05', bio: '커피' })
  assert.equal(status, 201)
  const { member, accessToken, refreshToken, expiresIn } = body
  assert.deepEqual([member.birthOn, member.bio, member.role, expiresIn], ['2001-05-05', '커피', 'USER', 900])
  assert.deepEqual((await house.as(accessToken).get('/v1/me')).body, member)
  assert.equal((await house.get(`/v1/wallets/${member.wallet.id}`)).body.owner.id, member.id)
  assert.match(refreshToken, /^podo_rt_/)
})

test('nothing that signs in is stored: neither password nor tokens, nor a digest of the password that is quick to guess', async () => {
  const secret = '아무도 모르는 비밀번호 하나'
  const { body } = await signUp({ password: secret })
  const dump: string[] = []
  for (const table of ['identity.member', 'identity.login', 'identity.session', 'identity.refresh_token']) {
    const rows = await house.ownerSql.rows<{ text: string }>(`select t::text as text from ${table} t`, [])
    dump.push(...rows.map(({ text }) => text))
  }
  const answers = await house.ownerSql.rows<{ text: string }>(
    'select t::text as text from platform.idempotency_key t',
    [],
  )
  const all = [...dump, ...answers.map(({ text }) => text)].join('\n')
  for (const found of [secret, body.accessToken, body.refreshToken, body.refreshToken.slice(8)]) {
    assert.equal(all.includes(found), false)
  }
  assert.match(all, /\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
})

test('the same request again is the same sign-up, without the tokens; with another nickname it is refused', async () => {
  const headers = { 'idempotency-key': 'sign-up-once' }
  const body = fresh()
  const first = await nobody.post('/v1/accounts', body, headers)
  const again = await nobody.post('/v1/accounts', body, headers)
  assert.deepEqual([again.status, again.body.accessToken, again.body.refreshToken], [201, null, null])
  assert.deepEqual(again.body.member, first.body.member)
  const other = await nobody.post('/v1/accounts', { ...body, nickname: '다른 별명' }, headers)
  assert.equal(other.status, 422)
})

test('the same sign-up after the secret of the service has changed gets its first answer, and makes nobody', async () => {
  const headers = { 'idempotency-key': 'sign-up-before' }
  const body = fresh()
  const first = await nobody.post('/v1/accounts', body, headers)
  const changed = (await house.secondApi({ secretKey: Buffer.alloc(32, 7).toString('base64') })).as(null)
  const again = await changed.post('/v1/accounts', body, headers)
  assert.deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true'], again.text)
  assert.deepEqual(again.body.member, first.body.member)
  const other = await changed.post('/v1/accounts', { ...body, nickname: '다른 별명' }, headers)
  assert.equal(other.status, 422)
})

test('two strangers who happen on one key have nothing to do with each other', async () => {
  const headers = { 'idempotency-key': '1' }
  const [one, other] = [fresh(), fresh({ password: '초록 잎사귀 아래 그늘' })]
  const answers = [await nobody.post('/v1/accounts', one, headers), await nobody.post('/v1/accounts', other, headers)]
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.member.email]),
    [
      [201, one.email],
      [201, other.email],
    ],
  )
})

test('409 for an address that has an account, however it is written, and nothing is left behind', async () => {
  await signUp({ email: 'Taken@Example.com' })
  const count = async () =>
    (await house.ownerSql.rows<{ n: number }>('select count(*) as n from identity.member', []))[0]!.n
  const before = await count()
  for (const email of ['taken@example.com', 'TAKEN@EXAMPLE.COM']) {
    const { status, body } = await signUp({ email })
    assert.deepEqual([status, body.type], [409, '/problems/identity/address-taken'], email)
  }
  // Another form of the letters is no address at all.
  assert.equal((await signUp({ email: 'ｔaken@example.com' })).status, 400)
  assert.equal(await count(), before)
})

test('409 for a nickname that somebody who signs in has, whatever its case and spaces; members of companies may have it', async () => {
  await signUp({ nickname: '포도 Grape' })
  for (const nickname of [
    '포도 Grape',
    '포도grape',
    '포도 ＧＲＡＰＥ',
    '포도\u200bGrape',
    'ᅠ포도gr\u00adape',
    '포도\u3164grape\ufe0f',
  ]) {
    const { status, body } = await signUp({ nickname })
    assert.deepEqual([status, body.type], [409, '/problems/identity/nickname-taken'], nickname)
  }
  const company = await house.company()
  const member = { nickname: '포도 Grape' }
  for (let at = 0; at < 2; at += 1) assert.ok((await house.member(company.id, member)).id)
})

test('of those who sign up with one nickname at once one gets it, though others of them bring an address that is taken', async () => {
  const known = await signUp()
  const emails = Array.from({ length: 10 }, (_, at) => (at % 2 ? known.body.member.email : `race${at}@example.com`))
  const asked = emails.map((email) => signUp({ email, nickname: '하나뿐인 이름' }))
  const answers = await Promise.all(asked)
  const types = answers.map(({ body }, at) => (emails[at]!.startsWith('race') ? body.type : null)).filter(Boolean)
  assert.deepEqual(new Set(types), new Set(['/problems/identity/nickname-taken']))
  assert.equal(answers.filter(({ status }) => status === 201).length, 1)
})

test('of twenty who sign up with one address at once exactly one does', async () => {
  const asked = Array.from({ length: 20 }, () => signUp({ email: 'crowd@example.com' }))
  const statuses = (await Promise.all(asked)).map(({ status }) => status)
  assert.deepEqual([statuses.filter((status) => status === 201).length, new Set(statuses)], [1, new Set([201, 409])])
})

test('a nickname has 2 to 20 characters as people count them', async () => {
  for (const nickname of ['가', '😀', ' 가 ', 'ㄱ'.repeat(21), '\u200b\u200b']) {
    const { status, body } = await signUp({ nickname })
    assert.deepEqual([status, pointersOf(body)], [400, ['/nickname']], nickname)
  }
  for (const nickname of ['가나', '👨‍👩‍👧‍👦😀', 'a'.repeat(20)])
    assert.equal((await signUp({ nickname })).status, 201, nickname)
})

test('400 for a nickname of letters that look alike in another script; the scripts that people write together are one', async () => {
  for (const nickname of [
    '포도gr\u0430pe',
    '\u0410lice',
    '\u03b1lpha',
    'Виноград Vino',
    'ブドウ포도',
    'ㅏα',
    'ა나무',
    '포도ㄅ',
  ]) {
    const { status, body } = await signUp({ nickname })
    assert.deepEqual([status, body.errors && pointersOf(body)], [400, ['/nickname']], nickname)
    assert.match(body.errors[0].detail, /one script/)
  }
  for (const nickname of [
    '포도 Grape 葡萄 2',
    'ぶどう・ブドー葡萄 G',
    'ㄅㄆ葡萄ab',
    'Виноград 24',
    'Σταφύλι',
    'عنب ٢',
    'Émile·가',
    '❤️‍🔥 포도_24!',
  ]) {
    assert.equal((await signUp({ nickname })).status, 201, nickname)
  }
})

test('400 for a birthday that is still to come where the programme is, and for one before 1900', async (t) => {
  const late = await openApiHouse(t)
  const dayOf = (now: string) => Temporal.Instant.from(now).toZonedDateTimeISO('Asia/Seoul').toPlainDate()
  const { now } = (await late.post('/v1/sandbox/clock', { advanceSeconds: 1 })).body
  // A minute after midnight in Seoul, when it is still the day before in UTC.
  const midnight = dayOf(now).add({ days: 3 }).toZonedDateTime('Asia/Seoul').epochMilliseconds
  const advanceSeconds = Math.floor((midnight - Date.parse(now)) / 1_000) + 60
  const today = dayOf((await late.post('/v1/sandbox/clock', { advanceSeconds })).body.now)
  const me = await late.person()
  const answersTo = async (birthOn: string) => {
    count += 1
    const body = {
      email: `born${count}@example.com`,
      password: 'password123',
      nickname: `태어난 사람 ${count}`,
      birthOn,
    }
    const signedUp = await late.as(null).post('/v1/accounts', body)
    const changed = await me.patch('/v1/me', { birthOn })
    return [pointersOf(signedUp.body), changed.status === 400 ? pointersOf(changed.body) : changed.status]
  }
  for (const birthOn of [today.add({ days: 1 }).toString(), '1899-12-31', '0001-01-01', '9999-12-31']) {
    assert.deepEqual(await answersTo(birthOn), [['/birthOn', '/password'], ['/birthOn']], birthOn)
  }
  for (const birthOn of [today.toString(), '1900-01-01']) {
    assert.deepEqual(await answersTo(birthOn), [['/password'], 200], birthOn)
  }
})

test('a password is refused when it is short, common or made of the own data, and for nothing else', async () => {
  const own = { email: 'podo.lover@example.com', nickname: '포도송이왕', birthOn: '1999-12-31' }
  const weak = [
    'short',
    'password123',
    '1234567890',
    'aaaaaaaaaaaa',
    'qwertyuiop',
    'podo.lover1',
    '포도송이왕1999',
    '19991231991231',
    'Passw0rd!!',
  ]
  for (const password of weak) {
    const { status, body } = await signUp({ ...own, password })
    assert.deepEqual([status, body.errors && pointersOf(body)], [400, ['/password']], password)
  }
  for (const password of [
    '가나다라마바사아자차 카',
    '        spaces count too',
    'onlylowercaseletterstoo',
    '🍇🌳🍎🍉🍑🍇🌳🍎🍉🍑',
  ]) {
    assert.equal((await signUp({ password })).status, 201, password)
  }
  assert.equal((await signUp({ password: 'x'.repeat(257) })).status, 400)
})

test('a password is refused when it is made of the words of this place, or of a common one with digits around it', async () => {
  const weak = [
    'podo-points!',
    '포도 포인트 지갑!',
    'Wallet-2026',
    '포인트, 포인트 12345',
    'podopodopodo',
    'dragon20261',
    '123sunshine4!',
  ]
  for (const password of weak) {
    const { status, body } = await signUp({ password })
    assert.deepEqual([status, body.errors && pointersOf(body)], [400, ['/password']], password)
    assert.match(body.errors[0].detail, /too common/)
  }
  for (const password of ['dragon 20261 teacup', '포도밭에서 처음 만난 날', '8302948571 dragon']) {
    assert.equal((await signUp({ password })).status, 201, password)
  }
})

test('a password change demands the present one, and ends every other session', async () => {
  const person = await house.person()
  const elsewhere = await nobody.post('/v1/sessions', { email: person.email, password: person.password })
  const newPassword = '초록 잎사귀 아래 그늘'
  const wrong = await person.put('/v1/me/password', { currentPassword: 'nonsense', newPassword })
  assert.deepEqual([wrong.status, wrong.body.type], [403, '/problems/identity/password-wrong'])
  const weak = await person.put('/v1/me/password', { currentPassword: person.password, newPassword: 'password123' })
  assert.deepEqual([weak.status, pointersOf(weak.body)], [400, ['/newPassword']])
  assert.equal((await person.put('/v1/me/password', { currentPassword: person.password, newPassword })).status, 204)
  assert.equal((await person.get('/v1/me')).status, 200)
  assert.equal((await house.as(elsewhere.body.accessToken).get('/v1/me')).status, 401)
  const signIn = async (password: string) =>
    (await nobody.post('/v1/sessions', { email: person.email, password })).status
  assert.deepEqual([await signIn(person.password), await signIn(newPassword)], [401, 201])
})

test('of two changes of one password at once one is made', async () => {
  const person = await house.person()
  const change = (newPassword: string) =>
    person.put('/v1/me/password', { currentPassword: person.password, newPassword })
  const statuses = (await Promise.all([change('초록 잎사귀 아래 그늘'), change('하얀 구름 위의 나무')])).map(
    ({ status }) => status,
  )
  assert.deepEqual(statuses.toSorted(), [204, 403])
})

test('401 with the same answer for an address that nobody has and for a wrong password', async () => {
  const person = await house.person()
  const answers = await Promise.all(
    [person.email, 'nobody@example.com'].map((email) =>
      nobody.post('/v1/sessions', { email, password: 'not this one' }),
    ),
  )
  const shown = answers.map(({ status, body: { instance, ...body } }) => ({ status, body }))
  assert.equal(shown[0]!.status, 401)
  assert.deepEqual(shown[0], shown[1])
})
