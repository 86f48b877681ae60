import { type Page, renderPage, sendPage } from '#platform/html'
import type { HttpServer } from '#platform/http'
import { languageOf } from '#platform/http-failures'
import type { Language } from '#platform/problem'
import { passwordLengthMax, passwordLengthMin } from '../accounts/password-rules.ts'

/** The pages that links in mails lead to. */
export async function pageRoutes(server: HttpServer): Promise<void> {
  const route = { method: 'GET', config: { access: 'public' }, schema: { hide: true } } as const
  server.route({
    ...route,
    url: '/account/confirm',
    handler: (request, reply) => sendPage(reply, confirmPage(languageOf(request))),
  })
  server.route({
    ...route,
    url: '/account/reset',
    handler: (request, reply) => sendPage(reply, resetPage(languageOf(request))),
  })
  server.route({
    ...route,
    url: '/account/email',
    handler: (request, reply) => sendPage(reply, addressPage(languageOf(request))),
  })
}

/** Confirms at a click: what only looks a link up, as mail programs do, uses nothing up. */
function confirmPage(language: Language): Page {
  return linkPage(confirmTexts, { language, path: '/v1/email-confirmations' })
}

function resetPage(language: Language): Page {
  const bounds = `minlength="${passwordLengthMin}" maxlength="${passwordLengthMax}"`
  const input = `<input name="newPassword" type="password" autocomplete="new-password" required ${bounds}>`
  const field = `<label>${resetField[language]} ${input}</label>\n`
  return linkPage(resetTexts, { language, path: '/v1/password-resets', field })
}

/** Another link is sent to whoever is signed in, which nobody is here. */
function addressPage(language: Language): Page {
  return linkPage(addressTexts, { language, path: '/v1/email-changes' })
}

/**
 * A page that uses a link and, where another can be had without signing in (`sent`), sends for one when the link is
 * good for nothing; `path` takes either.
 */
function linkPage(of: Record<Language, PageTexts>, by: { language: Language; path: string; field?: string }): Page {
  const { language, path, field = '' } = by
  const text = { ...commonTexts[language], ...of[language] }
  const email = '<input name="email" type="email" autocomplete="email" maxlength="254" required>'
  const content = `<noscript><p>${text.script}</noscript>
<form hidden><p>${text.lead}
${field}<p><button>${text.button}</button></form>
<p id="outcome" role="alert"></p>
${text.sent && `<form hidden><label>${text.email} ${email}</label>\n<p><button>${text.again}</button></form>`}`
  return renderPage({ title: text.title, language, content, script: scriptOf(path, text) })
}

/**
 * Takes the token out of the address, so that it stays in no history, and sends the fields of the form with it. What is
 * shown is written as text, never as HTML.
 */
function scriptOf(path: string, { done, sent, noLink, offline }: PageTexts & CommonTexts): string {
  return `
const token = location.hash.slice(1)
history.replaceState(null, '', location.pathname)
const [use, again] = document.querySelectorAll('form')
const outcome = document.querySelector('#outcome')
const say = (text) => { outcome.textContent = text }
const show = (shown) => { for (const form of [use, again]) if (form) form.hidden = form !== shown }
const send = (form, { method, path, done }) => form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = form.querySelector('button')
  button.disabled = true
  say('')
  const fields = Object.fromEntries(new FormData(form))
  const hasFields = Object.keys(fields).length > 0
  try {
    const answer = await fetch(path, {
      method,
      credentials: 'omit',
      headers: { 'accept-language': document.documentElement.lang,
        ...(hasFields && { 'content-type': 'application/json' }) },
      ...(hasFields && { body: JSON.stringify(fields) }),
    })
    if (answer.ok) { show(null); return say(done) }
    const problem = await answer.json()
    if (answer.status === 404) show(again)
    say(problem.errors ? problem.errors.map((error) => error.detail).join(' ') : problem.detail)
  } catch {
    say(${toScript(offline)})
  }
  button.disabled = false
})
send(use, { method: 'PUT', path: ${toScript(path)} + '/' + token, done: ${toScript(done)} })
if (again) send(again, { method: 'POST', path: ${toScript(path)}, done: ${toScript(sent)} })
if (/^[\\w-]{72}$/.test(token)) show(use)
else { show(again); say(${toScript(noLink)}) }
`
}

