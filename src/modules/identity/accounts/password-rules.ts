import type { Text } from '#platform/problem'

/** Longer than a sentence; a bound keeps hashing from being given megabytes. */
export const passwordLengthMax = 256
export const passwordLengthMin = 10

/** A person's own data, none of which a password may be made of. */
export interface OwnData {
  readonly email: string | null
  readonly nickname: string
  readonly birthOn: string | null
}

/**
 * What there is against a password: that everybody's list of common ones has it, or that it is made of the person's own
 * data. Null when there is nothing. Length is the schema's affair, and nothing is asked of its composition.
 */
export async function findWeakness(password: string, person: OwnData): Promise<Text | null> {
  const plain = toPlain(password)
  if (isMadeOf(plain, person)) return texts.ownData
  if (new Set(password.toLowerCase()).size <= 2 || isRun(plain)) return texts.common
  return (await commonPasswords()).has(plain) ? texts.common : null
}

function isMadeOf(plain: string, { email, nickname, birthOn }: OwnData): boolean {
  const [local = '', domain = ''] = (email ?? '').split('@')
  const own = [local, domain.split('.')[0]!, nickname, birthOn ?? '', (birthOn ?? '').slice(2)]
    .map(toPlain)
    .filter((part) => part.length >= 3)
  // What is left without one's own data has to be a password by itself, if a short one.
  const rest = own.toSorted((a, b) => b.length - a.length).reduce((text, part) => text.replaceAll(part, ''), plain)
  return rest !== plain && rest.length < 6
}

/** Characters that follow each other, up or down: 1234567890, zyxwvutsrq. */
function isRun(plain: string): boolean {
  if (plain.length < runLengthMin) return false
  const steps = [...plain].slice(1).map((letter, at) => letter.codePointAt(0)! - plain.codePointAt(at)!)
  return steps.every((step) => Math.abs(step) === 1 || step === -9) && new Set(steps).size <= 2
}

const runLengthMin = 6

let common: Promise<ReadonlySet<string>> | undefined

/** Loaded when somebody first chooses a password; only those long enough to be chosen are kept. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => {
    const words = dictionary['passwords-common'] as readonly string[]
    return new Set(words.map(toPlain).filter((word) => word.length >= passwordLengthMin - 4))
  })
  return common
}

/** As people vary a word: case and what is not a letter or a digit count for nothing. */
function toPlain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
}

const texts = {
  common: {
    ko: '너무 흔한 비밀번호입니다. 남이 짐작하지 못할 다른 것을 정해 주십시오.',
    en: 'This password is too common. Choose one that nobody would guess.',
  },
  ownData: {
    ko: '이메일, 별명, 생일로 만든 비밀번호는 쓸 수 없습니다.',
    en: 'A password must not be made of your e-mail address, nickname or birthday.',
  },
} satisfies Record<string, Text>
