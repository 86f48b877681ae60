import type { Database } from '#platform/database'
import { type Links, openLinks } from '#platform/links'
import type { OpenGuard } from '#platform/resilience'
import type { Sealing } from '#platform/sealing'
import type { WithWork } from '#platform/work'
import { openPasswords, type PasswordCost, type Passwords } from './accounts/passwords.ts'
import { type MemberSearch, openMemberSearch } from './search/search.ts'
import { type Cookies, openCookies } from './sessions/cookies.ts'
import { type Door, openDoor } from './sessions/door.ts'
import { openTokens, type Tokens } from './sessions/tokens.ts'
import { type Bindings, openBindings } from './social/browser.ts'
import type { ProviderName } from './social/provider.ts'
import { openSocial, type ProviderPlace, type Social } from './social/social.ts'

/** What signing in stands on: one for a process. */
export interface People {
  readonly database: Database
  readonly withWork: WithWork
  readonly passwords: Passwords
  readonly tokens: Tokens
  readonly cookies: Cookies
  readonly door: Door
  readonly sealing: Sealing
  readonly links: Links
  readonly origin: string
  readonly social: Social
  readonly bindings: Bindings
  readonly search: MemberSearch
  /** The programme's. */
  readonly timeZone: string
}

/** Accounts and sessions over a database; `origin` is where people reach this service. */
export function openPeople(options: {
  database: Database
  withWork: WithWork
  sealing: Sealing
  origin: string
  /** What access tokens name as their issuer: the same in every process, wherever it listens. */
  issuer: string
  timeZone: string
  /** Where the providers are whose accounts let people in. */
  places: Readonly<Record<ProviderName, ProviderPlace | null>>
  /** How long one of them may take over a sign-in. */
  providerTimeoutMs: number
  /** What stands before each provider. */
  openGuard: OpenGuard
  /** Other than today's where hashes protect nobody: in tests. */
  passwordCost?: PasswordCost | undefined
}): People {
  const { database, withWork, sealing, origin, issuer, timeZone, places, openGuard } = options
  const tokens = openTokens({ reads: database, withWork, sealing, issuer })
  return {
    database,
    withWork,
    tokens,
    passwords: openPasswords({ cost: options.passwordCost }),
    cookies: openCookies({ sealing, origin }),
    door: openDoor({ reads: database, tokens }),
    sealing,
    links: openLinks(sealing),
    origin,
    social: openSocial({ places, origin, sealing, timeoutMs: options.providerTimeoutMs, openGuard }),
    bindings: openBindings(origin),
    search: openMemberSearch(database),
    timeZone,
  }
}
