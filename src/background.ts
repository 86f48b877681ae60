import { earningSubscriber } from '#modules/earning'
import { keepSearchesFresh, mailJob, nightlyTidying, type People } from '#modules/identity'
import {
  findRollUpLag,
  keepBalancesFolded,
  keepDueBooked,
  nightlyVerification,
  type VerifyReport,
} from '#modules/ledger'
import { statisticsJob } from '#modules/ops'
import {
  findSendingLag,
  keepSending,
  nightlyWebhookTidying,
  renewingJob,
  renewSecretsSoon,
  type Webhooks,
  webhooksJobs,
  webhooksSubscriber,
} from '#modules/webhooks'
import { alertingJob, alertJobs } from '#platform/alert-jobs'
import { countOpenAlerts } from '#platform/alerts'
import { addBackupGauges, backUpSoon, backupJobs } from '#platform/backup/schedule'
import { publicOrigin } from '#platform/config'
import type { Database } from '#platform/database'
import { databaseNow } from '#platform/database-time'
import type { CloudEvent, Envelopes } from '#platform/events/cloud-events'
import { countDeadLetters } from '#platform/events/dead-letters'
import { type Subscriber, usualPatience } from '#platform/events/delivery'
import { findBehind, findUnnumbered, findWaiting } from '#platform/events/lag'
import { type Hearing, hearLocally, keepEventsNumbered, type Running } from '#platform/events/relay'
import { nightlyEventTidying } from '#platform/events/tidying'
import { toPublicId } from '#platform/ids'
import type { Job } from '#platform/jobs'
import { findKafka, type KafkaSettings } from '#platform/kafka/connection'
import { type Notices, openNotices } from '#platform/kafka/notices'
import { publishing } from '#platform/kafka/store'
import { type Mailer, openMailer } from '#platform/mail'
import type { MailOutbox } from '#platform/mail-outbox'
import type { Metrics } from '#platform/metrics'
import { watchingJob } from '#platform/operations/watching'
import type { OpenGuard } from '#platform/resilience'
import type { Sealing } from '#platform/sealing'
import type { WithWork } from '#platform/work'
import type { AppOptions } from './app.ts'
import { envelopesOf, eventKinds, eventSources } from './catalogue.ts'
import { type OperationsOfApp, startCarryingOut } from './operations.ts'

/** What the background works with. */
export interface BackgroundParts extends AppOptions {
  readonly moreSubscribers?: readonly Subscriber[]
  readonly onEvent?: (event: CloudEvent) => void
  readonly database: Database
  readonly withWork: WithWork
  readonly sealing: Sealing
  readonly metrics: Metrics
  readonly openGuard: OpenGuard
  readonly people: People
  readonly outbox: MailOutbox
  readonly webhooks: Webhooks
  readonly operations: OperationsOfApp
}

/** What goes on without requests. */
export async function startBackground(app: BackgroundParts): Promise<{ close(): Promise<unknown> }> {
  const { config, people, log } = app
  const onError = (error: unknown) =>
    log.warn({ err: error }, 'A search could not be made anew; the next who asks waits')
  const searches = config.role === 'worker' ? null : keepSearchesFresh(people.search, onError)
  const worker = config.role === 'api' ? null : await startWorker(app)
  return { close: () => Promise.all([searches?.close(), worker?.close()]) }
}

