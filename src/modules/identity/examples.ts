import { toPublicId } from '#platform/ids'

const uuid = '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0'
const createdAt = '2026-11-20T09:00:00.000Z'
const password = '보라색 포도 다섯 송이'

const member = {
  id: toPublicId('mem', `${uuid}6`),
  nickname: '포도송이',
  email: 'grape@example.com',
  emailConfirmedAt: null,
  birthOn: '2001-05-05',
  bio: null,
  role: 'USER',
  wallet: { id: toPublicId('wlt', `${uuid}6`) },
  createdAt,
}

const tokens = {
  accessToken: 'eyJhbGciOiJFZERTQSIsInR5cCI6…',
  refreshToken: 'podo_rt_…',
  csrfToken: null,
  expiresIn: 900,
}

/** What the API page shows of accounts. */
export const accountExamples = {
  signUp: {
    body: { email: member.email, password, nickname: member.nickname, birthOn: member.birthOn },
    answer: { member, ...tokens },
  },
  changePassword: { body: { currentPassword: password, newPassword: '초록 잎사귀 아래 그늘' } },
}

/** What the API page shows of profiles. */
export const profileExamples = {
  getMe: { answer: member },
  changeMe: { body: { bio: '커피와 챌린지를 좋아해요.' }, answer: { ...member, bio: '커피와 챌린지를 좋아해요.' } },
}

/** What the API page shows of who administers the programme. */
export const roleExamples = {
  changeMemberRole: { body: { role: 'ADMIN' }, answer: { id: member.id, role: 'ADMIN' } },
}

/** What the API page shows of links that go by mail. */
export const linkExamples = {
  requestReset: { body: { email: member.email } },
  requestConfirmation: { body: { email: member.email } },
  changeEmail: { body: { email: 'vine@example.com', currentPassword: password } },
  resetPassword: { body: { newPassword: '초록 잎사귀 아래 그늘' } },
}

/** What the API page shows of sessions. */
export const sessionExamples = {
  signIn: { body: { email: member.email, password }, answer: tokens },
  refresh: { body: { refreshToken: 'podo_rt_…' }, answer: tokens },
  listSessions: {
    answer: {
      items: [
        {
          id: toPublicId('ses', `${uuid}7`),
          method: 'password',
          device: 'Mozilla/5.0 (iPhone; …)',
          address: '203.0.113.7',
          isCurrent: true,
          createdAt,
          refreshedAt: createdAt,
          expiresAt: '2026-12-20T09:00:00.000Z',
        },
      ],
      nextCursor: null,
    },
  },
  keySet: {
    answer: {
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
          kid: `${uuid}8`,
          alg: 'EdDSA',
          use: 'sig',
        },
      ],
    },
  },
}

const authorizeUrls = {
  kakao: 'https://kauth.kakao.com/oauth/authorize?…',
  naver: 'https://nid.naver.com/oauth2.0/authorize?…',
  google: 'https://accounts.google.com/o/oauth2/v2/auth?…',
}
const returned = { code: 'SplxlOBeZQQYbYS6WxSbIA', state: 'mYwQ0gJrXh3kq8Zc…' }
const identity = { provider: 'kakao', linkedAt: createdAt }
const socialSignIn = (url: string) => ({
  begin: { answer: { url, expiresAt: '2026-11-20T09:10:00.000Z' } },
  signIn: { body: returned, answer: tokens },
})

/** What the API page shows of signing in through providers. */
export const socialExamples = {
  kakao: socialSignIn(authorizeUrls.kakao),
  naver: socialSignIn(authorizeUrls.naver),
  google: socialSignIn(authorizeUrls.google),
  link: { body: { ...returned, currentPassword: password }, answer: identity },
  unlink: { body: { currentPassword: password } },
  list: { answer: { items: [identity], nextCursor: null } },
  get: { answer: identity },
}
