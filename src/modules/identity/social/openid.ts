import type { Configuration, ServerMetadata } from 'openid-client'
import { machineLagSeconds } from '#platform/database-time'
import { type Outgoing, OutgoingFailure } from '#platform/outgoing'
import { Problem } from '#platform/problem'
import { askProfile, assertOurs } from './naver.ts'
import { socialProblems } from './problems.ts'
import { fromGoogle, fromKakao, type Json } from './profiles.ts'
import type { Profile, Provider, ProviderSettings } from './provider.ts'

interface Dialect {
  readonly name: string
  readonly scope: string
  /** Whether PKCE is used even where the provider does not say that it knows it. */
  readonly alwaysPkce: boolean
  toProfile(claims: Json, ask: () => Promise<Json>): Promise<Profile | null>
}

/**
 * Google, whose ID token says all.
 * https://developers.google.com/identity/openid-connect/openid-connect
 */
export function openGoogle(settings: ProviderSettings): Provider {
  return openOpenId(settings, {
    name: 'Google',
    scope: 'openid email profile',
    alwaysPkce: true,
    toProfile: async (claims) => fromGoogle(claims),
  })
}

/**
 * Kakao, whose ID token says who it is, and whose profile says whether the address is to be trusted. Its guide does not
 * mention PKCE, which is used where its discovery document does.
 * https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api
 */
export function openKakao(settings: ProviderSettings): Provider {
  return openOpenId(settings, {
    name: 'Kakao',
    scope: 'openid profile_nickname account_email',
    alwaysPkce: false,
    async toProfile(claims, ask) {
      const profile = fromKakao(await ask())
      return profile?.subject === claims.sub ? profile : null
    },
  })
}

const metadataMs = 600_000

function openOpenId(settings: ProviderSettings, dialect: Dialect): Provider {
  const { redirectUri, apiUrl } = settings
  const configure = openConfigurations(settings)
  return {
    async begin(state, call) {
      const { configuration, client } = await configure(call)
      const usesPkce = dialect.alwaysPkce || configuration.serverMetadata().supportsPKCE()
      const nonce = client.randomNonce()
      const verifier = usesPkce ? client.randomPKCECodeVerifier() : null
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: dialect.scope,
        state,
        nonce,
        ...(verifier && {
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        }),
      })
      return { url: url.href, kept: { nonce, verifier } }
    },
    async prove({ code, state, kept }, call) {
      const { configuration, client } = await configure(call)
      const returned = new URL(redirectUri)
      returned.search = new URLSearchParams({ code, state }).toString()
      const checks = {
        expectedState: state,
        expectedNonce: kept.nonce!,
        idTokenExpected: true,
        ...(kept.verifier && { pkceCodeVerifier: kept.verifier }),
      }
      const tokens = await client
        .authorizationCodeGrant(configuration, returned, checks)
        .catch((error: unknown) => rethrow(dialect.name, error))
      const ask = () => askProfile(call, { url: `${apiUrl}/v2/user/me`, token: tokens.access_token })
      const profile = await dialect.toProfile(tokens.claims() as Json, ask)
      if (!profile) throw new Problem(socialProblems.providerRefused)
      return profile
    },
  }
}

/** What the provider says of itself is kept for a while; the library is loaded when somebody first signs in with it. */
function openConfigurations({ url, clientId, clientSecret }: ProviderSettings) {
  let known: { metadata: ServerMetadata; at: number } | null = null
  return async (call: Outgoing): Promise<{ configuration: Configuration; client: typeof import('openid-client') }> => {
    const client = await import('openid-client')
    if (!known || performance.now() - known.at > metadataMs) {
      const found = await client
        .discovery(new URL(url), clientId, undefined, undefined, {
          [client.customFetch]: call as never,
          // What may be called, `call` knows better: http on this machine too.
          execute: [client.allowInsecureRequests],
        })
        .catch((error: unknown) => rethrow(url, error))
      known = { metadata: found.serverMetadata(), at: performance.now() }
    }
    // Each provider has a redirect address of its own, so that nobody need say in the answer whose it is (RFC 9207).
    const metadata = { ...plain(known.metadata), authorization_response_iss_parameter_supported: false }
    // One of its own for each sign-in: the published keys are read anew, so that a changed one is known at once and a
    // withdrawn one never again.
    const authentication = client.ClientSecretPost(clientSecret)
    const expected = {
      id_token_signed_response_alg: 'RS256',
      // Until when an ID token is good goes by the clock of the database: the machine's may be wrong.
      [client.clockSkew]: machineLagSeconds(),
    }
    const configuration = new client.Configuration(metadata, clientId, expected, authentication)
    configuration[client.customFetch] = call as never
    client.allowInsecureRequests(configuration)
    // Without it the signature is not looked at, since TLS says from whom the token comes.
    client.enableNonRepudiationChecks(configuration)
    return { configuration, client }
  }
}

/** Without the functions that the library adds. */
function plain(metadata: ServerMetadata): ServerMetadata {
  return JSON.parse(JSON.stringify(metadata))
}

const unreadable = new Set(['OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR', 'OAUTH_RESPONSE_IS_NOT_CONFORM'])

/** What the library throws, in our words: none of its errors goes on, since they hold tokens. */
function rethrow(provider: string, error: unknown): never {
  const { code = '', error: refusal } = error as { code?: string; error?: unknown }
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof OutgoingFailure) throw at
  assertOurs(provider, refusal)
  if (unreadable.has(code)) throw new OutgoingFailure(`${provider} answered what cannot be read (${code})`)
  if (code.startsWith('OAUTH_')) throw new Problem(socialProblems.providerRefused)
  throw error
}
