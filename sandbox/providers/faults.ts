import type { ProviderName } from './dialects.ts'

interface Label {
  readonly ko: string
  readonly en: string
  /** Of which providers; of every one where it is missing. */
  readonly of?: readonly ProviderName[]
}

/** Those that give ID tokens. */
const openId: readonly ProviderName[] = ['kakao', 'google']
/** Those whose profile is asked for. */
const profiles: readonly ProviderName[] = ['kakao', 'naver']

/** What a stand-in can be made to do wrong, once, from the consent page on; and what the page calls it. */
const faults = {
  'wrong-state': { ko: '다른 state를 돌려줍니다', en: 'echoes another state' },
  'expired-code': { ko: '이미 만료된 코드를 줍니다', en: 'gives a code that has expired' },
  'used-code': { ko: '이미 쓰인 코드를 줍니다', en: 'gives a code that was used' },
  'slow-token': { ko: '토큰을 1분 뒤에 줍니다', en: 'takes a minute for the token' },
  'token-drip': { ko: '토큰을 1분에 걸쳐 한 글자씩 줍니다', en: 'takes a minute for the token, byte by byte' },
  'token-down': { ko: '토큰 주소가 503으로 답합니다', en: 'answers 503 for the token' },
  'token-redirect': { ko: '토큰 주소가 다른 곳을 가리킵니다', en: 'redirects whoever asks for the token' },
  'token-garbage': { ko: '토큰 대신 HTML을 줍니다', en: 'answers HTML for the token' },
  'token-huge': { ko: '토큰 답이 1 MiB를 넘습니다', en: 'answers more than a MiB for the token' },
  'wrong-nonce': { ko: 'ID 토큰의 nonce가 다릅니다', en: 'puts another nonce into the ID token', of: openId },
  'wrong-audience': { ko: '다른 앱의 ID 토큰을 줍니다', en: 'gives the ID token of another client', of: openId },
  'wrong-issuer': { ko: '다른 발급자의 ID 토큰을 줍니다', en: 'gives the ID token of another issuer', of: openId },
  'expired-token': { ko: '만료된 ID 토큰을 줍니다', en: 'gives an ID token that has expired', of: openId },
  'unsigned-token': {
    ko: '서명 없는 ID 토큰을 줍니다(alg none)',
    en: 'gives an unsigned ID token (alg none)',
    of: openId,
  },
  'hmac-token': {
    ko: '공개 키로 HMAC한 ID 토큰을 줍니다',
    en: 'gives an ID token by HMAC with the public key',
    of: openId,
  },
  'unknown-key': { ko: '알려지지 않은 키로 서명합니다', en: 'signs with a key that it does not publish', of: openId },
  'forged-key': {
    ko: '공개한 키의 이름으로 다른 키로 서명합니다',
    en: 'signs with another key under a published name',
    of: openId,
  },
  'no-id-token': { ko: 'ID 토큰을 주지 않습니다', en: 'gives no ID token', of: openId },
  'rotated-key': {
    ko: '서명 키를 바꿉니다(오류가 아닙니다)',
    en: 'changes its signing key (no fault of its own)',
    of: openId,
  },
  'other-profile': { ko: '다른 사람의 프로필을 줍니다', en: 'answers the profile of somebody else', of: ['kakao'] },
  'profile-refused': { ko: '프로필을 주지 않습니다(-401, 024)', en: 'refuses the profile (−401, 024)', of: profiles },
  'profile-refused-ok': {
    ko: '프로필을 HTTP 200으로 거절합니다',
    en: 'refuses the profile with HTTP 200',
    of: profiles,
  },
} as const satisfies Record<string, Label>

export type Fault = keyof typeof faults

/** The faults that this provider's stand-in has, with what the page calls them. */
export function listFaults(provider: ProviderName): [Fault, Label][] {
  return (Object.entries(faults) as [Fault, Label][]).filter(([, { of }]) => of?.includes(provider) ?? true)
}

/** The fault of a name; null for every other text. */
export function toFault(name: string | null): Fault | null {
  return name !== null && Object.hasOwn(faults, name) ? (name as Fault) : null
}
