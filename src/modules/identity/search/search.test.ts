import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { type Body, type Caller, openApiHouse } from '#test/api-house'
import { openHouse, until } from '#test/harness'
import { createMembers } from '../identity.ts'
import { type Audience, type Found, type FoundPlace, openMemberSearch } from './search.ts'

const house = await openApiHouse({ after })
const names = (answer: { status: number; text: string; body: Body }): string[] => {
  assert.equal(answer.status, 200, answer.text)
  return answer.body.items.map(({ nickname }: Body) => nickname)
}
const ask = async (by: Caller, q: string) => names(await by.get(`/v1/members?q=${encodeURIComponent(q)}`))

const me = await house.person({ nickname: '청포도', bio: null })
await house.person({ nickname: '포도', bio: '커피를 좋아해요', email: 'secret.vine@example.com' })
await house.person({ nickname: '포도송이', bio: null })
await house.person({ nickname: 'Café Latte', bio: '포도나무 아래\n낮잠 50%_할인\\"\'' })
const admin = await house.person({ nickname: '관리자', bio: null })
await house.put(`/v1/members/${admin.id}/role`, { role: 'ADMIN' })
const company = await house.company()
await house.member(company.id, { nickname: '회사 포도', email: 'staff.vine@example.com' })
const gone = await house.person({ nickname: '떠난 포도' })
await house.ownerSql.run('update identity.member set left_at = now() where id = $1', [fromPublicId('mem', gone.id)])

test('first comes the nickname that is asked for, then those that begin with it, that have it, and the bios', async () => {
  assert.deepEqual(await ask(me, '포도'), ['포도', '포도송이', '청포도', 'Café Latte'])
})

test('any part of a Korean or Latin word is enough, from one character, in whatever case and width', async () => {
  for (const q of ['송이', '이', '도송', '포도송이']) assert.ok((await ask(me, q)).includes('포도송이'), q)
  for (const q of ['LATTE', 'ｌａｔ', 'fé l', 'FÉ', 'fe\u0301', 'e', '나무 아래', '낮', ' 낮잠 '])
    assert.deepEqual(await ask(me, q), ['Café Latte'], q)
  assert.deepEqual(await ask(me, '뷁'), [])
  assert.deepEqual(await ask(me, '송이포도'), [])
})

test('what has a meaning in patterns, arrays and SQL is a character like any other', async () => {
  for (const q of ['%', '_', '\\', '"', "'", '50%_', '\\"\'']) assert.deepEqual(await ask(me, q), ['Café Latte'], q)
  for (const q of ['%%', '.*', '{}', '{', ',', '포_', '포%', 'null', '=포도', '^포', ':커', '.도', '@'])
    assert.deepEqual(await ask(me, q), [], q)
})

test('people find people who sign in, by nickname and bio only, and see what is public', async () => {
  assert.deepEqual(await ask(me, 'vine'), [])
  assert.deepEqual(await ask(me, '회사'), [])
  assert.deepEqual(await ask(me, '떠난'), [])
  const [found] = (await me.get('/v1/members?q=%ED%8F%AC%EB%8F%84')).body.items
  assert.deepEqual(found, (await me.get(`/v1/members/${found.id}`)).body)
  assert.deepEqual([found.email, found.wallet, found.role], [null, null, null])
})

test('administrators and the operator find all members, by address too, and see everything', async () => {
  for (const caller of [admin, house]) {
    assert.deepEqual(await ask(caller, 'VINE'), ['회사 포도', '포도'])
    assert.deepEqual(await ask(caller, '포도'), ['포도', '포도송이', '떠난 포도', '회사 포도', '청포도', 'Café Latte'])
    const { items } = (await caller.get('/v1/members?q=vine')).body
    for (const item of items) assert.deepEqual(item, (await caller.get(`/v1/members/${item.id}`)).body)
    assert.deepEqual([items[0].role, items[1].role, items[1].email], ['MEMBER', 'USER', 'secret.vine@example.com'])
  }
})

test('without a text everybody is listed, the newest first: people to people, all members to administrators', async () => {
  const listed = names(await me.get('/v1/members?limit=100'))
  assert.deepEqual(listed.slice(-5), ['관리자', 'Café Latte', '포도송이', '포도', '청포도'])
  assert.equal(
    names(await house.get('/v1/members?limit=100'))
      .slice(-7)
      .join(),
    `떠난 포도,회사 포도,${listed.slice(-5)}`,
  )
})

test('400 for an empty text, one that is too long, one on two lines, and a cursor of another search or audience', async () => {
  for (const q of ['', '%20', 'x'.repeat(101), 'a%0Ab', '%E2%80%8B']) {
    const { status, body } = await me.get(`/v1/members?q=${q}`)
    assert.deepEqual([status, body.errors?.map(({ pointer }: Body) => pointer)], [400, ['/q']], q)
  }
  const { nextCursor } = (await me.get('/v1/members?q=%ED%8F%AC&limit=1')).body
  assert.ok(nextCursor)
  for (const [caller, q] of [
    [me, '%EB%8F%84'],
    [house, '%ED%8F%AC'],
  ] as const)
    assert.equal((await caller.get(`/v1/members?q=${q}&cursor=${nextCursor}`)).status, 400)
})

