import { defineProblems } from '#platform/problem'

/** How signing in through providers is refused. */
export const socialProblems = defineProblems('identity', {
  providerOff: {
    status: 404,
    title: { ko: '이 소셜 로그인은 사용할 수 없습니다', en: 'Signing in through this provider is not available' },
    detail: {
      ko: '다른 방법으로 로그인해 주십시오.',
      en: 'Sign in in another way.',
    },
  },
  stateRefused: {
    status: 403,
    title: { ko: '여기에서 시작한 로그인인지 확인할 수 없습니다', en: 'This sign-in was not begun here, or has ended' },
    detail: {
      ko: '같은 브라우저나 앱에서 10분 안에 한 번만 마칠 수 있습니다. 처음부터 다시 로그인해 주십시오.',
      en: 'It is finished once, within ten minutes, in the browser or app that began it. Begin again.',
    },
  },
  providerRefused: {
    status: 403,
    title: { ko: '소셜 계정을 확인하지 못했습니다', en: 'The provider did not say who you are' },
    detail: {
      ko: '코드가 이미 쓰였거나 끝났거나, 받은 답이 맞지 않습니다. 처음부터 다시 로그인해 주십시오.',
      en: 'The code was used or has ended, or what came back does not fit. Begin again.',
    },
  },
  providerAway: {
    status: 503,
    title: { ko: '소셜 로그인 서비스가 응답하지 않습니다', en: 'The provider does not answer' },
    detail: {
      ko: '아무것도 바뀌지 않았습니다. 잠시 뒤 처음부터 다시 로그인하거나 다른 방법으로 로그인해 주십시오.',
      en: 'Nothing was changed. Begin again in a moment, or sign in in another way.',
    },
  },
  linkNeeded: {
    status: 409,
    title: { ko: '이 이메일로 가입한 계정이 있습니다', en: 'The address has an account already' },
    detail: {
      ko: '전에 쓰던 방법으로 로그인한 다음 이 소셜 계정을 연결해 주십시오. 로그인할 방법을 모르면 그 이메일로 비밀번호 재설정을 요청해 주십시오.',
      en: 'Sign in as you did before, then link this provider. Where you cannot, ask for a new password by that address.',
    },
  },
  identityTaken: {
    status: 409,
    title: { ko: '다른 회원에게 연결된 소셜 계정입니다', en: 'This account of the provider belongs to another member' },
    detail: {
      ko: '그 회원으로 로그인하여 연결을 끊거나, 다른 소셜 계정을 연결해 주십시오.',
      en: 'Sign in as that member and remove the link, or link another account.',
    },
  },
  identityLinked: {
    status: 409,
    title: { ko: '이미 다른 계정이 연결되어 있습니다', en: 'Another account of this provider is linked' },
    detail: { ko: '먼저 그 연결을 끊어 주십시오.', en: 'Remove that link first.' },
  },
  identityUnknown: {
    status: 404,
    title: { ko: '연결된 소셜 계정이 없습니다', en: 'No such link' },
    detail: { ko: '연결된 목록을 확인해 주십시오.', en: 'Look at the list of what is linked.' },
  },
  lastSignIn: {
    status: 409,
    title: { ko: '하나 남은 로그인 방법입니다', en: 'It is the last way of signing in' },
    detail: {
      ko: '비밀번호를 정하거나 다른 소셜 계정을 연결한 다음 끊어 주십시오.',
      en: 'Set a password or link another provider before you remove it.',
    },
  },
})
