import type { Sql } from '#platform/database'
import { addJob } from '#platform/job-queue'
import type { Job } from '#platform/jobs'
import { endLinks, isDue, type Links } from '#platform/links'
import type { Mailer } from '#platform/mail'
import { type Language, Problem } from '#platform/problem'
import type { Sealing } from '#platform/sealing'
import { toMailAddress } from '#platform/text'
import { system, type Work } from '#platform/work'
import { assertStrong } from '../accounts/accounts.ts'
import type { Passwords } from '../accounts/passwords.ts'
import { type Login, selectLogin, selectLoginByAddress } from '../accounts/store.ts'
import { findMembers } from '../identity.ts'
import type { People } from '../people.ts'
import { identityProblems } from '../problems.ts'
import { endSessions } from '../sessions/sessions.ts'
import type { ProviderName } from '../social/provider.ts'
import { deleteSocialLogins } from '../social/store.ts'
import { type AddressChange, counted, countPurposes, linkKinds, linkPurposes } from './kinds.ts'
import { type Notice, writeMail } from './mails.ts'
import { updateConfirmed, updateForgotten } from './store.ts'

type Reads = { readonly sql: Sql }

const jobName = 'identity.mail'
/** With the queue's delays the last attempt comes about an hour after the first. */
const attemptsMax = 8

/** To whom: a member; the member with an address, if there is one; or a member at another address. */
type Recipient =
  | { readonly memberId: string }
  | { readonly email: string }
  | { readonly memberId: string; readonly email: string }

/** What is to be told; what else it takes is made when it is sent. */
type Asked =
  | { readonly kind: 'confirmation' | 'password-reset' | 'password-changed' | 'sign-up-attempt' | 'email-changed' }
  | { readonly kind: 'email-change'; readonly sessionId: string }
  | { readonly kind: 'identity-linked' | 'identity-unlinked'; readonly provider: ProviderName }

type Payload = Asked & {
  readonly language: Language
  readonly askedAt: string
  readonly memberId: string | null
  /** Sealed, since the queue keeps what fails, and anybody may have written anything. */
  readonly sealedAddress: string | null
}

/**
 * Asks for a mail in this unit of work: it goes out once that is committed. Whether there is anybody to send it to is
 * found out later, so that asking takes as long for an address that nobody has.
 */
export async function requestMail(
  { work, sealing }: { work: Work; sealing: Sealing },
  notice: Asked & { to: Recipient; language: Language },
): Promise<void> {
  const { to, language, ...asked } = notice
  const payload: Payload = {
    ...asked,
    language,
    askedAt: (await work.now()).toISOString(),
    memberId: 'memberId' in to ? to.memberId : null,
    sealedAddress: 'email' in to ? sealing.seal('mail jobs', to.email) : null,
  }
  await addJob(work, { name: jobName, payload, attemptsMax })
}

/** Sends what was asked for. A link is made when it is sent, so that its token is nowhere but in the mail. */
export function mailJob({ people, mailer }: { people: People; mailer: Mailer }): Job {
  const { database: reads, withWork, sealing, links, origin, timeZone } = people
  return {
    name: jobName,
    attemptsMax,
    async run(payload, { attempt }) {
      const asked = payload as Payload
      const { language } = asked
      const found = await findRecipient(asked)
      if (!found || isNeedless(asked, found)) return
      const notice = await withWork(system, async (work) => {
        // What failed to be sent was counted when it was first tried.
        const isToBeSent = attempt > 1 || (await isWithinCount(work, { asked, found }))
        return isToBeSent ? prepareNotice({ work, links, origin }, { asked, found }) : null
      })
      if (notice) await mailer.send({ to: toMailAddress(found.email), ...writeMail(notice, { language, timeZone }) })
    },
  }

  async function findRecipient({ memberId, sealedAddress }: Payload): Promise<Found | null> {
    const given = sealedAddress && sealing.open('mail jobs', sealedAddress)
    const login =
      memberId === null
        ? await selectLoginByAddress(reads, toMailAddress(given ?? ''))
        : await selectLogin(reads, memberId)
    const email = memberId !== null && given ? given : login?.address
    return login && email ? { login, email } : null
  }
}

/** Whom a mail is about, and the address that it goes to. */
interface Found {
  readonly login: Login
  readonly email: string
}

