import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Fault } from './faults.ts'
import type { Sample } from './people.ts'

/** What a person consented to, until its code is brought; and what goes wrong on the way. */
export interface Grant {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string | null
  readonly nonce: string | null
  /** SHA-256 of the verifier (PKCE, S256); null where none was announced. */
  readonly challenge: string | null
  readonly scope: string
  readonly person: Sample
  readonly isEmailShared: boolean
  readonly isEmailVerified: boolean
  readonly fault: Fault | null
}

/** Codes, each good once and for ten minutes, and the access tokens that were given for them. */
export interface Grants {
  addCode(grant: Grant): string
  /** Spends a code. */
  takeCode(code: string): Grant | null
  addToken(grant: Grant): string
  findByToken(token: string): Grant | null
}

const codeMs = 600_000
const tokenMs = 3_600_000
const keptMax = 10_000

/** Grants in the memory of this process. */
export function openGrants(): Grants {
  const codes = new Map<string, { grant: Grant; until: number }>()
  const tokens = new Map<string, { grant: Grant; until: number }>()
  const add = (kept: typeof codes, grant: Grant, lastsMs: number) => {
    const name = randomBytes(32).toString('base64url')
    if (kept.size >= keptMax) kept.delete(kept.keys().next().value!)
    kept.set(name, { grant, until: Date.now() + lastsMs })
    return name
  }
  const find = (kept: typeof codes, name: string) => {
    const found = kept.get(name)
    return found && found.until > Date.now() ? found.grant : null
  }
  return {
    addCode(grant) {
      const code = add(codes, grant, grant.fault === 'expired-code' ? -1 : codeMs)
      if (grant.fault === 'used-code') codes.delete(code)
      return code
    },
    takeCode(code) {
      const grant = find(codes, code)
      codes.delete(code)
      return grant
    },
    addToken: (grant) => add(tokens, grant, tokenMs),
    findByToken: (token) => find(tokens, token),
  }
}

/** Whether a verifier is the one whose challenge was announced; where none was, none may come. */
export function isVerified({ challenge }: Grant, verifier: string | null): boolean {
  if (challenge === null || verifier === null) return challenge === verifier
  return createHash('sha256').update(verifier).digest('base64url') === challenge
}

/** Whether two secrets are one, in a time that says nothing of them. */
export function isSecret(given: string | null, expected: string): boolean {
  const [a, b] = [given ?? '', expected].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(a!, b!)
}
