import { getCompany } from '#modules/companies'
import { type Alert, endAlert, raiseAlert } from '#platform/alerts'
import { type ActName, noOrigin, type Origin, recordAct } from '#platform/audit'
import type { Sql } from '#platform/database'
import { invalidRequest } from '#platform/http-problems'
import { toPublicId } from '#platform/ids'
import { addJob } from '#platform/job-queue'
import { Problem, type Text } from '#platform/problem'
import type { Sealing } from '#platform/sealing'
import type { Work } from '#platform/work'
import { webhooksActs } from '../acts.ts'
import { endJob, noticeJob } from '../jobs.ts'
import { webhooksProblems } from '../problems.ts'
import { makeSecret } from '../sending/signature.ts'
import {
  countEndpoints,
  type DisabledReason,
  type Endpoint,
  insertEndpoint,
  lockEndpoint,
  selectEndpoint,
  selectEndpoints,
  updateDeleted,
  updateDisabled,
  updateEnabled,
  updateEndpoint,
  updateSecret,
} from './store.ts'

type Reads = { readonly sql: Sql }

/** What an endpoint's secrets are sealed for. */
export const secretPurpose = 'webhook secrets'

/** So many slow receivers of one company leave room for those of others. */
const endpointsMax = 10

/** Where an endpoint is, and who asks. */
export interface EndpointPath {
  readonly companyId: string
  readonly endpointId: string
}

interface ByRequest {
  readonly origin: Origin
}

/** An endpoint with a new secret: the one time that it is there. */
export interface WithSecret {
  readonly endpoint: Endpoint
  readonly secret: string
}

/** Makes an endpoint that hears of these types from now on. Throws `companyUnknown` and `tooManyEndpoints`. */
export async function createEndpoint(
  { work, sealing }: { work: Work; sealing: Sealing },
  { origin, ...input }: Pick<Endpoint, 'companyId' | 'url' | 'types'> & ByRequest,
): Promise<WithSecret> {
  await getCompany(work, input.companyId)
  if ((await countEndpoints(work, input.companyId)) >= endpointsMax)
    throw new Problem(webhooksProblems.tooManyEndpoints, { params: { endpointsMax } })
  const secret = makeSecret()
  const endpoint = { id: work.newId(), ...input, createdAt: await work.now() }
  await insertEndpoint(work, { ...endpoint, sealedSecret: sealing.seal(secretPurpose, secret) })
  const made = await getEndpoint(work, { companyId: input.companyId, endpointId: endpoint.id })
  record(work, { action: webhooksActs.createWebhookEndpoint, before: null, after: made, origin })
  return { endpoint: made, secret }
}

/** One endpoint of a company. Throws `endpointUnknown`. */
export async function getEndpoint(reads: Reads, path: EndpointPath): Promise<Endpoint> {
  return (await selectEndpoint(reads, path)) ?? unknown()
}

/** Endpoints of a company, newest first, from after `after`. Throws `companyUnknown`. */
export async function listEndpoints(
  reads: Reads,
  page: { companyId: string; after: string | null; limit: number },
): Promise<Endpoint[]> {
  const [endpoints] = await Promise.all([selectEndpoints(reads, page), getCompany(reads, page.companyId)])
  return endpoints
}

/** What may be changed of an endpoint; what is left out stays as it is. */
export interface EndpointChanges {
  readonly url?: string
  readonly types?: readonly string[]
  readonly status?: 'enabled' | 'disabled'
}

/** Changes an endpoint. Throws `endpointUnknown`, and what `assertVersion` throws of the version that it has. */
export async function changeEndpoint(
  work: Work,
  input: EndpointPath & ByRequest & { changes: EndpointChanges; assertVersion(version: number): void },
): Promise<Endpoint> {
  const before = (await lockEndpoint(work, input)) ?? unknown()
  input.assertVersion(before.version)
  const { url = before.url, types = before.types, status } = input.changes
  if (url !== before.url || types.join() !== before.types.join())
    await updateEndpoint(work, { id: before.id, url, types })
  if (status === 'enabled' && before.disabledAt !== null) await switchOn(work, before)
  if (status === 'disabled') await switchOff(work, { endpointId: before.id, reason: 'asked' })
  const after = await getEndpoint(work, input)
  if (after.version !== before.version)
    record(work, { action: webhooksActs.changeWebhookEndpoint, before, after, origin: input.origin })
  return after
}

/** Deletes an endpoint; what it was not sent yet is given up. Throws `endpointUnknown`. */
export async function deleteEndpoint(work: Work, input: EndpointPath & ByRequest): Promise<void> {
  const before = (await lockEndpoint(work, input)) ?? unknown()
  await updateDeleted(work, before.id)
  await addJob(work, endJob({ endpointId: before.id }))
  record(work, { action: webhooksActs.deleteWebhookEndpoint, before, after: null, origin: input.origin })
  await endAlert(work, { cause: causeOf(before) })
}

