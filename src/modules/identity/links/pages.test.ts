import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { type Body, openApiHouse } from '#test/api-house'
import { until } from '#test/harness'

const house = await openApiHouse({ after }, { withBackground: true })
const nobody = house.as(null)
const paths = ['/account/confirm', '/account/reset', '/account/email']
const newPassword = '초록 잎사귀 아래 그늘'

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const between = (html: string, tag: string) => new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html)![1]!
const linkTo = (page: string, email: string) =>
  until('the mail came', async () => {
    const texts: string[] = (await house.mails(email)).map(({ text }) => text)
    return texts.map((text) => new RegExp(`http\\S*${page}#[\\w-]+`).exec(text)?.[0]).find(Boolean)
  })

interface Form {
  hidden: boolean
  readonly button: { disabled: boolean }
  readonly fields: Record<string, string>
  submit(event: { preventDefault(): void }): Promise<void>
  addEventListener(type: string, listener: Form['submit']): void
  querySelector(name: string): Form['button']
}

/** A form of a page, as far as its script needs one. */
function openForm(): Form {
  const button = { disabled: false }
  return {
    hidden: true,
    button,
    fields: {},
    submit: () => Promise.reject(new Error('no listener')),
    addEventListener(_type, listener) {
      this.submit = listener
    },
    querySelector: () => button,
  }
}

/** Opens a link as a browser does: runs the script of its page on its two forms. */
async function openLink(link: string, language: 'ko' | 'en') {
  const { pathname, hash } = new URL(link)
  const { text: html } = await nobody.get(pathname, { 'accept-language': language })
  const addresses: string[] = []
  const asked: { path: string; hasBody: boolean }[] = []
  const outcome = { textContent: '' }
  const [use, again] = Array.from(html.matchAll(/<form hidden>/g), openForm) as [Form, Form]
  runInNewContext(between(html, 'script'), {
    location: { hash, pathname },
    history: { replaceState: (_state: null, _title: string, url: string) => addresses.push(url) },
    document: {
      querySelectorAll: () => [use, again],
      querySelector: () => outcome,
      documentElement: { lang: language },
    },
    FormData: class extends Map<string, string> {
      constructor({ fields }: Form) {
        super(Object.entries(fields))
      }
    },
    async fetch(
      path: string,
      { method, headers, body }: { method: string; headers: Record<string, string>; body?: string },
    ) {
      asked.push({ path, hasBody: body !== undefined })
      const answer = await nobody[method === 'PUT' ? 'put' : 'post'](path, body, { ...headers })
      return { ok: answer.status < 300, status: answer.status, json: async (): Promise<Body> => answer.body }
    },
  })
  return {
    addresses,
    asked,
    use,
    again,
    said: () => outcome.textContent,
    async submit(form: Form, fields: Record<string, string> = {}) {
      Object.assign(form.fields, fields)
      await form.submit({ preventDefault() {} })
    },
  }
}

