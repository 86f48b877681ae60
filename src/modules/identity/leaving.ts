import {
  type AccountState,
  applyTransfers,
  type Command,
  classes,
  closeAccount,
  type LedgerSettings,
  lockAccount,
} from '#modules/ledger'
import { failureOf, type Sql } from '#platform/database'
import { unavailable } from '#platform/http-problems'
import { forgetMemberInAnswer } from '#platform/idempotency'
import { type Language, Problem, type Text } from '#platform/problem'
import { system, type WithWork, type Work } from '#platform/work'
import type { Passwords } from './accounts/passwords.ts'
import { type Claim, type Proof, proveAgain } from './accounts/proof.ts'
import { deleteLogin, selectLogin } from './accounts/store.ts'
import { findMembers } from './identity.ts'
import { endLinksOf } from './links/links.ts'
import { identityProblems } from './problems.ts'
import { lockMember } from './profiles/store.ts'
import { assertNotLastAdmin } from './roles.ts'
import { forgetSessions } from './sessions/store.ts'
import { forgetMember } from './store.ts'

/** Somebody who has proved to be the one who wants to leave. */
export interface Leaver extends Proof {
  readonly walletId: string
}

/**
 * Proves once more who wants to leave. Not in a unit of work: a password is hashed. Throws `memberUnknown`,
 * `passwordWrong` and `sessionTooOld`.
 */
export async function prepareLeaving(
  by: { reads: { readonly sql: Sql }; passwords: Passwords },
  claim: Claim,
): Promise<Leaver> {
  const proof = await proveAgain(by, claim)
  const [member] = await findMembers(by.reads, [proof.memberId])
  if (!member) throw new Problem(identityProblems.memberUnknown)
  return { ...proof, walletId: member.walletId }
}

/** How points lapse, and in which language that is told. */
export interface LeavingOptions {
  readonly withWork: WithWork
  readonly settings: LedgerSettings
  readonly language: Language
}

/**
 * Lets a person go for good, in one unit of work: login, sessions and links end, what is personal is forgotten, and
 * what is in the wallet lapses (paid points only where they are given up) and it is closed. The journal stays. `after`
 * runs in it once the login is gone, for what rooms above have to end. Throws `lastAdmin`, `holdsPending`,
 * `paidPointsRemain`, and what `after` throws.
 */
export async function leave(
  { withWork, settings, language }: LeavingOptions,
  input: { leaver: Leaver; givesUpPaid: boolean; after(work: Work): Promise<void> },
): Promise<void> {
  const { leaver, givesUpPaid, after } = input
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    await bookDue(withWork, { walletId: leaver.walletId, settings })
    try {
      return await withWork({ type: 'member', id: leaver.memberId }, async (work) => {
        await forgetPerson(work, { leaver, language })
        await after(work)
        await emptyWallet(work, { walletId: leaver.walletId, givesUpPaid, settings, language })
      })
    } catch (error) {
      if (!(error instanceof StaleWallet) && failureOf(error) !== 'retry') throw error
    }
  }
  throw unavailable()
}

const attemptsMax = 5

/** Something fell due while it was decided, and is to be booked first. */
class StaleWallet extends Error {}

/** Rows are locked from administrators to the member to the login, as wherever they are changed. */
async function forgetPerson(work: Work, { leaver, language }: { leaver: Leaver; language: Language }): Promise<void> {
  const { memberId } = leaver
  await assertNotLastAdmin(work, memberId)
  await lockMember(work, memberId)
  // Whoever became one a moment ago is one now, and stays it until the lock is gone.
  await assertNotLastAdmin(work, memberId)
  const login = await selectLogin(work, memberId)
  if (!login) throw new Problem(identityProblems.memberUnknown)
  if (!(await deleteLogin(work, leaver))) throw new Problem(identityProblems.passwordWrong)
  const at = await work.now()
  const nickname = texts.nickname[language]
  if (login.signUpKey) forgetMemberInAnswer(work, { digest: login.signUpKey, nickname })
  await forgetSessions(work, { memberId, at })
  await endLinksOf(work, memberId)
  await forgetMember(work, { id: memberId, nickname, at })
}

interface Emptying {
  readonly walletId: string
  readonly givesUpPaid: boolean
  readonly settings: LedgerSettings
  readonly language: Language
}

/** Under the wallet's lock nothing comes in or goes out between looking and booking. */
async function emptyWallet(work: Work, { walletId, givesUpPaid, settings, language }: Emptying): Promise<void> {
  const wallet = await lockAccount(work, walletId)
  if (!wallet) throw new Error(`a member has no wallet ${walletId}`)
  if (wallet.isDue) throw new StaleWallet()
  if (wallet.held > 0) throw new Problem(identityProblems.holdsPending, { params: { held: wallet.held } })
  if (wallet.paid > 0 && !givesUpPaid) {
    throw new Problem(identityProblems.paidPointsRemain, { params: { paid: wallet.paid } })
  }
  let commands = toAdjustments(work, { wallet, language })
  // A lot apiece is a leg, and a batch takes so many. One account, locked already, and no key: nothing is locked out of
  // its order by going on with the rest.
  while (commands.length > 0) {
    const outcomes = await applyTransfers(work, { commands, settings, wait: true })
    if (outcomes.some(({ status }) => status === 'refused')) throw new StaleWallet()
    commands = commands.filter((_, at) => outcomes[at]!.status === 'again')
    if (commands.length === outcomes.length) throw new StaleWallet()
  }
  await closeAccount(work, walletId)
}

function toAdjustments(work: Work, { wallet, language }: { wallet: AccountState; language: Language }): Command[] {
  return classes
    .filter((each) => wallet[each] > 0)
    .map((each) => ({
      kind: 'adjust',
      accountId: wallet.id,
      class: each,
      amount: -wallet[each],
      // A person leaves once: the login that is gone lets nobody do it again.
      key: null,
      actor: work.actor,
      memberId: null,
      reason: texts[each === 'paid' ? 'givenUp' : 'lapsed'][language],
      reference: null,
      metadata: null,
    }))
}

/** Books what is due before the wallet is looked at, so that what expires does so by the ledger's own rule. */
async function bookDue(
  withWork: WithWork,
  { walletId, settings }: { walletId: string; settings: LedgerSettings },
): Promise<void> {
  const context = { key: null, actor: system, memberId: null, reason: null, reference: null, metadata: null }
  const commands = [{ ...context, kind: 'expire', walletId }] as const
  for (;;) {
    const [outcome] = await withWork(system, (work) => applyTransfers(work, { commands, settings, wait: true }))
    if (!(outcome?.status === 'booked' && outcome.more)) return
  }
}

const texts = {
  nickname: { ko: '탈퇴한 회원', en: 'A member who left' },
  lapsed: { ko: '탈퇴로 소멸', en: 'Lapsed when the member left' },
  givenUp: { ko: '탈퇴하며 포기', en: 'Given up when the member left' },
} satisfies Record<string, Text>