/** What a worker does without being asked: folds balances, books what is due, and does jobs when their time comes. */
async function startWorker(app: BackgroundParts): Promise<{ close(): Promise<void> }> {
  const { database, withWork, metrics, log } = app
  const mailer = openMailer(app.config, app)
  let differences = Number.NaN
  metrics.gauge('ledger_roll_up_lag_seconds', 'Age of the oldest transfer that is not folded yet.', () =>
    findRollUpLag(database),
  )
  metrics.gauge(
    'ledger_differences',
    'Differences that the last nightly verification of this process found; NaN until one has run.',
    () => differences,
  )
  metrics.gauge('alerts_open', 'Alerts whose cause goes on.', () => countOpenAlerts(database))
  addBackupGauges(metrics, { reads: database, settings: app.config })
  const notices = findKafka(app.config) && openNotices(app)
  const events = await startEvents({ ...app, notices })
  const sending = startSending(app)
  const carrying = await startCarryingOut({ ...app, notices })
  const { openJobs } = await import('#platform/jobs')
  const jobs = await openJobs({
    url: app.databaseUrl,
    role: app.role,
    concurrency: 2,
    log,
    jobs: listJobs(app, {
      mailer,
      events,
      onVerified(report) {
        differences = report.differences
      },
    }),
  })
  await Promise.all([backUpSoon({ settings: app.config, withWork }), renewSecretsSoon({ withWork })])
  const folding = keepBalancesFolded({
    reads: database,
    withWork,
    onError: (error) => log.warn({ err: error }, 'Balances could not be folded; they will be, a little later'),
  })
  const sweeping = keepDueBooked({
    reads: database,
    withWork,
    settings: app.config,
    onError: (error) => log.warn({ err: error }, 'What is due could not be booked; it will be, a little later'),
  })
  return {
    async close() {
      await Promise.all([
        folding.close(),
        sweeping.close(),
        carrying.close(),
        events.close(),
        sending.close(),
        jobs.close(),
      ])
      mailer.close()
    },
  }
}

/** What is done later or comes round by itself; where the latter fails for good, somebody is told. */
function listJobs(
  app: BackgroundParts,
  by: { mailer: Mailer; events: Told; onVerified: (report: VerifyReport) => void },
): Job[] {
  const { database, withWork, log, people, openGuard, config: settings } = app
  const { timeZone } = settings
  const now = databaseNow()
  const { positions, subscribers } = by.events
  const byThemselves = [
    nightlyTidying({ database, timeZone, now }),
    nightlyVerification({
      database,
      withWork,
      timeZone,
      now,
      onDifference: (difference) => log.error(difference, 'A projection differs from the journal'),
      onEnd(report) {
        by.onVerified(report)
        const { transfers, accounts, differences } = report
        log[differences > 0 ? 'error' : 'info']({ transfers, accounts, differences }, 'The ledger was verified')
      },
    }),
    nightlyEventTidying({ database, positions, subscribers, timeZone, now }),
    nightlyWebhookTidying({ database, timeZone, now }),
    statisticsJob({ database, withWork, timeZone }),
    ...backupJobs({ reads: database, settings, withWork, log }),
    watchingJob({ reads: database, withWork }),
  ]
  return [
    renewingJob(app.webhooks),
    ...byThemselves.map((job) => alertingJob(withWork, job)),
    mailJob({ people, mailer: by.mailer }),
    ...webhooksJobs({ database, withWork, mailer: by.mailer, language: settings.language, timeZone }),
    ...alertJobs({ reads: database, log, mailer: by.mailer, settings, origin: publicOrigin(settings), openGuard }),
  ]
}

/** The events of this process, and who hears them. */
interface Told extends Running {
  readonly positions: readonly string[]
  readonly subscribers: readonly string[]
}

