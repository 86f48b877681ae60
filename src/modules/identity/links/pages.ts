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
}

/** Confirms at a click: what only looks a link up, as mail programs do, uses nothing up. */
function confirmPage(language: Language): Page {
  const { title, lead, button } = confirmTexts[language]
  const content = `<form><p>${lead}\n<p><button>${button}</button></form>\n${outcome}`
  return renderPage({ title, language, content, script: scriptOf('/v1/email-confirmations/', confirmTexts[language]) })
}

function resetPage(language: Language): Page {
  const { title, lead, field, button } = resetTexts[language]
  const bounds = `minlength="${passwordLengthMin}" maxlength="${passwordLengthMax}"`
  const content = `<form><p>${lead}
<label>${field} <input name="newPassword" type="password" autocomplete="new-password" required ${bounds}></label>
<p><button>${button}</button></form>
${outcome}`
  return renderPage({ title, language, content, script: scriptOf('/v1/password-resets/', resetTexts[language]) })
}

const outcome = '<p id="outcome" role="alert"></p>'

/**
 * Takes the token out of the address, so that it stays in no history, and sends the fields of the form with it. What is
 * shown is written as text, never as HTML.
 */
function scriptOf(path: string, { done, noLink, offline }: { done: string; noLink: string; offline: string }): string {
  return `
const token = location.hash.slice(1)
history.replaceState(null, '', location.pathname)
const form = document.querySelector('form')
const outcome = document.querySelector('#outcome')
const button = document.querySelector('button')
const say = (text) => { outcome.textContent = text }
const end = (text) => { form.remove(); say(text) }
if (!/^[\\w-]{64}$/.test(token)) end(${toScript(noLink)})
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  button.disabled = true
  say('')
  const fields = Object.fromEntries(new FormData(form))
  const hasFields = Object.keys(fields).length > 0
  try {
    const answer = await fetch(${toScript(path)} + token, {
      method: 'PUT',
      credentials: 'omit',
      headers: { 'accept-language': document.documentElement.lang,
        ...(hasFields && { 'content-type': 'application/json' }) },
      ...(hasFields && { body: JSON.stringify(fields) }),
    })
    if (answer.ok) return end(${toScript(done)})
    const problem = await answer.json()
    const text = problem.errors ? problem.errors.map((error) => error.detail).join(' ') : problem.detail
    if (answer.status === 404) return end(text)
    say(text)
  } catch {
    say(${toScript(offline)})
  }
  button.disabled = false
})
`
}

/** A text as a script quotes it; it cannot end the script. */
function toScript(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c')
}

const noLink = {
  ko: '링크가 온전하지 않습니다. 메일의 링크를 끝까지 복사해 다시 열어 주십시오.',
  en: 'This page needs the whole link. Open it again from the mail.',
}
const offline = {
  ko: '서버에 연결할 수 없습니다. 잠시 뒤에 다시 시도해 주십시오.',
  en: 'The service cannot be reached. Try again in a moment.',
}

const confirmTexts = {
  ko: {
    title: '이메일 주소 확인',
    lead: '메일을 받으신 주소가 본인의 것이라면 확인해 주십시오.',
    button: '확인',
    done: '이메일 주소가 확인되었습니다. 이 창을 닫으셔도 됩니다.',
    noLink: noLink.ko,
    offline: offline.ko,
  },
  en: {
    title: 'Confirm your address',
    lead: 'Confirm that the address which the mail was sent to is yours.',
    button: 'Confirm',
    done: 'Your address is confirmed. You may close this window.',
    noLink: noLink.en,
    offline: offline.en,
  },
}

const resetTexts = {
  ko: {
    title: '새 비밀번호',
    lead: `${passwordLengthMin}자 이상이면 됩니다. 흔한 비밀번호, 이메일이나 별명이나 생일로 만든 것은 쓸 수 없습니다.`,
    field: '새 비밀번호',
    button: '비밀번호 바꾸기',
    done: '비밀번호가 바뀌었고, 모든 기기에서 로그아웃되었습니다. 새 비밀번호로 로그인해 주십시오.',
    noLink: noLink.ko,
    offline: offline.ko,
  },
  en: {
    title: 'A new password',
    lead: `At least ${passwordLengthMin} characters; neither common nor made of your address, nickname or birthday.`,
    field: 'New password',
    button: 'Change the password',
    done: 'Your password is changed, and you were signed out everywhere. Sign in with the new one.',
    noLink: noLink.en,
    offline: offline.en,
  },
}
