import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { openApiHouse } from '#test/api-house'
import { until } from '#test/harness'
import { toConsent } from '#test/social-house'

const house = await openApiHouse({ after })
const browser = { 'sec-fetch-site': 'same-origin' }

/** What a person sees on the page at this address, with a browser that has only what the script of the page needs. */
async function visit(query: string, { language = 'en', cookie = '' } = {}) {
  const page = await house.as(null).get(`/sign-in/kakao${query}`, { 'accept-language': language })
  const script = /<script>([\s\S]*)<\/script>/.exec(page.text)![1]!
  const dataset = Object.fromEntries(
    [...page.text.matchAll(/data-(\w+)="([^"]*)"/g)].map(([, name, text]) => [name, text]),
  )
  const said = { textContent: '' }
  const clicks: (() => void)[] = []
  const button = { textContent: '', hidden: true, addEventListener: (_: string, run: () => void) => clicks.push(run) }
  const visited: string[] = []
  runInNewContext(script, {
    URLSearchParams,
    JSON,
    history: { replaceState: (_: null, __: string, path: string) => visited.push(path) },
    location: { search: query, pathname: '/sign-in/kakao', assign: (url: string) => visited.push(url) },
    document: {
      body: { dataset },
      documentElement: { lang: language },
      querySelector: (name: string) => (name === 'p' ? said : button),
    },
    async fetch(
      path: string,
      { method = 'GET', headers = {}, body }: { method?: string; headers?: object; body?: string },
    ) {
      const sent = { ...headers, ...browser, cookie }
      const { status, body: answer } =
        method === 'GET' ? await house.as(null).get(path, sent) : await house.as(null).post(path, body, sent)
      return { ok: status < 300, json: async () => answer }
    },
  })
  return { said, button, visited, click: () => clicks[0]!() }
}

test('the page leads to the provider, finishes what it began, and leaves no code in the history', async () => {
  const first = await visit('')
  assert.deepEqual([first.button.hidden, first.button.textContent], [false, 'Sign in'])
  first.click()
  await until('the person is sent to the provider', () =>
    first.visited.find((url) => url.includes('/oauth/authorize?')),
  )
  const begun = await house.as(null).get('/v1/sessions/kakao/authorize', browser)
  const { url, form } = toConsent(begun.body.url)
  const sent = await house.server.inject({
    method: 'POST',
    url: new URL(url).pathname,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: form.toString(),
  })
  const cookie = String(begun.headers['set-cookie']).split(';')[0]!
  const returned = await visit(new URL(String(sent.headers.location)).search, { cookie })
  await until('it says that one is signed in', () => /^You are signed in/.test(returned.said.textContent))
  assert.deepEqual([returned.visited, returned.button.hidden], [['/sign-in/kakao'], true])
  const denied = await visit('?error=access_denied&state=x', { language: 'ko' })
  assert.match(denied.said.textContent, /^로그인을 취소하셨습니다/)
  assert.deepEqual([denied.visited, denied.button.hidden], [['/sign-in/kakao'], false])
})

test('the page says why somebody could not sign in, and offers to begin again', async () => {
  const broken = await visit('?error=server_error')
  assert.match(broken.said.textContent, /^The provider could not finish/)
  const unbegun = await visit('?code=x&state=y')
  await until('it says why', () => /This sign-in was not begun here/.test(unbegun.said.textContent))
  assert.deepEqual([unbegun.button.hidden, unbegun.button.textContent], [false, 'Sign in again'])
})
