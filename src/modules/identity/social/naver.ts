import { type Outgoing, OutgoingFailure } from '#platform/outgoing'
import { Problem } from '#platform/problem'
import { socialProblems } from './problems.ts'
import { fromNaver, type Json } from './profiles.ts'
import type { Provider, ProviderSettings } from './provider.ts'

/**
 * Naver by plain OAuth 2.0: there is no ID token, and its classic addresses know no PKCE, so `state` is all that there
 * is. Its errors may come with HTTP 200. https://developers.naver.com/docs/login/api/api.md
 */
export function openNaver({ clientId, clientSecret, url, apiUrl, redirectUri }: ProviderSettings): Provider {
  return {
    async begin(state) {
      const target = new URL(`${url}/oauth2.0/authorize`)
      const parameters = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, state }
      target.search = new URLSearchParams(parameters).toString()
      return { url: target.href, kept: { nonce: null, verifier: null } }
    },
    async prove({ code, state }, call) {
      const tokens = await askJson(call, {
        url: `${url}/oauth2.0/token`,
        init: {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'authorization_code',
            client_id: clientId,
            client_secret: clientSecret,
            code,
            state,
          }),
        },
      })
      assertOurs('Naver', tokens.error)
      const { access_token: token } = tokens
      if (tokens.error !== undefined || typeof token !== 'string') throw new Problem(socialProblems.providerRefused)
      const profile = fromNaver(await askProfile(call, { url: `${apiUrl}/v1/nid/me`, token }))
      if (!profile) throw new Problem(socialProblems.providerRefused)
      return profile
    },
  }
}

/** What a provider says of whoever has this access token. */
export function askProfile(call: Outgoing, { url, token }: { url: string; token: string }): Promise<Json> {
  return askJson(call, { url, init: { headers: { authorization: `Bearer ${token}` } } })
}

/** Throws where it is this service that the provider does not know: no caller can mend that. */
export function assertOurs(provider: string, error: unknown): void {
  if (error !== 'invalid_client' && error !== 'unauthorized_client') return
  throw new Error(`${provider} refuses the client id or secret of this service (${error})`)
}

async function askJson(call: Outgoing, { url, init }: { url: string; init: RequestInit }): Promise<Json> {
  const answer = await call(url, init)
  const body: unknown = await answer.json().catch(() => null)
  if (typeof body !== 'object' || body === null) throw new OutgoingFailure(`${url} answered no JSON object`)
  return body as Json
}