test('pages follow one another through the ranks, and nobody who comes meanwhile moves them', async () => {
  const own = await openApiHouse({ after })
  const made = ['가나', '가나다', '다가나', '라가나']
  for (const nickname of made) await own.person({ nickname })
  for (const bio of ['하나 가나', '둘 가나']) await own.person({ bio })
  const all = names(await own.get('/v1/members?q=%EA%B0%80%EB%82%98'))
  assert.deepEqual(all, ['가나', '가나다', '라가나', '다가나', '사람 6', '사람 5'])
  const walked: string[] = []
  for (let cursor = ''; ; ) {
    const answer = await own.get(`/v1/members?q=%EA%B0%80%EB%82%98&limit=1${cursor}`)
    walked.push(...names(answer))
    if (answer.body.nextCursor === null) break
    cursor = `&cursor=${answer.body.nextCursor}`
    if (walked.length === 3) for (const nickname of ['가나라', '마가나']) await own.person({ nickname })
  }
  assert.deepEqual(walked, all)
})

test('a first page says how old it may be; whoever changes the own profile is found by it at once in this process', async () => {
  const { headers } = await me.get('/v1/members?q=%EC%83%88%EC%9D%B4%EB%A6%84')
  assert.deepEqual([headers['cache-control'], headers.age], ['private, max-age=5', '0'])
  const person = await house.person()
  assert.deepEqual(await ask(me, '새이름'), [])
  await person.patch('/v1/me', { nickname: '새이름' })
  assert.deepEqual(await ask(me, '새이름'), ['새이름'])
})

test('a first page that is asked for again is made anew in the background, before it is too old', async (t) => {
  const own = await openApiHouse(t, { withBackground: true })
  const { headers } = await own.get('/v1/members?q=a')
  await own.get('/v1/members?q=a')
  const stopped = performance.now() + 3_500
  t.mock.method(performance, 'now', () => stopped)
  assert.equal(headers.age, '0')
  await until('it is new', async () => (await own.get('/v1/members?q=a')).headers.age === '0')
})

/** What a search has to find, the slow way. */
function model(members: readonly Texts[], { text, audience }: { text: string; audience: Audience }): string[] {
  const fold = (given: string | null) => (given ?? '').normalize('NFKC').toLowerCase()
  const wanted = fold(text)
  const rankOf = ({ nickname, bio, email }: Texts) => {
    const name = fold(nickname)
    if (name === wanted) return 0
    if (name.startsWith(wanted)) return 1
    if (name.includes(wanted)) return 2
    if (fold(bio).includes(wanted)) return 3
    return audience === 'everybody' && fold(email).includes(wanted) ? 4 : null
  }
  return members
    .filter(({ companyId }) => audience === 'everybody' || companyId === null)
    .map((member) => ({ member, rank: rankOf(member) }))
    .filter(({ rank }) => rank !== null)
    .toSorted((a, b) => a.rank! - b.rank! || (a.member.id < b.member.id ? 1 : -1))
    .map(({ member }) => member.id)
}

interface Texts {
  readonly id: string
  readonly companyId: string | null
  readonly nickname: string
  readonly bio: string | null
  readonly email: string | null
}

test('however many fit, and whichever way is taken to them, the pages are those of a search without an index', async (t) => {
  const { database, withWork } = await openHouse(t)
  const letters = ['가', '나', 'a', 'b', 'Ａ', ' ', '%', '😀']
  let drawn = 7
  const draw = (below: number) => {
    drawn = (drawn * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((drawn / 2 ** 31) * below)
  }
  const textOf = (lengthMax: number) =>
    Array.from({ length: 1 + draw(lengthMax) }, () => letters[draw(letters.length)]!).join('')
  const made = Array.from({ length: 300 }, (_, n) => ({
    companyId: n % 3 === 0 ? '00000000-0000-7000-8000-000000000001' : null,
    externalId: null,
    nickname: textOf(4),
    bio: n % 2 === 0 ? textOf(12) : null,
    email: n % 5 === 0 ? `${textOf(3)}@example.com` : null,
  }))
  const members = await withWork(system, (work) => createMembers(work, made))
  const ways = [
    undefined,
    { readFirst: 1, namedMax: 3, readMax: 5 },
    { readFirst: 0, namedMax: 1, readMax: 1_000 },
    { readFirst: 10, namedMax: 20, readMax: 40 },
    { readFirst: 0, namedMax: 1_000, readMax: 0 },
  ]
  for (const [at, bounds] of ways.entries()) {
    for (let query = 0; query < 25; query += 1) {
      const [text, audience] = [textOf(3), draw(2) === 0 ? 'people' : 'everybody'] as const
      const search = openMemberSearch(database, bounds)
      const found: string[] = []
      for (let after: FoundPlace | null = null; ; ) {
        const page: readonly Found[] = (await search.find({ audience, text, after, limit: 7 })).value
        found.push(...page.map(({ member }) => member.id))
        const last = page.at(-1)
        if (page.length < 7 || !last) break
        after = { rank: last.rank, id: last.member.id }
      }
      assert.deepEqual(found, model(members, { text, audience }), `${JSON.stringify(text)}, ${audience}, way ${at}`)
    }
  }
})
