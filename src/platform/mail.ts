import { isLoopback } from './addresses.ts'
import type { Config } from './config.ts'
import type { MailOutbox } from './mail-outbox.ts'
import type { Text } from './problem.ts'
import { type OpenGuard, Unavailable } from './resilience.ts'

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
export function openMailer(settings: Settings, by: { outbox: MailOutbox; openGuard: OpenGuard }): Mailer {
  const { profile, smtpUrl, mailFrom } = settings
  const { outbox, openGuard } = by
  if (smtpUrl !== null) return openSmtp({ url: smtpUrl, from: mailFrom!, mayBeClear: profile === 'demo' }, openGuard)
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

/** How long a server may say nothing. */
const silenceMsMax = 15_000
const connectionsMax = 2
/** A mail is tried again by its job, whose pauses are longer; those of a burst wait there too. */
const bounds = { timeoutMs: 60_000, concurrentMax: connectionsMax, waitingMax: 20 }

function openSmtp(
  { url, from, mayBeClear }: { url: string; from: string; mayBeClear: boolean },
  openGuard: OpenGuard,
): Mailer {
  const guard = openGuard({ name: 'smtp', ...bounds, isFailure: isOfServer })
  let transport: ReturnType<typeof openTransport> | undefined
  const isLocal = isLoopback(new URL(url).hostname)

  // Loaded with the first mail: most processes never send one.
  async function openTransport() {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      url,
      pool: true,
      maxConnections: connectionsMax,
      // What mails carry lets somebody in. The address may say `?requireTLS=false` for a relay beside the service.
      requireTLS: !mayBeClear && !isLocal,
      connectionTimeout: silenceMsMax,
      greetingTimeout: silenceMsMax,
      socketTimeout: silenceMsMax,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  return {
    async send({ to, subject, text }) {
      transport ??= openTransport()
      const opened = transport
      try {
        await guard.call(async (signal) =>
          (await opened).sendMail({ from, to: { name: '', address: to }, subject, text, signal }),
        )
      } catch (error) {
        throw toPlainError(error)
      }
    },
    close() {
      transport?.then((opened) => opened.close()).catch(() => {})
    },
  }
}

/** Of what a server says of one mail nothing follows for the next; 421 says that it is going away (RFC 5321, 3.8). */
function isOfServer(error: unknown): boolean {
  const { code, responseCode } = error as { code?: string; responseCode?: number }
  return responseCode === 421 || (code !== 'EENVELOPE' && code !== 'EMESSAGE')
}

/** What servers answer repeats the address, and the queue of jobs keeps errors. */
function toPlainError(error: unknown): Error {
  if (error instanceof Unavailable) return new Error(`The mail server did not take a mail (${error.message})`)
  const { code = 'unknown', responseCode } = error as { code?: string; responseCode?: number }
  return new Error(`The mail server did not take a mail (${[code, responseCode].filter(Boolean).join(', ')})`)
}
