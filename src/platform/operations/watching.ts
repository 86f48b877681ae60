import { type Alert, endAlert, raiseAlert } from '../alerts.ts'
import type { Sql } from '../database.ts'
import type { Job } from '../jobs.ts'
import { system, type WithWork } from '../work.ts'
import { findQueue, isPassed } from './store.ts'

/** What looking after operations needs. */
export interface Watching {
  readonly reads: { readonly sql: Sql }
  readonly withWork: WithWork
}

/** What passes by itself has passed by then: half a minute. */
const attemptsMax = 6
const waitMaxSeconds = 600
/** No operation that waits is one that was told of. */
const restSeconds = 30

/** Tells somebody of an operation that was set aside, once it has been more than a few times. */
export async function tellStuck({ withWork }: Pick<Watching, 'withWork'>, { attempts }: { attempts: number }) {
  if (attempts >= attemptsMax) await withWork(system, (work) => raiseAlert(work, stuck))
}

/**
 * Looks every minute whether the oldest operation has waited too long while others went past it, also where the
 * processes that set it aside do not live long enough to tell; and whether all that is over.
 */
export function watchingJob(by: Watching): Job {
  return {
    name: 'operations.watch',
    cron: '* * * * *',
    attemptsMax: 1,
    run: () => watch(by),
  }
}

async function watch({ reads, withWork }: Watching): Promise<void> {
  const { ageSeconds } = await findQueue(reads)
  if (ageSeconds < restSeconds) await withWork(system, (work) => endAlert(work, { cause: stuck.cause }))
  else if (ageSeconds > waitMaxSeconds && (await isPassed(reads)))
    await withWork(system, (work) => raiseAlert(work, stuck))
}

const stuck: Alert = {
  cause: 'operations/stuck',
  title: {
    ko: '접수한 요청 가운데 처리하지 못하는 것이 있습니다',
    en: 'A request that was taken on cannot be carried out',
  },
  todo: {
    ko: '로그에서 "An operation could not be carried out"를 찾아 원인을 없애 주십시오. 읽을 수 없다고 적혀 있으면 이전 키를 PODO_SECRET_KEY_FORMER에 지정하고 다시 시작하십시오. 요청은 사라지지 않으며, 1분마다 다시 시도합니다. 순서를 지켜야 하는 다음 요청도 함께 기다립니다.',
    en: 'Find "An operation could not be carried out" in the log, and mend the cause. Where it says that the request cannot be read, give the former key as PODO_SECRET_KEY_FORMER and start again. The request is not lost, and is tried again every minute; those that must not pass it wait with it.',
  },
}
