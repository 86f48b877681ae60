import {
  type Alert,
  alertAttemptsMax,
  alertJobNames,
  endAlert,
  findAlert,
  type KeptAlert,
  raiseAlert,
} from './alerts.ts'
import { tellTime } from './clock.ts'
import type { Config } from './config.ts'
import { failureOf, type Sql } from './database.ts'
import type { Job } from './jobs.ts'
import type { Logger } from './log.ts'
import type { Mailer } from './mail.ts'
import { openOutgoing } from './outgoing.ts'
import type { Text } from './problem.ts'
import type { Guard, OpenGuard } from './resilience.ts'
import { system, type WithWork } from './work.ts'

/** What telling of alerts needs. */
export interface AlertWays {
  readonly reads: { readonly sql: Sql }
  readonly log: Logger
  readonly mailer: Mailer
  readonly settings: Pick<Config, 'alertEmail' | 'alertUrl' | 'language' | 'timeZone'>
  /** Which Podo it is that tells. */
  readonly origin: string
  readonly openGuard: OpenGuard
}

/** Tell of alerts: in the log, by mail and by a call, the latter two where there is an address for them. */
export function alertJobs(by: AlertWays): Job[] {
  const { reads, log, mailer } = by
  const { alertEmail, alertUrl } = by.settings
  // What fails is tried again by its job: two attempts of the same alert would be read twice.
  const guard = by.openGuard({ name: 'alerts', timeoutMs, concurrentMax: 2, waitingMax: 20 })
  const tell = (name: string, how: (alert: KeptAlert) => Promise<void>): Job => ({
    name,
    attemptsMax: alertAttemptsMax,
    async run(payload) {
      const alert = await findAlert(reads, (payload as Pick<Alert, 'cause'>).cause)
      if (alert) await how(alert)
    },
  })
  return [
    tell(alertJobNames.log, async ({ cause, title, todo, count, since }) => {
      log.error({ cause, count, since }, `${title.en}. ${todo.en}`)
    }),
    tell(alertJobNames.mail, async (alert) => {
      const { subject, text } = compose(alert, by)
      if (alertEmail !== null) await mailer.send({ to: alertEmail, subject, text })
    }),
    tell(alertJobNames.post, async (alert) => {
      if (alertUrl !== null) await post(guard, { url: alertUrl, body: bodyOf(alert, by) })
    }),
  ]
}

const timeoutMs = 10_000

async function post(guard: Guard, { url, body }: { url: string; body: object }): Promise<void> {
  // Whoever has the address can write there, so no error says it.
  const call = openOutgoing({ timeoutMs, guard, placeName: 'The receiver of alerts' })
  const headers = { 'content-type': 'application/json' }
  const { ok, status } = await call(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!ok) throw new Error(`The receiver of alerts answered ${status}`)
}

/** Chats show `text`; the rest is for programs. */
function bodyOf(alert: KeptAlert, by: AlertWays) {
  const { cause, title, todo, count, since, endedAt } = alert
  const { language } = by.settings
  const { subject, text } = compose(alert, by)
  return {
    text: `${subject}\n\n${text}`,
    cause,
    title: title[language],
    todo: todo[language],
    count,
    since: since.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    link: by.origin,
  }
}

function compose({ title, todo, ...alert }: KeptAlert, { settings, origin }: AlertWays) {
  const { language } = settings
  const since = texts.since(tellTime(alert.since, settings), alert.count)[language]
  const ended = alert.endedAt ? [texts.ended(tellTime(alert.endedAt, settings))[language]] : []
  return {
    subject: `[Podo] ${title[language]}`,
    text: [since, ...ended, '', todo[language], '', origin, ''].join('\n'),
  }
}

const texts = {
  since: (time: string, count: number): Text => ({
    ko: `${time}부터 지금까지 ${count}번 일어났습니다.`,
    en: `Since ${time}, ${count === 1 ? 'once' : `${count} times`} so far.`,
  }),
  ended: (time: string): Text => ({ ko: `${time}에 끝났습니다.`, en: `It ended on ${time}.` }),
}

/**
 * The job, with an alert where it fails so often as it may; the alert ends when the job succeeds again. A database that
 * is away is told of otherwise.
 */
export function alertingJob(withWork: WithWork, job: Job): Job {
  const cause = `job/${job.name}`
  return {
    ...job,
    async run(payload, context) {
      try {
        await job.run(payload, context)
      } catch (error) {
        const isLast = context.attempt >= job.attemptsMax && !context.signal.aborted
        if (isLast && failureOf(error) !== 'unavailable')
          await withWork(system, (work) => raiseAlert(work, { cause, ...jobFailed(job.name) }))
        throw error
      }
      await withWork(system, (work) => endAlert(work, { cause }))
    },
  }
}

function jobFailed(name: string): Pick<Alert, 'title' | 'todo'> {
  return {
    title: {
      ko: `정기 작업이 모든 시도에서 실패했습니다(${name})`,
      en: `The job "${name}" failed at every attempt`,
    },
    todo: {
      ko: '로그에서 오류를 찾아 원인을 없애 주십시오. 다음 차례에 다시 실행되며, 성공하면 이 경보는 끝납니다.',
      en: 'Find its error in the log and mend the cause. It runs again at its next time; when it succeeds, this ends.',
    },
  }
}
