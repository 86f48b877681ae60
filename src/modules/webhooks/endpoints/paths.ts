import { readCompanyId } from '#modules/companies'
import type { Sql } from '#platform/database'
import { fromPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { webhooksProblems } from '../problems.ts'
import type { EndpointPath } from './endpoints.ts'

type Asked = Parameters<typeof readCompanyId>[1] & { readonly params: { readonly endpointId: string } }

/** The endpoint that a path names, where its route admits the caller to its company. Throws `endpointUnknown`, too. */
export async function readEndpointPath(reads: { readonly sql: Sql }, request: Asked): Promise<EndpointPath> {
  const companyId = await readCompanyId(reads, request)
  const endpointId = fromPublicId('whe', request.params.endpointId)
  if (!endpointId) throw new Problem(webhooksProblems.endpointUnknown)
  return { companyId, endpointId }
}
