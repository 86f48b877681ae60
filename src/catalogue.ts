import { companiesActs, companiesProblems, findAskers, registrationNumberFormat } from '#modules/companies'
import { earningActs, earningProblems } from '#modules/earning'
import { identityActs, identityProblems, nicknameFormat, socialProblems } from '#modules/identity'
import { ledgerProblems } from '#modules/ledger'
import { opsActs, opsProblems } from '#modules/ops'
import { findHearers, journal, pointsActs, pointsEvents, pointsProblems } from '#modules/points'
import { type Webhooks, webhooksActs, webhooksEvents, webhooksProblems } from '#modules/webhooks'
import type { ActName } from '#platform/audit'
import { type Config, publicOrigin } from '#platform/config'
import { type Envelopes, openEnvelopes } from '#platform/events/cloud-events'
import { outbox } from '#platform/events/events'
import type { EventKind } from '#platform/events/kinds'
import { clockProblems } from '#platform/http-clock'
import { httpProblems } from '#platform/http-problems'
import { idempotencyProblems } from '#platform/idempotency'
import { laneProblems } from '#platform/lane'
import { operationsEvents } from '#platform/operations/events'
import { operationsProblems } from '#platform/operations/problems'
import type { ProblemKind } from '#platform/problem'
import packageJson from '../package.json' with { type: 'json' }

/** Every way in which Podo refuses. */
export const problems: readonly ProblemKind[] = [
  httpProblems,
  idempotencyProblems,
  laneProblems,
  operationsProblems,
  clockProblems,
  ledgerProblems,
  identityProblems,
  socialProblems,
  companiesProblems,
  pointsProblems,
  earningProblems,
  webhooksProblems,
  opsProblems,
].flatMap((room) => Object.values<ProblemKind>(room))

/** What the audit log tells of. */
export const acts = [identityActs, companiesActs, pointsActs, earningActs, webhooksActs, opsActs]
  .flatMap((room) => Object.values<ActName>(room))
  .toSorted()

/** What is told to whoever subscribes. */
export const eventKinds: readonly EventKind[] = [pointsEvents, operationsEvents, webhooksEvents].flatMap((room) =>
  Object.values<EventKind>(room),
)

/** Where it is told. */
export const eventSources = [outbox, journal]

/** The envelope in which others get what happened. */
export function envelopesOf(config: Config): Envelopes {
  return openEnvelopes({ kinds: eventKinds, source: config.publicUrl ?? 'podo', origin: publicOrigin(config) })
}

/** Which companies hear of the events of a room. */
export const audiences: Webhooks['audiences'] = { points: findHearers, operations: findAskers }

/** Who may have asked for something that is carried out later. */
export const operationAskers = ['operator', 'admin', 'asker', 'key:read', 'key:points', 'key:points:issue-paid']

/** The head of the API document. */
export const apiDocument = {
  title: 'Podo',
  version: packageJson.version,
  description:
    'An exact, fast points ledger. Amounts are whole points. Every POST that moves points or creates something takes ' +
    'an `Idempotency-Key`: sent again with the same key, it takes effect once and answers the same. ' +
    'Beside what each operation lists, any request may be refused before it reaches one: ' +
    '[400](/problems/http/malformed-http) where it is no HTTP or [has no Host](/problems/http/host-missing), ' +
    '[404](/problems/http/not-found), [405](/problems/http/method-not-allowed), ' +
    '[408](/problems/http/request-timeout) where it took too long to arrive, ' +
    '[414](/problems/http/uri-too-long), ' +
    '[417](/problems/http/expectation-unknown) and [431](/problems/http/headers-too-large).',
  tags: [
    { name: 'Companies', description: 'Companies: where points are spent, and who has a wallet of its own.' },
    { name: 'People', description: 'Accounts of people who sign in, and what they may change of their own.' },
    { name: 'Sessions', description: 'Signing in, going on, and signing out.' },
    { name: 'API keys', description: 'What the servers of a company call with.' },
    { name: 'Members', description: 'Members: people who hold a wallet.' },
    { name: 'Wallets and points', description: 'Wallets, their points, and every movement of them.' },
    {
      name: 'Payment codes',
      description: 'What somebody shows at a till, so that a company spends from the wallet once.',
    },
    { name: 'Earning', description: 'Points for what somebody pays: by which rules, and what was earned.' },
    { name: 'Webhooks', description: 'Where companies hear of events, and what was sent there.' },
    {
      name: 'Asynchronous requests',
      description: 'What became of requests that were taken on with 202, to be carried out a little later.',
    },
    { name: 'Operations', description: 'For administrators: who did what, and how the programme goes.' },
    { name: 'Sandbox', description: 'What only the demo profile has.' },
    { name: 'Service', description: 'For whoever watches the process.' },
  ],
}

/** What schemas of modules name. */
export const formats = { 'business-registration-number': registrationNumberFormat, nickname: nicknameFormat }
