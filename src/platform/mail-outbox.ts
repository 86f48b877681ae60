import Type from 'typebox'
import { tellTime } from './clock.ts'
import { decodeCursor, toPage } from './cursor.ts'
import type { Sql } from './database.ts'
import { escapeHtml, renderPage, sendPage } from './html.ts'
import type { RoutesPlugin } from './http.ts'
import { refuseForeignHost } from './http-browsers.ts'
import { languageOf } from './http-failures.ts'
import { closedObject, instant, pageOf, pageQuery, publicId } from './http-schema.ts'
import { fromPublicId, toPublicId } from './ids.ts'
import type { Mail } from './mail.ts'
import type { Language } from './problem.ts'
import type { Sealing } from './sealing.ts'
import { system, type WithWork } from './work.ts'

/** A mail that the demo kept in place of sending it. */
export interface KeptMail extends Mail {
  readonly id: string
  readonly sentAt: Date
}

/** The mails of the demo, in the database: whichever process sent one, every process shows it. */
export interface MailOutbox {
  keep(mail: Mail): Promise<void>
  /** Newest first, after the one whose id is given. */
  list(page: { after: string | null; limit: number }): Promise<KeptMail[]>
}

const keptMax = 1_000
const shownMax = 50

/** The last thousand mails, their texts sealed. */
export function openMailOutbox(by: { reads: { sql: Sql }; withWork: WithWork; sealing: Sealing }): MailOutbox {
  const { reads, withWork, sealing } = by
  return {
    keep: ({ to, subject, text }) =>
      withWork(system, async (work) => {
        await work.sql.run(
          'insert into platform.mail (id, recipient, subject, sealed_text, sent_at) values ($1, $2, $3, $4, $5)',
          [work.newId(), to, subject, sealing.seal('mails', text), await work.now()],
        )
        await work.sql.run(
          'delete from platform.mail where id <= (select id from platform.mail order by id desc offset $1 limit 1)',
          [keptMax],
        )
      }),
    async list({ after, limit }) {
      const rows = await reads.sql.rows<Omit<KeptMail, 'text'> & { sealed: string }>(
        `select id, recipient as to, subject, sealed_text as sealed, sent_at as "sentAt" from platform.mail
         where id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by id desc limit $2`,
        [after, limit],
      )
      return rows.map(({ sealed, ...mail }) => ({ ...mail, text: sealing.open('mails', sealed) ?? '…' }))
    },
  }
}

const mailSchema = Type.Object({
  id: publicId('eml'),
  to: Type.String({ examples: ['grape@example.com'] }),
  subject: Type.String(),
  text: Type.String(),
  sentAt: instant,
})

const example = {
  answer: {
    items: [
      {
        id: toPublicId('eml', '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0f'),
        to: 'grape@example.com',
        subject: '[Podo] 이메일 주소를 확인해 주십시오',
        text: '…',
        sentAt: '2026-11-20T09:00:00.000Z',
      },
    ],
    nextCursor: null,
  },
}

/** The outbox of the demo profile: a page for people, and a list for whoever tests. */
export function mailOutboxRoutes(by: { outbox: MailOutbox; origin: string; timeZone: string }): RoutesPlugin {
  const { outbox, origin, timeZone } = by
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/sandbox/mails',
      config: { access: ['operator'], example },
      schema: {
        operationId: 'listMails',
        tags: ['Sandbox'],
        summary: 'List the mails that the demo kept in place of sending them, newest first',
        querystring: closedObject(pageQuery),
        response: { 200: pageOf(mailSchema) },
      },
      async handler(request) {
        const { limit, cursor } = request.query
        const list = 'mails'
        const after = decodeCursor(list, cursor, (id) => fromPublicId('eml', id))
        const mails = await outbox.list({ after, limit: limit + 1 })
        return toPage(mails, { list, limit, placeOf: ({ id }) => toPublicId('eml', id), toItem: toBody })
      },
    })
    server.route({
      method: 'GET',
      url: '/sandbox/mails',
      config: { access: 'public' },
      schema: { hide: true },
      async handler(request, reply) {
        const foreign = refuseForeignHost(request, origin)
        if (foreign) throw foreign
        const language = languageOf(request)
        const mails = await outbox.list({ after: null, limit: shownMax })
        return sendPage(reply, renderOutbox(mails, { language, origin, timeZone }))
      },
    })
  }
}

function toBody(mail: KeptMail) {
  return { ...mail, id: toPublicId('eml', mail.id), sentAt: mail.sentAt.toISOString() }
}

interface Reader {
  readonly language: Language
  readonly origin: string
  readonly timeZone: string
}

function renderOutbox(mails: readonly KeptMail[], reader: Reader) {
  const { language, origin } = reader
  const { title, lead, none } = texts[language]
  const articles = mails.map(
    ({ to, subject, text, sentAt }) => `<article>
<h2>${escapeHtml(subject)}</h2>
<p><small>${escapeHtml(to)} · <time datetime="${sentAt.toISOString()}">${tellTime(sentAt, reader)}</time></small>
<pre>${withLinks(escapeHtml(text), escapeHtml(origin))}</pre>
</article>`,
  )
  const content = `<p>${lead}\n${articles.length > 0 ? articles.join('\n') : `<p>${none}`}`
  return renderPage({ title, language, content })
}

/** Only what leads to this service is a link; `text` is escaped already. */
function withLinks(text: string, origin: string): string {
  return text
    .split(/(?<=\s)|(?=\s)/)
    .map((word) => (word.startsWith(`${origin}/`) ? `<a href="${word}">${word}</a>` : word))
    .join('')
}

const texts: Record<Language, { title: string; lead: string; none: string }> = {
  ko: {
    title: '보낸 메일',
    lead: '데모에서는 메일을 보내지 않고 여기에 보여 줍니다. 최근 것부터 50통까지 있습니다.',
    none: '아직 보낸 메일이 없습니다.',
  },
  en: {
    title: 'Mails',
    lead: 'The demo sends no mail and shows it here: the last 50, newest first.',
    none: 'No mail was sent yet.',
  },
}
