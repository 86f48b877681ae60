import { companiesProblems, findCompanies, readCompanyId } from '#modules/companies'
import { type CreateOnce, createOnce } from '#platform/create-once'
import type { Database } from '#platform/database'
import { invalidRequest } from '#platform/http-problems'
import { fromPublicId } from '#platform/ids'
import { oneByOne } from '#platform/operations/carrying'
import type { Asked, OperationKind } from '#platform/operations/operations'
import { Problem } from '#platform/problem'
import type { WithWork } from '#platform/work'
import { type EarningSettings, earnElsewhere, refundElsewhere } from './earning.ts'
import { earningProblems } from './problems.ts'
import { toEarningBody } from './resources.ts'
import { givers } from './rights.ts'

/** What earning works with. */
export interface EarningOptions {
  readonly database: Database
  readonly withWork: WithWork
  readonly settings: EarningSettings
}

/** What earns, or takes back, and may be taken on now and carried out later. */
export function earningOperations(by: EarningOptions): OperationKind[] {
  return [
    kindOf(by, { name: 'createEarning', orderKey: readMemberId, prepare: prepareEarning }),
    kindOf(by, { name: 'refundEarning', orderKey: readEarningId, prepare: prepareRefund }),
  ]
}

type Prepare = (by: EarningOptions, asked: Asked) => Promise<CreateOnce['run']>

/** Each is done once under its key, with what stands when it is done. */
function kindOf(
  by: EarningOptions,
  {
    name,
    orderKey,
    prepare,
  }: { name: string; orderKey: (asked: Pick<Asked, 'params' | 'body'>) => string; prepare: Prepare },
): OperationKind {
  const once = ({ caller, key, isQueued }: Asked, run: CreateOnce['run']) =>
    createOnce(by.withWork, { actor: caller.actor, key, isFinal: isQueued, run })
  const perform = async (asked: Asked) => once(asked, await prepare(by, asked))
  const refuse = async (asked: Asked) => once(asked, () => Promise.reject(asked.refusal))
  const room = oneByOne(by.withWork, { perform, refuse })
  return { name, orderKey, check: (asked) => void orderKey(asked), perform, room }
}

async function prepareEarning({ database, settings }: EarningOptions, asked: Asked): Promise<CreateOnce['run']> {
  const companyId = await readCompany(database, asked)
  const [company] = await findCompanies(database, [companyId])
  if (!company) throw new Problem(companiesProblems.companyUnknown)
  const { amount, reference } = asked.body as { amount: number; reference: string }
  const purchase = { companyId, memberId: readMemberId(asked), amount, reference }
  return async (work) => ({ status: 201, body: toEarningBody(await earnElsewhere(work, { purchase, settings })) })
}

async function prepareRefund({ database, settings }: EarningOptions, asked: Asked): Promise<CreateOnce['run']> {
  const companyId = await readCompany(database, asked)
  const earningId = readEarningId(asked)
  const { amount = null } = asked.body as { amount?: number }
  const refund = { companyId, earningId, amount, settings }
  return async (work) => ({ status: 201, body: toEarningBody(await refundElsewhere(work, refund)) })
}

function readCompany(database: Database, { caller, params }: Asked): Promise<string> {
  const route = { config: { access: givers } }
  return readCompanyId(database, { caller, params: params as { id: string }, routeOptions: route })
}

function readEarningId({ params }: Pick<Asked, 'params'>): string {
  const id = fromPublicId('ern', params.earningId!)
  if (id === null) throw new Problem(earningProblems.earningUnknown)
  return id
}

function readMemberId({ body }: Pick<Asked, 'body'>): string {
  const id = fromPublicId('mem', (body as { memberId: string }).memberId)
  if (id === null) throw invalidRequest([{ pointer: '/memberId', detail: noMemberId }])
  return id
}

const noMemberId = { ko: 'mem_로 시작하는 ID여야 합니다.', en: 'Must be an id that begins with mem_.' }