function isNeedless({ kind }: Asked, { login, email }: Found): boolean {
  if (kind === 'confirmation') return login.confirmedAt !== null
  return kind === 'email-change' && toMailAddress(email) === login.address
}

async function isWithinCount(work: Work, { asked, found }: { asked: Asked; found: Found }): Promise<boolean> {
  const { kind } = asked
  if (!isCounted(kind)) return true
  return isDue(work, { ...counted[kind], subjectId: found.login.memberId, seconds: 3_600 })
}

function isCounted(kind: Asked['kind']): kind is keyof typeof counted {
  return kind in counted
}

async function prepareNotice(
  { work, links, origin }: { work: Work; links: Links; origin: string },
  { asked, found }: { asked: Payload; found: Found },
): Promise<Notice> {
  const { kind } = asked
  const at = new Date(asked.askedAt)
  if (kind === 'identity-linked' || kind === 'identity-unlinked') return { kind, at, provider: asked.provider }
  if (kind === 'password-changed' || kind === 'sign-up-attempt' || kind === 'email-changed') return { kind, at }
  const { email } = found
  const boundTo = kind === 'email-change' ? toBinding({ email, sessionId: asked.sessionId }) : email
  const { page, ...link } = linkKinds[kind]
  const until = new Date((await work.now()).getTime() + link.lifeSeconds * 1_000)
  const token = await links.issue(work, { ...link, subjectId: found.login.memberId, boundTo })
  // In the fragment, which browsers send nobody.
  return { kind, at: until, link: `${origin}${page}#${token}` }
}

function toBinding(change: AddressChange): string {
  return JSON.stringify(change)
}

/** Notes that the address which the link was sent to is its member's. Throws `linkUnusable`. */
export async function confirmEmail({ work, links }: { work: Work; links: Links }, token: string): Promise<void> {
  const asked = { purpose: linkKinds.confirmation.purpose, token }
  const { subjectId: memberId, boundTo: address } = (await links.find(work, asked)) ?? unusable()
  // Login, then link: in the order in which whoever leaves takes them.
  const isConfirmed = await updateConfirmed(work, { memberId, address, at: await work.now() })
  if (!isConfirmed || !(await links.use(work, asked))) unusable()
}

/** A new password in place of a forgotten one, hashed: no transaction is open meanwhile. */
export interface PreparedReset {
  readonly token: string
  readonly passwordHash: string
}

/** Looks at link and password, and uses up neither. Throws `linkUnusable`, and what is weak. */
export async function prepareReset(
  { reads, passwords, links }: { reads: Reads; passwords: Passwords; links: Links },
  { token, newPassword }: { token: string; newPassword: string },
): Promise<PreparedReset> {
  const link = await links.find(reads, { purpose: linkKinds['password-reset'].purpose, token })
  const [member] = link ? await findMembers(reads, [link.subjectId]) : []
  if (!member) return unusable()
  await assertStrong('/newPassword', { password: newPassword, person: member })
  return { token, passwordHash: await passwords.hash(newPassword) }
}

/**
 * Sets the password, and ends every session and every other way in: whoever signed up with somebody else's address, or
 * got hold of an account, keeps none. The address is confirmed by it, since whoever has its mail box has read the link.
 * Answers the member, and the address. Throws `linkUnusable`.
 */
export async function resetPassword(
  { work, links }: { work: Work; links: Links },
  { token, passwordHash }: PreparedReset,
): Promise<{ memberId: string; address: string }> {
  const asked = { purpose: linkKinds['password-reset'].purpose, token }
  const { subjectId: memberId, boundTo: address } = (await links.find(work, asked)) ?? unusable()
  const isSet = await updateForgotten(work, { memberId, address, passwordHash, at: await work.now() })
  if (!isSet || !(await links.use(work, asked))) unusable()
  await endSessions(work, { memberId, exceptSessionId: null })
  await deleteSocialLogins(work, memberId)
  return { memberId, address }
}

/** Ends every link of a member who leaves. */
export function endLinksOf(work: Work, memberId: string): Promise<void> {
  return endLinks(work, { purposes: [...linkPurposes, ...countPurposes], subjectId: memberId })
}

/** Ends the links to choose a new password with, where one was chosen otherwise. */
export function endResetLinks(work: Work, memberId: string): Promise<void> {
  return endLinks(work, { purposes: [linkKinds['password-reset'].purpose], subjectId: memberId })
}

function unusable(): never {
  throw new Problem(identityProblems.linkUnusable)
}
