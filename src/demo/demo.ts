import type { Text } from '#platform/problem'
import { openBooks } from './books.ts'
import { type Address, openClient } from './client.ts'
import { chargeWallets, makeCompanies } from './companies.ts'
import { runCrowds } from './crowds.ts'
import { earnPoints } from './earning.ts'
import { type Outage, outlastOutage } from './outage.ts'
import { callWithKey, signPeopleIn } from './people.ts'
import { proveAgreement } from './proof.ts'
import { runRaces } from './race.ts'
import { openScreen } from './screen.ts'
import { spendAndRefund } from './spends.ts'
import { hearByWebhook } from './webhook.ts'

/**
 * Plays the demo against a running Podo, live on the terminal: companies, charges, spends, what is earned, an event at
 * a webhook, people who sign in, a key of a company, a race of two threads, crowds on one wallet, an outage of
 * PostgreSQL, and the proof that everything agrees. Answers whether all of it came out exact.
 */
export async function playDemo({ address, intro, outage }: Play): Promise<boolean> {
  const client = openClient(address)
  const screen = openScreen(process.stdout, address.language)
  const stage = { client, screen, books: openBooks() }
  const startedAt = performance.now()
  try {
    screen.line(intro)
    const companies = await makeCompanies(stage)
    await chargeWallets(stage, companies)
    await spendAndRefund(stage, companies)
    const earned = await earnPoints(stage)
    const isHeard = await hearByWebhook(stage, { address, companies })
    const people = await signPeopleIn(stage, { address, companies })
    const results = [
      earned.isRight,
      isHeard,
      people.isRight,
      await callWithKey(stage, { address, companies }),
      await runRaces(stage, { address, companies }),
      await runCrowds(stage, companies),
      await outlastOutage(stage, { companies, outage }),
      await proveAgreement(stage, { companies, people: [...people.walletIds, earned.walletId] }),
    ]
    const isExact = results.every(Boolean)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    screen.line('')
    screen.verdict(isExact, isExact ? allRight(seconds) : notRight)
    return isExact
  } finally {
    client.close()
  }
}

interface Play {
  readonly address: Address
  readonly intro: Text
  readonly outage: Outage
}

function allRight(seconds: string): Text {
  return {
    ko: `모두 1포인트까지 맞습니다. (${seconds}초)`,
    en: `Everything agrees to the last point. (${seconds} s)`,
  }
}

const notRight: Text = {
  ko: '맞지 않는 것이 있습니다. 위의 ✗ 표시를 확인해 주십시오.',
  en: 'Something does not agree: see the ✗ above.',
}