test('the pages of links run their own script and style and nothing else, and talk to this service only', async () => {
  for (const path of paths) {
    const { status, text, headers } = await nobody.get(`${path}`, { 'accept-language': 'ko' })
    assert.equal(status, 200)
    const policy = String(headers['content-security-policy'])
    assert.ok(policy.includes(`script-src ${hashOf(between(text, 'script'))};`), policy)
    assert.ok(policy.includes(`style-src ${hashOf(between(text, 'style'))};`), policy)
    assert.match(policy, /default-src 'none';.*connect-src 'self'.*form-action 'none'.*frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.doesNotMatch(text, / on\w+=| style=|src=|href=/)
    assert.equal(headers['cache-control'], 'no-store')
  }
})

test('the pages of links speak Korean and English', async () => {
  for (const path of paths) {
    const [ko, en] = await Promise.all(
      ['ko', 'en'].map((language) => nobody.get(path, { 'accept-language': language })),
    )
    assert.match(ko!.text, /<html lang="ko">/)
    assert.match(en!.text, /<html lang="en">/)
    assert.doesNotMatch(en!.text, /[가-힣]/)
  }
})

test('the page of a confirmation uses the link at a click, and takes the token out of the address before', async () => {
  const person = await house.person()
  const link = await linkTo('/account/confirm', person.email)
  const page = await openLink(link, 'ko')
  assert.deepEqual([page.addresses, page.asked], [['/account/confirm'], []])
  await page.submit(page.use)
  assert.equal(page.said(), '이메일 주소가 확인되었습니다. 이 창을 닫으셔도 됩니다.')
  assert.deepEqual([page.use.hidden, page.again.hidden], [true, true])
  assert.ok((await person.get('/v1/me')).body.emailConfirmedAt)
  const again = await openLink(link, 'en')
  await again.submit(again.use)
  assert.match(again.said(), /Ask for a new one/)
})

test('the page of a new password says what is weak and asks again, and then sets it', async () => {
  const person = await house.person()
  await nobody.post('/v1/password-resets', { email: person.email })
  const page = await openLink(await linkTo('/account/reset', person.email), 'en')
  await page.submit(page.use, { newPassword: 'password123' })
  assert.match(page.said(), /too common/)
  assert.deepEqual([page.use.hidden, page.use.button.disabled], [false, false])
  await page.submit(page.use, { newPassword })
  assert.match(page.said(), /Your password is changed/)
  const signedIn = await nobody.post('/v1/sessions', { email: person.email, password: newPassword })
  assert.equal(signedIn.status, 201)
})

test('the page of a new address changes it at a click, and sends for no other link', async () => {
  const person = await house.person()
  const email = `moved.${person.email}`
  assert.equal((await person.put('/v1/me/email', { email, currentPassword: person.password })).status, 202)
  const link = await linkTo('/account/email', email)
  const page = await openLink(link, 'ko')
  assert.deepEqual([page.asked, page.again], [[], undefined])
  await page.submit(page.use)
  assert.match(page.said(), /이메일 주소가 바뀌었고/)
  assert.equal((await person.get('/v1/me')).body.email, email)
  const used = await openLink(link, 'en')
  await used.submit(used.use)
  assert.match(used.said(), /Ask for a new one/)
  assert.equal(used.use.hidden, true)
  const cut = await openLink(link.slice(0, -1), 'en')
  assert.deepEqual([cut.said(), cut.use.hidden], ['This page needs the whole link. Open it again from the mail.', true])
})

test('a link that was cut says so, and asks nobody', async () => {
  const page = await openLink('http://127.0.0.1/account/reset#abc', 'en')
  assert.match(page.said(), /needs the whole link/)
  assert.deepEqual([page.asked, page.use.hidden, page.again.hidden], [[], true, false])
})

test('where a link is over, its page sends for another one, which works', async () => {
  const person = await house.person()
  await linkTo('/account/confirm', person.email)
  for (const path of ['/account/confirm', '/account/reset']) {
    const over = await openLink(`http://127.0.0.1${path}#${'x'.repeat(72)}`, 'ko')
    await over.submit(over.use, path === '/account/reset' ? { newPassword } : {})
    assert.match(over.said(), /새 링크를 요청해 주십시오/)
    assert.deepEqual([over.use.hidden, over.again.hidden], [true, false])
    await over.submit(over.again, { email: 'not an address' })
    assert.match(over.said(), /이메일 주소여야 합니다/)
    const before = (await house.mails(person.email)).length
    await over.submit(over.again, { email: person.email })
    assert.match(over.said(), /곧 새 링크가 메일로 도착합니다/)
    assert.equal(over.again.hidden, true)
    await until('another mail came', async () => (await house.mails(person.email)).length > before)
    const page = await openLink(await linkTo(path, person.email), 'en')
    await page.submit(page.use, path === '/account/reset' ? { newPassword } : {})
    assert.match(page.said(), /^Your (address is confirmed|password is changed)/)
  }
})

test('without JavaScript a page says what it needs, and shows no form', async () => {
  for (const path of paths) {
    const { text } = await nobody.get(path, { 'accept-language': 'ko' })
    assert.match(between(text, 'noscript'), /^<p>[^<]+JavaScript를 켜 주십시오\.$/)
    assert.equal(text.match(/<form/g)?.length, text.match(/<form hidden>/g)?.length)
  }
})
