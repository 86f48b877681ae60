import { tellTime } from '#platform/clock'
import type { Mail } from '#platform/mail'
import type { Language } from '#platform/problem'
import type { ProviderName } from '../social/provider.ts'

/**
 * What is told by mail: `link` is where the reader goes, and lets in whoever has it until `at`; without one, `at` is
 * when it happened.
 */
export type Notice = { readonly at: Date } & Content

type Content =
  | { readonly kind: 'confirmation' | 'password-reset' | 'email-change'; readonly link: string }
  | { readonly kind: 'password-changed' | 'sign-up-attempt' | 'email-changed' }
  | { readonly kind: 'identity-linked' | 'identity-unlinked'; readonly provider: ProviderName }

/** A notice in the reader's language, with times of the programme's zone. */
export function writeMail(notice: Notice, reader: { language: Language; timeZone: string }): Omit<Mail, 'to'> {
  const { language } = reader
  const { subject, text } = texts[notice.kind][language]
  const link = 'link' in notice ? notice.link : ''
  const provider = 'provider' in notice ? titles[notice.provider][language] : ''
  const at = tellTime(notice.at, reader)
  const fill = (template: string) =>
    template.replaceAll('{link}', link).replaceAll('{provider}', provider).replaceAll('{at}', at)
  return { subject: `[Podo] ${fill(subject)}`, text: fill(text) }
}

const titles: Readonly<Record<ProviderName, Record<Language, string>>> = {
  kakao: { ko: '카카오', en: 'Kakao' },
  naver: { ko: '네이버', en: 'Naver' },
  google: { ko: '구글', en: 'Google' },
}

const texts: Record<Notice['kind'], Record<Language, { subject: string; text: string }>> = {
  confirmation: {
    ko: {
      subject: '이메일 주소를 확인해 주십시오',
      text: `안녕하세요.

Podo에 가입해 주셔서 감사합니다. 아래 링크를 열어 이 주소가 본인의 것임을 확인해 주십시오.

{link}

링크는 {at}까지 한 번만 쓸 수 있습니다.
가입하지 않으셨다면 이 메일을 무시해 주십시오.
`,
    },
    en: {
      subject: 'Confirm your e-mail address',
      text: `Hello,

Thank you for signing up for Podo. Open this link to confirm that the address is yours:

{link}

It is good once, until {at}.
If you did not sign up, ignore this mail.
`,
    },
  },
  'password-reset': {
    ko: {
      subject: '새 비밀번호를 정해 주십시오',
      text: `안녕하세요.

비밀번호를 다시 정하겠다는 요청을 받았습니다. 아래 링크를 열어 새 비밀번호를 정해 주십시오.

{link}

링크는 {at}까지 한 번만 쓸 수 있습니다.
새 비밀번호를 정하면 로그인되어 있던 모든 기기에서 로그아웃됩니다.
요청하지 않으셨다면 이 메일을 무시해 주십시오. 비밀번호는 바뀌지 않습니다.
`,
    },
    en: {
      subject: 'Choose a new password',
      text: `Hello,

Somebody asked for a new password for your account. Open this link to choose one:

{link}

It is good once, until {at}.
A new password signs you out on every device.
If it was not you, ignore this mail: your password stays as it is.
`,
    },
  },
  'password-changed': {
    ko: {
      subject: '비밀번호가 바뀌었습니다',
      text: `안녕하세요.

{at}에 회원님의 비밀번호가 바뀌었고, 다른 기기에서는 로그아웃되었습니다.

직접 바꾸지 않으셨다면 로그인 화면에서 바로 비밀번호를 재설정해 주십시오.
`,
    },
    en: {
      subject: 'Your password was changed',
      text: `Hello,

The password of your account was changed on {at}, and other devices were signed out.

If it was not you, ask for a new password at once where you sign in.
`,
    },
  },
  'email-change': {
    ko: {
      subject: '새 이메일 주소를 확인해 주십시오',
      text: `안녕하세요.

Podo 계정의 이메일을 이 주소로 바꾸겠다는 요청을 받았습니다. 아래 링크를 열어 바꿔 주십시오.

{link}

링크는 {at}까지 한 번만, 요청한 곳에서 로그인되어 있는 동안 쓸 수 있습니다.
주소가 바뀌면 다른 기기에서는 로그아웃됩니다.
요청하지 않으셨다면 링크를 열지 마시고 이 메일을 무시해 주십시오.
`,
    },
    en: {
      subject: 'Confirm your new e-mail address',
      text: `Hello,

Somebody asked to make this the address of their Podo account. Open this link to do so:

{link}

It is good once, until {at}, while you stay signed in where you asked.
Other devices are signed out then.
If it was not you, do not open it, and ignore this mail.
`,
    },
  },
  'email-changed': {
    ko: {
      subject: '계정의 이메일 주소가 바뀌었습니다',
      text: `안녕하세요.

{at}에 회원님 계정의 이메일이 다른 주소로 바뀌었고, 다른 기기에서는 로그아웃되었습니다.
이 주소로는 이제 로그인할 수 없습니다.

직접 바꾸지 않으셨다면 바로 운영자에게 알려 주십시오.
`,
    },
    en: {
      subject: 'Your account has another address',
      text: `Hello,

The address of your account was changed to another on {at}, and other devices were signed out.
This one signs you in no more.

If it was not you, tell whoever runs this service at once.
`,
    },
  },
  'identity-linked': {
    ko: {
      subject: '{provider} 계정이 연결되었습니다',
      text: `안녕하세요.

{at}에 회원님의 계정에 {provider} 계정이 연결되었습니다. 이제 {provider}로도 로그인할 수 있습니다.

직접 연결하지 않으셨다면 로그인 화면에서 바로 비밀번호를 재설정해 주십시오. 그러면 연결된 계정과 모든 기기의 로그인이
함께 끊깁니다.
`,
    },
    en: {
      subject: '{provider} was linked to your account',
      text: `Hello,

An account at {provider} was linked to yours on {at}.
It lets you in from then on.

If it was not you, ask for a new password at once where you sign in: that removes every link, and signs out every
device.
`,
    },
  },
  'identity-unlinked': {
    ko: {
      subject: '{provider} 계정의 연결이 끊어졌습니다',
      text: `안녕하세요.

{at}에 회원님의 계정에서 {provider} 계정의 연결이 끊어졌습니다. 이제 {provider}로는 로그인할 수 없습니다.

직접 끊지 않으셨다면 로그인 화면에서 바로 비밀번호를 재설정해 주십시오. 그러면 모든 기기에서 로그아웃됩니다.
`,
    },
    en: {
      subject: '{provider} was removed from your account',
      text: `Hello,

The account at {provider} that was linked to yours was removed on {at}.
It lets you in no more.

If it was not you, ask for a new password at once where you sign in: that signs out every device.
`,
    },
  },
  'sign-up-attempt': {
    ko: {
      subject: '이 주소로 가입하려는 시도가 있었습니다',
      text: `안녕하세요.

{at}에 누군가 이 이메일 주소로 Podo에 새로 가입하려고 했습니다. 이미 계정이 있어 가입되지 않았습니다.

본인이라면 그대로 로그인하거나, 비밀번호가 생각나지 않으면 재설정해 주십시오. 아니라면 하실 일은 없습니다.
`,
    },
    en: {
      subject: 'Somebody tried to sign up with your address',
      text: `Hello,

Somebody tried to sign up for Podo with this address on {at}.
You have an account already, so nothing came of it.

If it was you, sign in, or ask for a new password if you do not remember yours. If it was not, there is nothing to do.
`,
    },
  },
}
