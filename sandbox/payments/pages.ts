import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Label, Language } from './catalogue.ts'

const style = `
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem;
    color: light-dark(#222, #ddd); background: light-dark(#f6f6f8, #161618); color-scheme: light dark }
  main.window { max-width: 26rem; margin: 0 auto; padding: 1rem 1.5rem 1.5rem; border-radius: 1rem;
    background: light-dark(#fff, #222226); box-shadow: 0 0.2rem 1.5rem #0002 }
  h1 { font-size: 1.3rem } h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem } small { opacity: 0.75 }
  .amount { font-size: 1.8rem; font-weight: 700; margin: 0.2rem 0 1rem }
  table { border-collapse: collapse; width: 100% } td, th { padding: 0.2rem 0.8rem 0.2rem 0; text-align: left;
    vertical-align: top; overflow-wrap: anywhere } form.line { display: inline }
  label { display: block; margin: 0.8rem 0 } input, select, button { font: inherit; padding: 0.45rem 0.7rem }
  input, select { display: block; width: 100%; box-sizing: border-box }
  input[type=checkbox] { display: inline; width: auto }
  fieldset { border: 1px solid #8885; border-radius: 0.6rem; margin: 1rem 0 }
  button { border: 1px solid #8885; border-radius: 0.5rem; background: transparent; color: inherit; cursor: pointer }
  button.first { display: block; width: 100%; border: 0; background: #2563eb; color: #fff; margin: 0.5rem 0 }
`

// Nothing is loaded and no script runs. Where a form may lead is for the address to say that the shop gave.
const policy =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; ` +
  "base-uri 'none'; frame-ancestors 'none'"

/** A page for people; its title is escaped here, its content has to be HTML already. */
export function sendPage(
  reply: FastifyReply,
  page: { readonly title: string; readonly language: Language; readonly content: string; readonly status?: number },
): FastifyReply {
  const { title, language, content, status = 200 } = page
  const html = `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
${content}
</html>
`
  return reply
    .code(status)
    .header('content-security-policy', policy)
    .header('referrer-policy', 'no-referrer')
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store')
    .header('vary', 'Accept-Language')
    .type('text/html; charset=utf-8')
    .send(html)
}

/** What every page says of itself. */
export const standsIn: Label = {
  ko: '시험용 대역입니다. 실제 돈은 움직이지 않습니다.',
  en: 'This is a stand-in for tests. No real money moves.',
}

/** Korean, unless English is preferred. */
export function languageOf({ headers }: { headers: IncomingHttpHeaders }): Language {
  return /^\s*en\b/i.test(headers['accept-language'] ?? '') ? 'en' : 'ko'
}

/** Text as HTML shows it, also within a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}

/** Rows of cells that are HTML already, under a heading; nothing at all where there are none. */
export function table(heading: string, rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}`).join('')}`)
  return `<h2>${escapeHtml(heading)}</h2><table>${lines.join('\n')}</table>`
}

/** A form of one button; the action is an address of ours. */
export function button(
  action: string,
  { text, fields = {} }: { text: string; fields?: Readonly<Record<string, string>> },
): string {
  return `<form class="line" method="post" action="${escapeHtml(action)}">${hidden(fields)}
<button>${escapeHtml(text)}</button></form>`
}

/** Fields that a form carries unseen. */
export function hidden(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
}
