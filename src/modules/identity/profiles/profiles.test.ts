import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { openApiHouse } from '#test/api-house'

const house = await openApiHouse({ after })
const pointersOf = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer)

test('one changes what one sends of the own profile, and the rest stays', async () => {
  const me = await house.person({ nickname: '포도나무', birthOn: '2001-05-05', bio: '커피' })
  const before = (await me.get('/v1/me')).body
  const changed = await me.patch('/v1/me', { nickname: ' 포도  ', bio: '차\n그리고 커피' })
  assert.deepEqual([changed.status, changed.body], [200, { ...before, nickname: '포도', bio: '차\n그리고 커피' }])
  assert.deepEqual((await me.patch('/v1/me', { birthOn: null, bio: null })).body, {
    ...before,
    nickname: '포도',
    birthOn: null,
    bio: null,
  })
  const read = await me.get('/v1/me')
  assert.deepEqual([read.body.nickname, read.body.birthOn, read.body.bio], ['포도', null, null])
})

test('the tag of a profile is another after every change, and the same while nothing changes', async () => {
  const me = await house.person({ bio: '커피' })
  const tagOf = async () => (await me.get('/v1/me')).headers.etag
  const first = await tagOf()
  assert.match(String(first), /^"[^"]+"$/)
  for (const same of [undefined, {}, { bio: '커피' }]) {
    const answer = await me.patch('/v1/me', same)
    assert.deepEqual([answer.status, answer.headers.etag], [200, first])
  }
  const seen = [first]
  for (const changes of [{ bio: '차' }, { birthOn: '1999-01-01' }, { nickname: '차나무' }, { bio: '커피' }]) {
    const { headers } = await me.patch('/v1/me', changes)
    assert.equal(await tagOf(), headers.etag)
    seen.push(headers.etag)
  }
  assert.equal(new Set(seen).size, 5)
})

test('412 for a change of a version that is not the newest, by whichever tag but it, and nothing is changed', async () => {
  const me = await house.person()
  const stale = String((await me.get('/v1/me')).headers.etag)
  const fresh = String((await me.patch('/v1/me', { bio: '새로' })).headers.etag)
  for (const tag of [stale, `W/${fresh}`, fresh.slice(1, -1), '""', '', `${stale}, W/${fresh}`, '"*"']) {
    const { status, body } = await me.patch('/v1/me', { bio: '낡은 것' }, { 'if-match': tag })
    assert.deepEqual([status, body.type], [412, '/problems/http/precondition-failed'], tag)
  }
  const read = await me.get('/v1/me')
  assert.deepEqual([read.body.bio, read.headers.etag], ['새로', fresh])
  for (const tag of [`${stale}, ${fresh}`, '*']) {
    assert.equal((await me.patch('/v1/me', { bio: tag }, { 'if-match': tag })).status, 200)
  }
})

test('of twenty who change one version at once exactly one does', async () => {
  const me = await house.person()
  const tag = String((await me.get('/v1/me')).headers.etag)
  const change = (n: number) => me.patch('/v1/me', { bio: `${n}` }, { 'if-match': tag })
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => change(n)))
  const won = answers.filter(({ status }) => status === 200)
  assert.deepEqual([won.length, answers.filter(({ status }) => status === 412).length], [1, 19])
  assert.deepEqual((await me.get('/v1/me')).body, won[0]!.body)
})

test('409 for a nickname that somebody else who signs in has, and nothing is changed', async () => {
  await house.person({ nickname: '포도 Grape' })
  const me = await house.person({ nickname: '청포도', bio: '커피' })
  for (const nickname of ['포도 Grape', '포도ＧＲＡＰＥ']) {
    const { status, body } = await me.patch('/v1/me', { nickname, bio: '차' })
    assert.deepEqual([status, body.type], [409, '/problems/identity/nickname-taken'], nickname)
  }
  const { body, headers } = await me.get('/v1/me')
  assert.deepEqual([body.nickname, body.bio, headers.etag], ['청포도', '커피', '"1"'])
  assert.equal((await me.patch('/v1/me', { nickname: '청 포도' })).status, 200, 'the own one in another spelling')
})

test('a nickname of several scripts is refused, and one that was there before stays where the rest is changed', async () => {
  const me = await house.person()
  const mixed = 'gr\u0430pe'
  assert.deepEqual(pointersOf((await me.patch('/v1/me', { nickname: mixed })).body), ['/nickname'])
  const own = [fromPublicId('mem', me.id), mixed, '0999-01-01']
  await house.ownerSql.run('update identity.member set nickname = $2, birth_on = $3 where id = $1', own)
  const kept = await me.patch('/v1/me', { nickname: mixed, birthOn: '0999-01-01', bio: '오래된 이름' })
  assert.deepEqual([kept.status, kept.body.nickname, kept.body.bio], [200, mixed, '오래된 이름'])
})

test('a nickname that was given up is free for others, and one that was taken is not', async () => {
  const me = await house.person({ nickname: '옛 이름' })
  await me.patch('/v1/me', { nickname: '새 이름' })
  const other = await house.person({ nickname: '옛 이름' })
  assert.equal((await other.patch('/v1/me', { nickname: '새이름' })).status, 409)
})

test('of twenty who take one nickname at once exactly one gets it', async () => {
  const people = await Promise.all(Array.from({ length: 20 }, () => house.person()))
  const answers = await Promise.all(people.map((person) => person.patch('/v1/me', { nickname: '모두의 이름' })))
  assert.deepEqual(
    [200, 409].map((wanted) => answers.filter(({ status }) => status === wanted).length),
    [1, 19],
  )
})

test('400 names every field of a profile that is wrong, and what is nobody’s to change this way', async () => {
  const me = await house.person()
  const wrong = {
    nickname: null,
    birthOn: '2001-02-30',
    bio: 'x'.repeat(501),
    email: 'other@example.com',
    role: 'ADMIN',
  }
  const { status, body } = await me.patch('/v1/me', wrong)
  assert.deepEqual([status, pointersOf(body).toSorted()], [400, ['/bio', '/birthOn', '/email', '/nickname', '/role']])
  assert.deepEqual(pointersOf((await me.patch('/v1/me', { nickname: '가' })).body), ['/nickname'])
})
