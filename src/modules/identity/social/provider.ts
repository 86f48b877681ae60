import type { Outgoing } from '#platform/outgoing'

/** Who lets people in beside ourselves. */
export const providerNames = ['kakao', 'naver', 'google'] as const

export type ProviderName = (typeof providerNames)[number]

/** What a provider says of a person. */
export interface Profile {
  /** What it calls the person, for ever and for this service only. */
  readonly subject: string
  readonly nickname: string | null
  /** Only an address that the provider has verified to be the person's. */
  readonly email: string | null
}

/** What is kept while somebody is at the provider: it never leaves this service. */
export interface Kept {
  /** What the ID token has to hold; null where there is none. */
  readonly nonce: string | null
  /** What the challenge was made of (PKCE); null where none was sent. */
  readonly verifier: string | null
}

/** How one provider is spoken to. Both operations throw OutgoingFailure where it does not answer. */
export interface Provider {
  /** The address to send a person to. */
  begin(state: string, call: Outgoing): Promise<{ url: string; kept: Kept }>
  /** Whom a code is of. Throws `providerRefused`. */
  prove(answer: { code: string; state: string; kept: Kept }, call: Outgoing): Promise<Profile>
}

/** What a provider knows this service by, and where it is. */
export interface ProviderSettings {
  readonly clientId: string
  readonly clientSecret: string
  /** The issuer, or what takes its place. */
  readonly url: string
  /** Where profiles are asked for. */
  readonly apiUrl: string
  readonly redirectUri: string
}
