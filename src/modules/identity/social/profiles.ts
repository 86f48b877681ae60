import type { Profile } from './provider.ts'

/** What a provider answered, of which nothing is taken for granted. */
export type Json = Readonly<Record<string, unknown>>

/** Kakao's `/v2/user/me`; null where it is of nobody. An address counts where it is both valid and verified. */
export function fromKakao(body: Json): Profile | null {
  const { id } = body
  const account = toJson(body.kakao_account)
  if (!Number.isSafeInteger(id) || (id as number) <= 0) return null
  const isTrusted = account.is_email_valid === true && account.is_email_verified === true
  return {
    subject: String(id),
    nickname: toText(toJson(account.profile).nickname) ?? toText(toJson(body.properties).nickname),
    email: isTrusted ? toText(account.email) : null,
  }
}

/** Naver's `/v1/nid/me`; null where it is of nobody. It never says that an address is verified, so none counts. */
export function fromNaver(body: Json): Profile | null {
  const response = toJson(body.response)
  const subject = toText(response.id)
  if (body.resultcode !== '00' || subject === null) return null
  return { subject, nickname: toText(response.nickname), email: null }
}

/** The claims of Google's ID token; null where they are of nobody. */
export function fromGoogle(claims: Json): Profile | null {
  const subject = toText(claims.sub)
  if (subject === null) return null
  const email = claims.email_verified === true ? toText(claims.email) : null
  return { subject, nickname: toText(claims.name), email }
}

function toJson(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

/** A text that is short enough to be kept. */
function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 254 ? value : null
}
