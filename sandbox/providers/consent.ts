import { createHash } from 'node:crypto'
import type { Dialect } from './dialects.ts'
import { listFaults } from './faults.ts'
import { samples } from './people.ts'

type Language = 'ko' | 'en'

const style = `body { font: 1rem/1.6 system-ui, sans-serif; max-width: 28rem; margin: 3rem auto; padding: 0 1rem;
  color: light-dark(#222, #ddd); background: light-dark(#fff, #161618); color-scheme: light dark }
label, button, select { display: block; margin: 0.4rem 0 } button { padding: 0.5rem 1.2rem }
fieldset { border: 1px solid #8886; border-radius: 0.5rem; margin: 1rem 0 }`

// Nothing is loaded and no script runs. Where the form may lead is for the redirect address to say, so it is left open.
const policy =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; ` +
  "base-uri 'none'; frame-ancestors 'none'"

const texts = {
  ko: {
    stands: '이 화면은 시험용 대역이며, 실제 계정과 관계가 없습니다.',
    asks: '앱이 다음 계정으로 로그인하려고 합니다. 누구로 로그인하시겠습니까?',
    share: '이메일 주소를 앱에 알립니다',
    verified: '이메일 주소가 확인되었습니다',
    fault: '일부러 낼 오류',
    none: '없음',
    approve: '동의하고 계속하기',
    deny: '취소',
    refused: '요청을 받아들일 수 없습니다',
  },
  en: {
    stands: 'This is a stand-in for tests; it has nothing to do with any real account.',
    asks: 'An app wants you to sign in. Who are you?',
    share: 'Tell the app the e-mail address',
    verified: 'The e-mail address is verified',
    fault: 'What shall go wrong',
    none: 'Nothing',
    approve: 'Agree and go on',
    deny: 'Cancel',
    refused: 'The request cannot be accepted',
  },
}

/** The page on which a person chooses who to be, and what to tell. */
export function consentPage(
  dialect: Dialect,
  asked: { parameters: URLSearchParams; language: Language; action: string },
): Response {
  const { parameters, language, action } = asked
  const text = texts[language]
  const kept = [...parameters].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const people = samples.map(
    ({ number, nickname, email }, index) =>
      `<label><input type="radio" name="person" value="${number}"${index === 0 ? ' checked' : ''}>
${escapeHtml(nickname)} · ${escapeHtml(email)}</label>`,
  )
  // Who speaks no OpenID Connect does not say whether an address is verified.
  const marks = [['email', 'shared', text.share], ...(dialect.openId ? [['verified', 'yes', text.verified]] : [])].map(
    ([name, value, label]) => `<label><input type="checkbox" name="${name}" value="${value}" checked> ${label}</label>`,
  )
  const choices = listFaults(dialect.name).map(([name, label]) => `<option value="${name}">${label[language]}</option>`)
  return page(
    { title: dialect.title[language], language, status: 200 },
    `<p>${text.asks}
<form method="post" action="${escapeHtml(action)}">${kept.join('')}
<fieldset>${people.join('\n')}</fieldset>
${marks.join('\n')}
<label>${text.fault} <select name="fault"><option value="">${text.none}</option>${choices.join('')}</select></label>
<button name="decision" value="approve">${text.approve}</button>
<button name="decision" value="deny">${text.deny}</button>
</form>
<p><small>${text.stands}</small>`,
  )
}

/** What a provider shows where it must not send anybody back: the client or its address is not to be trusted. */
export function refusalPage(dialect: Dialect, { reason, language }: { reason: string; language: Language }): Response {
  const { refused } = texts[language]
  return page({ title: `${dialect.title[language]} · ${refused}`, language, status: 400 }, `<p>${escapeHtml(reason)}`)
}

/** The language that a browser prefers of the two. */
export function languageOf(request: Request): Language {
  return /^\s*en\b/i.test(request.headers.get('accept-language') ?? '') ? 'en' : 'ko'
}

function page(head: { title: string; language: Language; status: number }, content: string): Response {
  const { title, language, status } = head
  const text = `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<h1>${escapeHtml(title)}</h1>
${content}
</html>
`
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  }
  return new Response(text, { status, headers })
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
