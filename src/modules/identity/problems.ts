import { defineProblems } from '#platform/problem'

/** How identity refuses. */
export const identityProblems = defineProblems('identity', {
  memberUnknown: {
    status: 404,
    title: { ko: '회원을 찾을 수 없습니다', en: 'No such member' },
    detail: { ko: '회원 ID를 확인해 주십시오.', en: 'Check the id of the member.' },
  },
  externalIdTaken: {
    status: 409,
    title: { ko: '이미 사용 중인 외부 ID입니다', en: 'The external id is taken' },
    detail: {
      ko: '이 회사에 같은 externalId를 가진 회원이 이미 있습니다. 다른 값을 보내 주십시오.',
      en: 'The company has a member with this externalId already. Send another.',
    },
  },
  apiKeyUnknown: {
    status: 404,
    title: { ko: 'API 키를 찾을 수 없습니다', en: 'No such API key' },
    detail: { ko: '키 ID를 확인해 주십시오.', en: 'Check the id of the key.' },
  },
  apiKeyEnded: {
    status: 409,
    title: { ko: '이미 끝났거나 교체된 키입니다', en: 'The key has ended or was rotated' },
    detail: {
      ko: '유효한 키만 교체할 수 있습니다. 목록에서 교체된 키를 찾거나 새 키를 만들어 주십시오.',
      en: 'Only a key that is valid can be rotated. Look for its successor in the list, or make a new key.',
    },
  },
  keyExpiresInPast: {
    status: 400,
    title: { ko: '만료 시각이 이미 지났습니다', en: 'The expiry has passed already' },
    detail: { ko: '앞으로 올 시각을 expiresAt으로 보내 주십시오.', en: 'Send an expiresAt that is still to come.' },
  },
  addressTaken: {
    status: 409,
    title: { ko: '이 이메일은 쓸 수 없습니다', en: 'This address cannot be used' },
    detail: {
      ko: '본인의 이메일이라면 그 계정으로 로그인하거나 비밀번호를 재설정해 주십시오. 아니라면 다른 이메일을 보내 주십시오.',
      en: 'If it is yours, sign in or ask for a new password. Otherwise send another address.',
    },
  },
  nicknameTaken: {
    status: 409,
    title: { ko: '이미 사용 중인 별명입니다', en: 'The nickname is taken' },
    detail: { ko: '다른 별명을 보내 주십시오.', en: 'Send another nickname.' },
  },
  credentialsWrong: {
    status: 401,
    title: { ko: '이메일이나 비밀번호가 맞지 않습니다', en: 'The address or the password is wrong' },
    detail: {
      ko: '둘 다 확인하고 다시 시도하거나, 비밀번호를 재설정해 주십시오.',
      en: 'Check both and try again, or ask for a new password.',
    },
  },
  passwordWrong: {
    status: 403,
    title: { ko: '현재 비밀번호가 맞지 않습니다', en: 'The current password is wrong' },
    detail: {
      ko: 'currentPassword를 확인하고 다시 보내 주십시오. 비밀번호를 정한 적이 없다면 비밀번호 재설정으로 정할 수 있습니다.',
      en: 'Check currentPassword and send it again. Whoever never chose a password does so by a password reset.',
    },
  },
  sessionTooOld: {
    status: 403,
    title: { ko: '로그인한 지 오래되었습니다', en: 'The sign-in was too long ago' },
    detail: {
      ko: '비밀번호가 없는 계정은 로그인한 지 10분 안에만 할 수 있습니다. 다시 로그인한 뒤 보내 주십시오.',
      en: 'Without a password this is done within ten minutes of signing in. Sign in again, then send it again.',
    },
  },
  refreshRefused: {
    status: 401,
    title: { ko: '다시 로그인해야 합니다', en: 'Sign in again' },
    detail: {
      ko: '갱신 토큰이 이미 쓰였거나 끝났습니다. 로그인하여 새 토큰을 받아 주십시오.',
      en: 'The refresh token was used before, or has ended. Sign in for a new one.',
    },
  },
  csrfRefused: {
    status: 403,
    title: { ko: '이 페이지에서 보낸 요청인지 확인할 수 없습니다', en: 'The CSRF token is missing or wrong' },
    detail: {
      ko: '쿠키로 보내는 요청에는 podo_csrf 쿠키의 값을 X-CSRF-Token 헤더에 넣어 주십시오.',
      en: 'With cookies, send the value of the cookie podo_csrf in the header X-CSRF-Token.',
    },
  },
  sessionUnknown: {
    status: 404,
    title: { ko: '세션을 찾을 수 없습니다', en: 'No such session' },
    detail: {
      ko: '세션 ID를 확인해 주십시오. 이미 끝났을 수 있습니다.',
      en: 'Check the id. It may have ended already.',
    },
  },
  lastAdmin: {
    status: 409,
    title: { ko: '마지막 관리자입니다', en: 'The last administrator' },
    detail: {
      ko: '관리자가 한 명은 남아 있어야 합니다. 먼저 다른 사람을 관리자로 지정해 주십시오.',
      en: 'One administrator has to remain. Make somebody else one first.',
    },
  },
  linkUnusable: {
    status: 404,
    title: { ko: '쓸 수 없는 링크입니다', en: 'The link cannot be used' },
    detail: {
      ko: '링크가 틀렸거나, 이미 쓰였거나, 기한이 지났습니다. 새 링크를 요청해 주십시오.',
      en: 'It is wrong, was used before, or its time is over. Ask for a new one.',
    },
  },
  paidPointsRemain: {
    status: 409,
    title: { ko: '유상 포인트가 남아 있습니다', en: 'Paid points are left' },
    detail: {
      ko: '유상 {paid}포인트가 남아 있습니다. 먼저 환불받거나, giveUpPaidPoints를 true로 보내 포기한다고 밝혀 주십시오.',
      en: '{paid} paid points are left. Have them refunded first, or give them up by sending giveUpPaidPoints: true.',
    },
  },
  holdsPending: {
    status: 409,
    title: { ko: '홀드된 포인트가 있습니다', en: 'Points are on hold' },
    detail: {
      ko: '{held}포인트가 홀드되어 있습니다. 홀드가 끝난 뒤에 다시 시도해 주십시오.',
      en: '{held} points are on hold. Try again once the holds have ended.',
    },
  },
})
