import { isLoopback } from './addresses.ts'
import type { Config } from './config.ts'
import type { MailOutbox } from './mail-outbox.ts'
import type { Text } from './problem.ts'

/** A mail in plain text, to one address. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** The way out for mails. Takes seconds, and fails: to be used by jobs, never by a request or in a unit of work. */
export interface Mailer {
  /** Throws where the mail server took it not; the error says neither the address nor the text. */
  send(mail: Mail): Promise<void>
  close(): void
}

type Settings = Pick<Config, 'profile' | 'smtpUrl' | 'mailFrom'>

/** By SMTP where an address is set; else the demo keeps mails in its outbox, and production sends none. */
export function openMailer(settings: Settings, outbox: MailOutbox): Mailer {
  const { profile, smtpUrl, mailFrom } = settings
  if (smtpUrl !== null) return openSmtp({ url: smtpUrl, from: mailFrom!, mayBeClear: profile === 'demo' })
  return { send: (mail) => (profile === 'demo' ? outbox.keep(mail) : Promise.resolve()), close() {} }
}

/** Why mails go nowhere, in a sentence; null where they go somewhere. */
export function findMailProblem({ profile, smtpUrl }: Settings): Text | null {
  if (smtpUrl !== null || profile === 'demo') return null
  return {
    ko: '메일을 보내지 않으므로 잊은 비밀번호를 다시 정할 수 없습니다. PODO_SMTP_URL과 PODO_MAIL_FROM을 지정하십시오.',
    en: 'No mail is sent, so no forgotten password can be replaced: set PODO_SMTP_URL and PODO_MAIL_FROM.',
  }
}

const timeoutMs = 15_000

function openSmtp({ url, from, mayBeClear }: { url: string; from: string; mayBeClear: boolean }): Mailer {
  let transport: ReturnType<typeof openTransport> | undefined
  const isLocal = isLoopback(new URL(url).hostname)

  // Loaded with the first mail: most processes never send one.
  async function openTransport() {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      url,
      pool: true,
      maxConnections: 2,
      // What mails carry lets somebody in. The address may say `?requireTLS=false` for a relay beside the service.
      requireTLS: !mayBeClear && !isLocal,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  return {
    async send({ to, subject, text }) {
      transport ??= openTransport()
      try {
        await (await transport).sendMail({ from, to: { name: '', address: to }, subject, text })
      } catch (error) {
        throw toPlainError(error)
      }
    },
    close() {
      transport?.then((opened) => opened.close()).catch(() => {})
    },
  }
}

/** What servers answer repeats the address, and the queue of jobs keeps errors. */
function toPlainError(error: unknown): Error {
  const { code = 'unknown', responseCode } = error as { code?: string; responseCode?: number }
  return new Error(`The mail server did not take a mail (${[code, responseCode].filter(Boolean).join(', ')})`)
}