/** A text as a script quotes it; it cannot end the script. */
function toScript(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c')
}

interface PageTexts {
  readonly title: string
  readonly lead: string
  readonly button: string
  readonly done: string
  /** When another link was asked for; empty where this page sends for none. */
  readonly sent: string
  /** In place of the text that offers another link. */
  readonly noLink?: string
}

type CommonTexts = (typeof commonTexts)[Language]

const commonTexts = {
  ko: {
    script: '이 페이지를 쓰려면 브라우저에서 JavaScript를 켜 주십시오.',
    noLink: '링크가 온전하지 않습니다. 메일의 링크를 끝까지 복사해 다시 열거나, 새 링크를 받아 주십시오.',
    offline: '서버에 연결할 수 없습니다. 잠시 뒤에 다시 시도해 주십시오.',
    email: '이메일',
    again: '새 링크 받기',
  },
  en: {
    script: 'To use this page, let your browser run JavaScript.',
    noLink: 'This page needs the whole link. Open it again from the mail, or have a new one sent.',
    offline: 'The service cannot be reached. Try again in a moment.',
    email: 'E-mail',
    again: 'Send a new link',
  },
}

const confirmTexts: Record<Language, PageTexts> = {
  ko: {
    title: '이메일 주소 확인',
    lead: '메일을 받으신 주소가 본인의 것이라면 확인해 주십시오.',
    button: '확인',
    done: '이메일 주소가 확인되었습니다. 이 창을 닫으셔도 됩니다.',
    sent: '이 주소로 가입하셨고 아직 확인하지 않으셨다면, 곧 새 링크가 메일로 도착합니다.',
  },
  en: {
    title: 'Confirm your address',
    lead: 'Confirm that the address which the mail was sent to is yours.',
    button: 'Confirm',
    done: 'Your address is confirmed. You may close this window.',
    sent: 'If you signed up with this address and it is not confirmed yet, a new link is on its way.',
  },
}

const resetField = { ko: '새 비밀번호', en: 'New password' }

const resetTexts: Record<Language, PageTexts> = {
  ko: {
    title: '새 비밀번호',
    lead: `${passwordLengthMin}자 이상이면 됩니다. 흔한 비밀번호나, 이메일·별명·생일로 만든 것은 쓸 수 없습니다.`,
    button: '비밀번호 바꾸기',
    done: '비밀번호가 바뀌었고, 모든 기기에서 로그아웃되었습니다. 새 비밀번호로 로그인해 주십시오.',
    sent: '이 주소로 가입하셨다면, 곧 새 링크가 메일로 도착합니다.',
  },
  en: {
    title: 'A new password',
    lead: `At least ${passwordLengthMin} characters; neither common nor made of your address, nickname or birthday.`,
    button: 'Change the password',
    done: 'Your password is changed, and you were signed out everywhere. Sign in with the new one.',
    sent: 'If you signed up with this address, a new link is on its way.',
  },
}

const addressTexts: Record<Language, PageTexts> = {
  ko: {
    title: '새 이메일 주소',
    lead: '요청하신 대로 계정의 이메일을 이 메일을 받으신 주소로 바꿉니다.',
    button: '이메일 바꾸기',
    done: '이메일 주소가 바뀌었고, 다른 기기에서는 로그아웃되었습니다. 이 창을 닫으셔도 됩니다.',
    sent: '',
    noLink: '링크가 온전하지 않습니다. 메일의 링크를 끝까지 복사해 다시 열어 주십시오.',
  },
  en: {
    title: 'Your new address',
    lead: 'As you asked, the address of your account becomes the one that the mail was sent to.',
    button: 'Change the address',
    done: 'Your address is changed, and other devices were signed out. You may close this window.',
    sent: '',
    noLink: 'This page needs the whole link. Open it again from the mail.',
  },
}
