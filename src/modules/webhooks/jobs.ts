import { findCompanies, listOwnerIds } from '#modules/companies'
import { findMailAddresses } from '#modules/identity'
import type { Database } from '#platform/database'
import { addJob, dailyAt } from '#platform/job-queue'
import type { Job } from '#platform/jobs'
import type { Mailer } from '#platform/mail'
import type { Language } from '#platform/problem'
import { system, type WithWork } from '#platform/work'
import { deleteOldDeliveries, deleteOldEndpoints, failPending } from './deliveries/store.ts'
import { type Endpoint, selectAnyEndpoint } from './endpoints/store.ts'
import { writeNotice } from './notices.ts'

const endName = 'webhooks.end'
const noticeName = 'webhooks.notice'
/** With the queue's delays the last attempt comes about an hour after the first. */
const attemptsMax = 8
const chunkSize = 10_000
/** How long what was sent can be looked at. */
const keptDays = 30

interface EndPayload {
  readonly endpointId: string
}

interface NoticePayload extends EndPayload {
  /** Null for every owner of the company. */
  readonly memberId: string | null
}

/** Gives up what waits for an endpoint that is off. */
export function endJob(payload: EndPayload) {
  return { name: endName, payload, attemptsMax }
}

/** Has the owners of an endpoint's company told that it was switched off. */
export function noticeJob(payload: NoticePayload) {
  return { name: noticeName, payload, attemptsMax }
}

/** Forgets each night what was done with a month ago. */
export function nightlyWebhookTidying({
  database,
  ...night
}: {
  readonly database: Database
  /** The programme's, whose night it is. */
  readonly timeZone: string
  readonly now: Date
}): Job {
  return {
    name: 'webhooks.tidy',
    cron: dailyAt('04:20', night),
    attemptsMax: 3,
    async run(_payload, { signal }) {
      // A chunk at a time: no lock and no transaction lasts.
      while (!signal.aborted && (await deleteOldDeliveries(database, { keptDays, chunkSize })) === chunkSize);
      await deleteOldEndpoints(database, { chunkSize })
    },
  }
}

/** What webhooks do later: mails are written in the language of the programme, with times of its zone. */
export function webhooksJobs(by: {
  readonly database: Database
  readonly withWork: WithWork
  readonly mailer: Mailer
  readonly language: Language
  readonly timeZone: string
}): Job[] {
  const { database, withWork, mailer, ...reader } = by
  return [
    {
      name: endName,
      attemptsMax,
      async run(payload, { signal }) {
        const { endpointId } = payload as EndPayload
        while (!signal.aborted && (await failPending(database, { endpointId, limit: chunkSize })) === chunkSize);
      },
    },
    {
      name: noticeName,
      attemptsMax,
      async run(payload) {
        const { endpointId, memberId } = payload as NoticePayload
        const endpoint = await selectAnyEndpoint(database, endpointId)
        if (!isGivenUp(endpoint)) return
        if (memberId !== null) return tell(endpoint, memberId)
        const ownerIds = await listOwnerIds(database, endpoint.companyId)
        await withWork(system, async (work) => {
          // One apiece: where one takes no mail, nobody else is told twice.
          for (const ownerId of ownerIds) await addJob(work, noticeJob({ endpointId, memberId: ownerId }))
        })
      },
    },
  ]

  async function tell(endpoint: GivenUp, memberId: string): Promise<void> {
    const [[company], [to]] = await Promise.all([
      findCompanies(database, [endpoint.companyId]),
      findMailAddresses(database, [memberId]),
    ])
    if (!company || to === undefined) return
    const { url, disabledReason: reason, disabledAt: at } = endpoint
    await mailer.send({ to, ...writeNotice({ companyName: company.name, url, reason, at }, reader) })
  }
}

type GivenUp = Endpoint & { readonly disabledAt: Date; readonly disabledReason: 'gone' | 'failing' }

/** Somebody may have switched it on again, or deleted it. */
function isGivenUp(endpoint: Endpoint | null): endpoint is GivenUp {
  return endpoint?.disabledReason === 'gone' || endpoint?.disabledReason === 'failing'
}