/** What happens is numbered, and told to whoever of this process subscribes. */
async function startEvents(app: BackgroundParts & { readonly notices: Notices | null }): Promise<Told> {
  const { config, database, withWork, metrics, log, onEvent } = app
  const own = [earningSubscriber(config), openWebhooksSubscriber(app)]
  const subscribers: readonly Subscriber[] = [...own, ...(app.moreSubscribers ?? [])]
  const names = subscribers.map(({ name }) => name)
  const envelopes = envelopesOf(config)
  const countFailure = metrics.counter('event_failures_total', 'Attempts of subscribers that failed.', 'subscription')
  const hearing: Hearing = {
    reads: database,
    withWork,
    sources: eventSources,
    subscribers,
    patience: usualPatience,
    ...(onEvent ? { onEvent: (event) => onEvent(envelopes.wrap(event)) } : {}),
    onFailure(subscription, { event: { id, number, type }, attempts, isDead, error }) {
      countFailure(subscription)
      const what = { subscription, event: toPublicId('evt', id), number, type, attempts, err: error }
      if (isDead) log.error(what, 'An event went to the dead letters')
      else log.warn(what, 'A subscriber failed; the event is tried again')
    },
    onError: (error) => log.warn({ err: error }, 'Events could not be delivered; they will be, a little later'),
  }
  const kafka = findKafka(config)
  const positions = kafka ? [...names, publishing] : names
  addEventGauges(metrics, { reads: database, positions })
  const { notices } = app
  const heard = kafka && notices ? await hearThrough(hearing, { kafka, notices, envelopes }) : hearLocally(hearing)
  const numbering = keepEventsNumbered({ ...hearing, onNumbered: heard.wake })
  return {
    positions,
    subscribers: names,
    async close() {
      await Promise.all([numbering.close(), heard.close()])
    },
  }
}

/** The client of Kafka is loaded only where there is one. */
async function hearThrough(
  hearing: Hearing,
  by: { readonly kafka: KafkaSettings; readonly notices: Notices; readonly envelopes: Envelopes },
) {
  const { hearByKafka } = await import('#platform/kafka/hearing')
  return hearByKafka(hearing, { ...by, types: eventKinds.map(({ type }) => type) })
}

function openWebhooksSubscriber({ webhooks, metrics, log }: BackgroundParts): Subscriber {
  const count = metrics.counter('webhook_events_of_nobody', 'Events whose key is nobody’s, by type.', 'type')
  return webhooksSubscriber(webhooks, {
    onNobody({ id, type }) {
      count(type)
      log.warn({ event: toPublicId('evt', id), type }, 'An event is of nobody, so no company is told of it')
    },
  })
}

/** What companies hear of is sent to them. */
function startSending({ webhooks, database, metrics, log }: BackgroundParts): Running {
  metrics.gauge('webhook_lag_seconds', 'For how long something has been due that its receiver would take.', () =>
    findSendingLag(database),
  )
  const count = metrics.counter(
    'webhook_attempts_total',
    'Attempts to send to endpoints, by what came of them.',
    'result',
  )
  return keepSending({
    ...webhooks,
    onAttempt({ endpointId, deliveryId, type, attempt, why, isOff }) {
      const { number, durationMs, statusCode, error } = attempt
      count(why ?? `${Math.floor(statusCode! / 100)}xx`)
      const what = { endpoint: toPublicId('whe', endpointId), delivery: toPublicId('whd', deliveryId), type }
      const how = { ...what, attempt: number, durationMs, status: statusCode, reason: error }
      if (why === 'closed') log.warn(how, 'Nothing was sent to a webhook endpoint whose address points inside')
      else if (why === 'unsigned') log.error(how, 'Nothing was sent to a webhook endpoint whose secret cannot be read')
      else log.debug(how, 'A webhook endpoint was sent something')
      if (isOff) log.warn(what, 'A webhook endpoint was switched off: its receiver takes nothing')
    },
    onError: (error) => log.warn({ err: error }, 'Webhooks could not be sent; they will be, a little later'),
  })
}

function addEventGauges(
  metrics: Metrics,
  { reads, positions }: { reads: Database; positions: readonly string[] },
): void {
  const label = 'subscription'
  metrics.gauge('events_unnumbered', 'What happened and is not told to anybody yet.', () =>
    findUnnumbered(reads, eventSources),
  )
  metrics.gauges('events_behind', 'Events that a subscription has yet to look at.', {
    label,
    read: () => findBehind(reads, positions),
  })
  metrics.gauges('events_waiting', 'Events that failed, or wait behind one that did, and are tried again.', {
    label,
    read: () => findWaiting(reads),
  })
  metrics.gauges('dead_letters', 'Events that a subscription could not take in and nobody has sent again.', {
    label,
    read: () => countDeadLetters(reads),
  })
}