/** Gives an endpoint a new secret; for a while both are signed with. Throws `endpointUnknown`. */
export async function rotateSecret(
  { work, sealing }: { work: Work; sealing: Sealing },
  input: EndpointPath & ByRequest & { overlapSeconds: number },
): Promise<WithSecret> {
  const before = (await lockEndpoint(work, input)) ?? unknown()
  const secret = makeSecret()
  const sealedSecret = sealing.seal(secretPurpose, secret)
  await updateSecret(work, { endpointId: before.id, sealedSecret, overlapSeconds: input.overlapSeconds })
  const after = await getEndpoint(work, input)
  record(work, { action: webhooksActs.rotateWebhookSecret, before, after, origin: input.origin })
  // Where others cannot be read either, it is raised again.
  await endAlert(work, { cause: unsigned.cause })
  return { endpoint: after, secret }
}

/** Switches an endpoint off that takes nothing any more, and has its company told; answers whether it was on. */
export async function giveUpEndpoint(
  work: Work,
  input: { endpointId: string; reason: Exclude<DisabledReason, 'asked'> },
): Promise<boolean> {
  const endpoint = await switchOff(work, input)
  if (!endpoint) return false
  await addJob(work, noticeJob({ endpointId: input.endpointId, memberId: null }))
  const before = { ...endpoint, disabledAt: null, disabledReason: null }
  record(work, { action: webhooksActs.disableWebhookEndpoint, before, after: endpoint, origin: noOrigin })
  await raiseAlert(work, { cause: causeOf(endpoint), ...alertOf(endpoint) })
  return true
}

async function switchOn(work: Work, endpoint: Endpoint): Promise<void> {
  await updateEnabled(work, endpoint.id)
  await endAlert(work, { cause: causeOf(endpoint) })
}

/** What waits to be sent there is given up by a job: there may be a great deal of it. */
async function switchOff(work: Work, input: { endpointId: string; reason: DisabledReason }): Promise<Endpoint | null> {
  const endpoint = await updateDisabled(work, input)
  if (endpoint) await addJob(work, endJob({ endpointId: input.endpointId }))
  return endpoint
}

/** Has whoever runs the programme told that there are secrets which cannot be read. */
export function tellUnsigned(work: Work): Promise<void> {
  return raiseAlert(work, unsigned)
}

/** Nobody has to look any more: all secrets can be read. */
export function endUnsigned(work: Work): Promise<void> {
  return endAlert(work, { cause: unsigned.cause })
}

const unsigned: Alert = {
  cause: 'webhook secrets',
  title: {
    ko: '웹훅의 비밀 값을 읽을 수 없어 보내지 못하고 있습니다',
    en: 'Webhooks are not sent, since their secrets cannot be read',
  },
  todo: {
    ko: 'PODO_SECRET_KEY나 운영자 키가 바뀌었습니다. 이전 키를 PODO_SECRET_KEY_FORMER에 지정하고 다시 시작하거나, 엔드포인트마다 비밀 값을 교체해 회사에 알리십시오. 보내지 못한 것은 그때까지 기다립니다.',
    en: 'PODO_SECRET_KEY or the operator’s key was changed. Give the former one as PODO_SECRET_KEY_FORMER and start again, or rotate the secret of each endpoint and tell its company. What was not sent waits until then.',
  },
}

function causeOf({ id }: Endpoint): string {
  return `webhook endpoint ${toPublicId('whe', id)}`
}

/** The owners of a company get a mail; one that has none is called by whoever runs the programme. */
function alertOf({ id, companyId }: Endpoint): Pick<Alert, 'title' | 'todo'> {
  const [endpoint, company] = [toPublicId('whe', id), toPublicId('cmp', companyId)]
  return {
    title: {
      ko: `받는 서버가 응답하지 않아 웹훅 엔드포인트를 껐습니다(${company}, ${endpoint})`,
      en: `A webhook endpoint was switched off, since its receiver takes nothing (${company}, ${endpoint})`,
    },
    todo: {
      ko: '회사의 소유자에게 메일로 알렸습니다. 메일을 받을 소유자가 없으면 직접 알려 주십시오. 서버를 고치고 엔드포인트를 다시 켜면 해제됩니다.',
      en: 'The owners of the company were told by mail; where there are none, tell them. This ends when the endpoint is enabled again.',
    },
  }
}

/** Why a URL cannot be an endpoint's, as the refusal of a request. */
export function toUrlProblem(mistake: Text): Problem {
  return invalidRequest([{ pointer: '/url', detail: mistake }])
}

function record(
  work: Work,
  act: { action: ActName; before: Endpoint | null; after: Endpoint | null; origin: Origin },
): void {
  const { id } = (act.after ?? act.before)!
  const [before, after] = [act.before, act.after].map((endpoint) => endpoint && toAudited(endpoint)) as [
    object | null,
    object | null,
  ]
  recordAct(work, { action: act.action, target: { prefix: 'whe', id }, before, after, origin: act.origin })
}

function toAudited({ companyId, url, types, disabledReason, formerSecretUntil }: Endpoint): object {
  return { companyId: toPublicId('cmp', companyId), url, types, disabledReason, formerSecretUntil }
}

function unknown(): never {
  throw new Problem(webhooksProblems.endpointUnknown)
}
