import type { JWTPayload } from 'jose'
import type { Grant } from './grants.ts'

export type ProviderName = 'kakao' | 'naver' | 'google'

/** Why a token endpoint refuses. */
export type Refusal = 'client' | 'code' | 'redirect' | 'grant-type' | 'verifier'

/** How one provider differs from the others, as its published pages have it. */
export interface Dialect {
  readonly name: ProviderName
  readonly title: { readonly ko: string; readonly en: string }
  readonly paths: {
    readonly authorize: string
    readonly token: string
    readonly keys?: string
    readonly profile: string
  }
  /** Methods of the token endpoint. */
  readonly tokenMethods: readonly ('GET' | 'POST')[]
  readonly needsState: boolean
  /** What of OpenID Connect it speaks; null where it speaks none. */
  readonly openId: { discovery(base: string): object; claims(grant: Grant): JWTPayload } | null
  refuse(refusal: Refusal): Response
  /** What it answers beside an ID token. */
  tokens(grant: Grant, accessToken: string): object
  /** Null where the token is none of its own. */
  profile(grant: Grant | null, hasHeader: boolean): Response
}

const kakao: Dialect = {
  name: 'kakao',
  title: { ko: '카카오', en: 'Kakao' },
  paths: {
    authorize: '/oauth/authorize',
    token: '/oauth/token',
    keys: '/.well-known/jwks.json',
    profile: '/v2/user/me',
  },
  tokenMethods: ['POST'],
  needsState: false,
  openId: {
    discovery: (base) => ({ ...metadata(base, kakao), code_challenge_methods_supported: ['S256'] }),
    claims: (grant) => ({
      sub: String(kakaoId(grant)),
      nickname: grant.person.nickname,
      ...(grant.isEmailShared && { email: grant.person.email }),
    }),
  },
  refuse(refusal) {
    const [status, error, code] = (
      {
        client: [401, 'invalid_client', 'KOE010'],
        code: [400, 'invalid_grant', 'KOE320'],
        redirect: [400, 'invalid_grant', 'KOE303'],
        'grant-type': [400, 'invalid_request', 'KOE001'],
        verifier: [400, 'invalid_grant', 'KOE320'],
      } as const
    )[refusal]
    return Response.json({ error, error_description: `refused: ${refusal}`, error_code: code }, { status })
  },
  tokens: (grant, access_token) => ({
    token_type: 'bearer',
    access_token,
    expires_in: 21_599,
    refresh_token: `refresh-${access_token}`,
    refresh_token_expires_in: 5_183_999,
    scope: grant.scope,
  }),
  profile(grant) {
    if (!grant || grant.fault === 'profile-refused') {
      return Response.json({ msg: 'this access token does not exist', code: -401 }, { status: 401 })
    }
    if (grant.fault === 'profile-refused-ok') return Response.json({ msg: 'internal', code: -1 })
    const { nickname, email } = grant.person
    const image = 'https://example.com/profile.png'
    return Response.json({
      id: kakaoId(grant) + (grant.fault === 'other-profile' ? 1 : 0),
      connected_at: '2026-01-02T03:04:05Z',
      has_signed_up: true,
      properties: { nickname },
      kakao_account: {
        profile_nickname_needs_agreement: false,
        profile_image_needs_agreement: false,
        profile: { nickname, thumbnail_image_url: image, profile_image_url: image, is_default_image: true },
        email_needs_agreement: !grant.isEmailShared,
        ...(grant.isEmailShared && { is_email_valid: true, is_email_verified: grant.isEmailVerified, email }),
      },
    })
  },
}

const naver: Dialect = {
  name: 'naver',
  title: { ko: '네이버', en: 'Naver' },
  paths: { authorize: '/oauth2.0/authorize', token: '/oauth2.0/token', profile: '/v1/nid/me' },
  tokenMethods: ['GET', 'POST'],
  needsState: true,
  openId: null,
  // It may say so with HTTP 200: whoever reads the status only takes it for a success.
  refuse: (refusal) =>
    Response.json({
      error: refusal === 'client' ? 'unauthorized_client' : 'invalid_request',
      error_description: `refused: ${refusal}`,
    }),
  tokens: (_grant, access_token) => ({
    access_token,
    refresh_token: `refresh-${access_token}`,
    token_type: 'bearer',
    expires_in: '3600',
  }),
  profile(grant, hasHeader) {
    if (!hasHeader) {
      const message = 'Authentication header not exists'
      return Response.json({ resultcode: '028', message }, { status: 401 })
    }
    const refused = { resultcode: '024', message: 'Authentication failed' }
    if (grant?.fault === 'profile-refused-ok') return Response.json(refused)
    if (!grant || grant.fault === 'profile-refused') return Response.json(refused, { status: 401 })
    const { number, nickname, email } = grant.person
    return Response.json({
      resultcode: '00',
      message: 'success',
      response: { id: `naver-stand-in-${number}`, nickname, ...(grant.isEmailShared && { email }) },
    })
  },
}

const google: Dialect = {
  name: 'google',
  title: { ko: '구글', en: 'Google' },
  paths: { authorize: '/o/oauth2/v2/auth', token: '/token', keys: '/oauth2/v3/certs', profile: '/v1/userinfo' },
  tokenMethods: ['POST'],
  needsState: false,
  openId: {
    discovery: (base) => ({ ...metadata(base, google), code_challenge_methods_supported: ['plain', 'S256'] }),
    claims: (grant) => ({ azp: grant.clientId, ...googleProfile(grant) }),
  },
  refuse(refusal) {
    const isClient = refusal === 'client'
    const error = isClient ? 'invalid_client' : refusal === 'grant-type' ? 'unsupported_grant_type' : 'invalid_grant'
    return Response.json({ error, error_description: `refused: ${refusal}` }, { status: isClient ? 401 : 400 })
  },
  tokens: (grant, access_token) => ({ access_token, expires_in: 3_599, scope: grant.scope, token_type: 'Bearer' }),
  profile: (grant) =>
    grant ? Response.json(googleProfile(grant)) : Response.json({ error: 'invalid_request' }, { status: 401 }),
}

export const dialects: readonly Dialect[] = [kakao, naver, google]

function metadata(base: string, { paths }: Dialect) {
  return {
    issuer: base,
    authorization_endpoint: base + paths.authorize,
    token_endpoint: base + paths.token,
    jwks_uri: base + paths.keys,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  }
}

function kakaoId({ person }: Grant): number {
  return 4_000_000_000 + person.number
}

function googleProfile({ person, isEmailShared, isEmailVerified }: Grant) {
  return {
    sub: `1000000000000000${person.number}`,
    name: person.nickname,
    ...(isEmailShared && { email: person.email, email_verified: isEmailVerified }),
  }
}
