/** What a stand-in can be made to do wrong, once, from the consent page on; and what the page calls it. */
export const faults = {
  'wrong-state': { ko: '다른 state를 돌려줍니다', en: 'echoes another state' },
  'expired-code': { ko: '이미 만료된 코드를 줍니다', en: 'gives a code that has expired' },
  'used-code': { ko: '이미 쓰인 코드를 줍니다', en: 'gives a code that was used' },
  'slow-token': { ko: '토큰을 1분 뒤에 줍니다', en: 'takes a minute for the token' },
  'token-down': { ko: '토큰 주소가 503으로 답합니다', en: 'answers 503 for the token' },
  'token-redirect': { ko: '토큰 주소가 다른 곳을 가리킵니다', en: 'redirects whoever asks for the token' },
  'token-garbage': { ko: '토큰 대신 HTML을 줍니다', en: 'answers HTML for the token' },
  'token-huge': { ko: '토큰 답이 1 MiB를 넘습니다', en: 'answers more than a MiB for the token' },
  'wrong-nonce': { ko: 'ID 토큰의 nonce가 다릅니다', en: 'puts another nonce into the ID token' },
  'wrong-audience': { ko: '다른 앱의 ID 토큰을 줍니다', en: 'gives the ID token of another client' },
  'wrong-issuer': { ko: '다른 발급자의 ID 토큰을 줍니다', en: 'gives the ID token of another issuer' },
  'expired-token': { ko: '만료된 ID 토큰을 줍니다', en: 'gives an ID token that has expired' },
  'unsigned-token': { ko: '서명 없는 ID 토큰을 줍니다(alg none)', en: 'gives an unsigned ID token (alg none)' },
  'hmac-token': { ko: '공개 키로 HMAC한 ID 토큰을 줍니다', en: 'gives an ID token by HMAC with the public key' },
  'unknown-key': { ko: '알려지지 않은 키로 서명합니다', en: 'signs with a key that it does not publish' },
  'forged-key': {
    ko: '공개한 키의 이름으로 다른 키로 서명합니다',
    en: 'signs with another key under a published name',
  },
  'no-id-token': { ko: 'ID 토큰을 주지 않습니다', en: 'gives no ID token' },
  'rotated-key': { ko: '서명 키를 바꿉니다(오류가 아닙니다)', en: 'changes its signing key (no fault of its own)' },
  'other-profile': { ko: '다른 사람의 프로필을 줍니다', en: 'answers the profile of somebody else' },
  'profile-refused': { ko: '프로필을 주지 않습니다(-401, 024)', en: 'refuses the profile (−401, 024)' },
  'profile-refused-ok': { ko: '프로필을 HTTP 200으로 거절합니다', en: 'refuses the profile with HTTP 200' },
} as const

export type Fault = keyof typeof faults

/** The fault of a name; null for every other text. */
export function toFault(name: string | null): Fault | null {
  return name !== null && Object.hasOwn(faults, name) ? (name as Fault) : null
}
