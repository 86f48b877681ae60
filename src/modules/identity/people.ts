import type { Database } from '#platform/database'
import { type Links, openLinks } from '#platform/links'
import type { Sealing } from '#platform/sealing'
import type { WithWork } from '#platform/work'
import { openPasswords, type Passwords } from './accounts/passwords.ts'
import { type Cookies, openCookies } from './sessions/cookies.ts'
import { type Door, openDoor } from './sessions/door.ts'
import { openTokens, type Tokens } from './sessions/tokens.ts'

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
}

/** Accounts and sessions over a database; `origin` is where people reach this service. */
export function openPeople(options: {
  database: Database
  withWork: WithWork
  sealing: Sealing
  origin: string
}): People {
  const { database, withWork, sealing, origin } = options
  const tokens = openTokens({ reads: database, withWork, sealing, issuer: origin })
  return {
    database,
    withWork,
    tokens,
    passwords: openPasswords(),
    cookies: openCookies({ sealing, origin }),
    door: openDoor({ reads: database, tokens }),
    sealing,
    links: openLinks(sealing),
    origin,
  }
}
