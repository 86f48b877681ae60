import { hash } from 'node:crypto'
import type { RoutesPlugin } from '#platform/http'
import { languageOf } from '#platform/http-failures'
import type { Language } from '#platform/problem'
import { type ProviderName, providerNames } from './provider.ts'

const texts = {
  ko: {
    titles: { kakao: '카카오로 로그인', naver: '네이버로 로그인', google: '구글로 로그인' },
    begin: '로그인하기',
    again: '다시 로그인하기',
    waiting: '로그인하고 있습니다…',
    done: '로그인했습니다. 이 창을 닫으셔도 됩니다.',
    denied: '로그인을 취소하셨습니다. 바뀐 것은 없으며, 언제든 다시 로그인하실 수 있습니다.',
    failed: '소셜 로그인 서비스가 로그인을 마치지 못했습니다. 잠시 뒤 다시 시도해 주십시오.',
    unreachable: '서버에 연결할 수 없습니다. 잠시 뒤 다시 시도해 주십시오.',
    script: '로그인하려면 브라우저에서 JavaScript를 켜 주십시오.',
  },
  en: {
    titles: { kakao: 'Sign in with Kakao', naver: 'Sign in with Naver', google: 'Sign in with Google' },
    begin: 'Sign in',
    again: 'Sign in again',
    waiting: 'Signing in…',
    done: 'You are signed in. You may close this window.',
    denied: 'You cancelled. Nothing was changed, and you can sign in whenever you like.',
    failed: 'The provider could not finish the sign-in. Try again in a moment.',
    unreachable: 'The server cannot be reached. Try again in a moment.',
    script: 'To sign in, let your browser run JavaScript.',
  },
}

const style = `body { font: 1rem/1.6 system-ui, sans-serif; max-width: 28rem; margin: 3rem auto; padding: 0 1rem;
  color: light-dark(#222, #ddd); background: light-dark(#fff, #161618); color-scheme: light dark }
button { font: inherit; padding: 0.5rem 1.2rem }`

// What came back with the browser leaves its history at once; the state is good for one time in any case.
const script = `
const asked = new URLSearchParams(location.search)
history.replaceState(null, '', location.pathname)
const provider = location.pathname.split('/').pop()
const button = document.querySelector('button')
const text = document.body.dataset
const say = (words) => { document.querySelector('p').textContent = words }
const offer = (words) => { button.textContent = words; button.hidden = false }
const language = { 'accept-language': document.documentElement.lang }
async function ask(path, init) {
  const answer = await fetch(path, init).catch(() => null)
  if (!answer) return { problem: text.unreachable }
  const body = await answer.json().catch(() => ({}))
  return answer.ok ? { body } : { problem: [body.title, body.detail].filter(Boolean).join('. ') || text.failed }
}
function conclude(problem, done) {
  say(problem ?? done)
  if (problem) offer(text.again)
}
button.addEventListener('click', async () => {
  button.hidden = true
  say(text.waiting)
  const { body, problem } = await ask('/v1/sessions/' + provider + '/authorize', { headers: language })
  if (problem) conclude(problem)
  else location.assign(body.url)
})
if (asked.has('error')) {
  conclude(asked.get('error') === 'access_denied' ? text.denied : text.failed)
} else if (asked.has('code')) {
  say(text.waiting)
  const body = JSON.stringify({ code: asked.get('code'), state: asked.get('state') ?? '', cookies: true })
  const headers = { ...language, 'content-type': 'application/json' }
  ask('/v1/sessions/' + provider, { method: 'POST', headers, body }).then(({ problem }) => conclude(problem, text.done))
} else {
  offer(text.begin)
}
`

const digest = (text: string) => `'sha256-${hash('sha256', text, 'base64')}'`
const policy =
  `default-src 'none'; script-src ${digest(script)}; style-src ${digest(style)}; connect-src 'self'; ` +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

/** The pages to which providers send people back, until an app of the programme takes their place. */
export function signInPages(): RoutesPlugin {
  return async (server) => {
    for (const provider of providerNames) {
      server.route({
        method: 'GET',
        url: `/sign-in/${provider}`,
        config: { access: 'public' },
        schema: { hide: true },
        handler(request, reply) {
          const language = languageOf(request)
          return reply
            .header('content-security-policy', policy)
            .header('referrer-policy', 'no-referrer')
            .header('content-language', language)
            .header('vary', 'Accept-Language')
            .type('text/html; charset=utf-8')
            .send(renderPage(provider, language))
        },
      })
    }
  }
}

function renderPage(provider: ProviderName, language: Language): string {
  const { titles, script: needsScript, ...said } = texts[language]
  const data = Object.entries(said).map(([name, text]) => `data-${name}="${text}"`)
  return `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${titles[provider]} · Podo</title>
<style>${style}</style>
<body ${data.join(' ')}>
<h1>${titles[provider]}</h1>
<p role="status"></p>
<button hidden></button>
<noscript>${needsScript}</noscript>
<script>${script}</script>
</html>
`
}
