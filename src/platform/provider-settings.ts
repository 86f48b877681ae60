import Type, { type TSchema } from 'typebox'
import { isCallable } from './outgoing.ts'
import type { Setting } from './settings.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const visibleText = nullable(Type.String({ pattern: '^[\\x21-\\x7e]{1,1024}$' }))
const callable = nullable(Type.Refine(Type.String(), isCallable, () => 'must be an address'))
const callableExpects = {
  ko: 'https://로 시작하는 주소(이 컴퓨터에서는 http://도 가능), 끝에 / 없이',
  en: 'an address that begins with https:// (or http:// on this machine), without a slash at its end',
}

/** Whose accounts let people in beside our own: the settings of each provider of sign-in. */
export const providerSettings = {
  kakaoClientId: {
    name: 'PODO_KAKAO_CLIENT_ID',
    schema: visibleText,
    default: null,
    expects: { ko: '카카오에 등록한 앱의 ID', en: 'the id of the app that is registered at Kakao' },
    description: 'The REST API key of Kakao. Without it the demo profile has a stand-in, and production no Kakao.',
  },
  kakaoClientSecret: {
    name: 'PODO_KAKAO_CLIENT_SECRET',
    schema: visibleText,
    default: null,
    expects: { ko: '카카오에 등록한 앱의 비밀 값', en: 'the client secret of that app' },
    description: 'The client secret of Kakao.',
    secret: true,
  },
  kakaoUrl: {
    name: 'PODO_KAKAO_URL',
    schema: callable,
    default: null,
    expects: callableExpects,
    description: 'Where Kakao is, if not at https://kauth.kakao.com.',
  },
  naverClientId: {
    name: 'PODO_NAVER_CLIENT_ID',
    schema: visibleText,
    default: null,
    expects: { ko: '네이버에 등록한 앱의 ID', en: 'the id of the app that is registered at Naver' },
    description: 'The client ID of Naver. Without it the demo profile has a stand-in, and production no Naver.',
  },
  naverClientSecret: {
    name: 'PODO_NAVER_CLIENT_SECRET',
    schema: visibleText,
    default: null,
    expects: { ko: '네이버에 등록한 앱의 비밀 값', en: 'the client secret of that app' },
    description: 'The client secret of Naver.',
    secret: true,
  },
  naverUrl: {
    name: 'PODO_NAVER_URL',
    schema: callable,
    default: null,
    expects: callableExpects,
    description: 'Where Naver is, if not at https://nid.naver.com.',
  },
  googleClientId: {
    name: 'PODO_GOOGLE_CLIENT_ID',
    schema: visibleText,
    default: null,
    expects: { ko: '구글에 등록한 앱의 ID', en: 'the id of the app that is registered at Google' },
    description: 'The client ID of Google. Without it the demo profile has a stand-in, and production no Google.',
  },
  googleClientSecret: {
    name: 'PODO_GOOGLE_CLIENT_SECRET',
    schema: visibleText,
    default: null,
    expects: { ko: '구글에 등록한 앱의 비밀 값', en: 'the client secret of that app' },
    description: 'The client secret of Google.',
    secret: true,
  },
  googleUrl: {
    name: 'PODO_GOOGLE_URL',
    schema: callable,
    default: null,
    expects: callableExpects,
    description: 'Where Google is, if not at https://accounts.google.com.',
  },
  providerTimeoutMs: {
    name: 'PODO_PROVIDER_TIMEOUT_MS',
    schema: Type.Integer({ minimum: 100, maximum: 9_000 }),
    default: 8_000,
    expects: { ko: '100부터 9000까지의 밀리초', en: 'milliseconds from 100 to 9000' },
    description: 'How long a provider of social sign-in may take, all calls of one sign-in together.',
  },
} as const satisfies Record<string, Setting>
