import { hash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { Language } from './problem.ts'

/** A page that people read, and what its browser may do with it. */
export interface Page {
  readonly html: string
  readonly language: Language
  readonly policy: string
}

const style = `
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem;
    color: light-dark(#222, #ddd); background: light-dark(#fff, #161618); color-scheme: light dark }
  h1, h2 { line-height: 1.3 } h2 { font-size: 1.1rem; margin-bottom: 0 }
  a { color: light-dark(#5b2a9d, #b99bf0) } td { padding: 0.1rem 1rem 0.1rem 0; vertical-align: top }
  code { font-size: 0.95em } pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere }
  article { border-top: 1px solid light-dark(#ddd, #333); padding: 0.5rem 0 }
  label { display: block; margin: 1rem 0 } input, button { font: inherit; padding: 0.5rem 0.75rem }
  input { display: block; width: 100%; max-width: 24rem; box-sizing: border-box }
  button { border: 0; border-radius: 0.4rem; color: #fff; background: #6b35b5; cursor: pointer }
  [role=alert] { color: light-dark(#a3161d, #ff9b9b) }
`

/** A page with this content, which is HTML already; its title and anything else that people wrote has to be escaped. */
export function renderPage(page: { title: string; language: Language; content: string; script?: string }): Page {
  const { title, language, content, script } = page
  return {
    language,
    policy: policyOf(script),
    html: `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)} · Podo</title>
<style>${style}</style>
<h1>${escapeHtml(title)}</h1>
${content}
${script ? `<script>${script}</script>\n` : ''}</html>
`,
  }
}

/** Sends it in its language, with what it may do. */
export function sendPage(reply: FastifyReply, { html, language, policy }: Page): FastifyReply {
  return reply
    .header('content-security-policy', policy)
    .header('content-language', language)
    .header('vary', 'Accept-Language')
    .type('text/html; charset=utf-8')
    .send(html)
}

/** Text as HTML shows it, also within a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}

/** Its own style and script by their hashes, and nothing else; only a page with a script talks to the service. */
function policyOf(script: string | undefined): string {
  return [
    "default-src 'none'",
    "img-src 'self'",
    `style-src '${digest(style)}'`,
    ...(script ? [`script-src '${digest(script)}'`, "connect-src 'self'"] : []),
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function digest(text: string): string {
  return `sha256-${hash('sha256', text, 'base64')}`
}
