import type { Text } from '#platform/problem'

/** What `podo admin` asks and says. */
export const adminTexts = {
  email: {
    question: { ko: '이메일(로그인할 때 씁니다):', en: 'E-mail (to sign in with):' },
    missing: {
      ko: '이메일이 없습니다. --email로 알려 주십시오.',
      en: 'There is no e-mail address. Give one as --email.',
    },
  },
  nickname: {
    question: { ko: '별명(2자 이상 20자 이하):', en: 'Nickname (2 to 20 characters):' },
    missing: {
      ko: '별명이 없습니다. --nickname으로 알려 주십시오.',
      en: 'There is no nickname. Give one as --nickname.',
    },
  },
  password: {
    question: {
      ko: '비밀번호(10자 이상, 흔하거나 이메일·별명으로 만든 것은 불가):',
      en: 'Password (10 characters or more, neither common nor made of the address or nickname):',
    },
    missing: {
      ko: '비밀번호를 물어볼 터미널이 없습니다. --password-stdin을 붙이고 비밀번호를 표준 입력으로 보내 주십시오.',
      en: 'There is no terminal to ask for the password. Add --password-stdin and send it to the standard input.',
    },
  },
  again: { ko: '비밀번호를 한 번 더:', en: 'The password again:' },
  differ: { ko: '두 비밀번호가 다릅니다. 다시 입력해 주십시오.', en: 'The two passwords differ. Type them again.' },
  nicknameTaken: {
    ko: '같거나 구별하기 어려운 별명을 쓰는 사람이 이미 있습니다. 다른 별명을 정해 주십시오.',
    en: 'Somebody has this one, or one that looks like it. Choose another.',
  },
  emptyPassword: {
    ko: '표준 입력에 비밀번호가 없습니다.',
    en: 'There is no password on the standard input.',
  },
  notConfirmed: {
    ko: '이미 계정이 있습니다. 이 계정을 관리자로 지정하려면 --yes를 붙여 다시 실행해 주십시오.',
    en: 'There is an account already. To make it an administrator, run this again with --yes.',
  },
  unchanged: { ko: '아무것도 바꾸지 않았습니다.', en: 'Nothing was changed.' },
  isAdmin: (nickname: string): Text => ({
    ko: `"${nickname}" 님은 이미 관리자입니다.`,
    en: `"${nickname}" is an administrator already.`,
  }),
  promote: (nickname: string): Text => ({
    ko: `이미 "${nickname}" 님의 계정입니다. 관리자로 지정하시겠습니까? 비밀번호는 그대로입니다. [y/N]`,
    en: `There is an account "${nickname}" already. Make it an administrator? Its password stays. [y/N]`,
  }),
  promoted: (nickname: string): Text => ({
    ko: `이제 "${nickname}" 님은 관리자입니다.`,
    en: `"${nickname}" is an administrator now.`,
  }),
  created: (nickname: string): Text => ({
    ko: `관리자 "${nickname}" 님의 계정을 만들었습니다. 이메일과 비밀번호로 로그인하실 수 있습니다.`,
    en: `The administrator "${nickname}" was made, and can sign in with the address and the password.`,
  }),
  field: (name: string): Text => ({
    ko: { email: '이메일', nickname: '별명', password: '비밀번호' }[name] ?? name,
    en: { email: 'E-mail', nickname: 'Nickname', password: 'Password' }[name] ?? name,
  }),
}
