import { addJob } from '#platform/job-queue'
import type { Job } from '#platform/jobs'
import { system } from '#platform/work'
import type { Webhooks } from '../webhooks.ts'
import { endUnsigned, secretPurpose } from './endpoints.ts'
import { type SealedSecrets, selectSealed, updateSealed } from './store.ts'

const name = 'webhooks.renew'
const attemptsMax = 8
const chunkSize = 1_000

type Renewing = Pick<Webhooks, 'database' | 'withWork' | 'sealing'>

/**
 * Has all secrets sealed by the present secret of the service, with which they live as long as their endpoints: a
 * former one is then not needed for them any more.
 */
export async function renewSecretsSoon({ withWork }: Pick<Renewing, 'withWork'>): Promise<void> {
  await withWork(system, (work) => addJob(work, { name, payload: {}, attemptsMax, key: name }))
}

/** Does it. */
export function renewingJob(by: Renewing): Job {
  return {
    name,
    attemptsMax,
    async run(_payload, { signal }) {
      let isAllRead = true
      for (let after: string | null = null; !signal.aborted; ) {
        const found = await selectSealed(by.database, { after, limit: chunkSize })
        for (const was of found) isAllRead = (await renew(by, was)) && isAllRead
        after = found.at(-1)?.id ?? null
        if (found.length < chunkSize) break
      }
      if (isAllRead && !signal.aborted) await by.withWork(system, endUnsigned)
    },
  }
}

/** Whether the secret that counts can be read. */
async function renew({ database, sealing }: Renewing, was: SealedSecrets): Promise<boolean> {
  const secret = sealing.renew(secretPurpose, was.secret)
  const former = was.former && (sealing.renew(secretPurpose, was.former) ?? was.former)
  const is = { ...was, secret: secret ?? was.secret, former }
  if (is.secret !== was.secret || is.former !== was.former) await updateSealed(database, { was, is })
  return secret !== null
}
