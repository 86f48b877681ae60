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

/** Words of this place: what whoever guesses tries first. */
const wordsHere = ['podo', '포도', 'points', 'point', '포인트', 'wallet', '지갑', 'password', '비밀번호']

/**
 * What there is against a password: that everybody's list of common ones has it, or that it is made of the words of
 * this place or of the person's own data. Null when there is nothing. Length is the schema's affair, and nothing is
 * asked of its composition.
 */
export async function findWeakness(password: string, person: OwnData): Promise<Text | null> {
  const plain = toPlain(password)
  if (isMadeOf(plain, wordsOf(person))) return texts.ownData
  if (new Set(password.toLowerCase()).size <= 2 || isRun(plain) || isMadeOf(plain, wordsHere)) return texts.common
  return isCommon(plain, await commonPasswords()) ? texts.common : null
}

function wordsOf({ email, nickname, birthOn }: OwnData): string[] {
  const [local = '', domain = ''] = (email ?? '').split('@')
  return [local, domain.split('.')[0]!, nickname, birthOn ?? '', (birthOn ?? '').slice(2)]
    .map(toPlain)
    .filter((part) => part.length >= 3)
}

/** Whether what is left without these words would be no password by itself, not even a short one. */
function isMadeOf(plain: string, words: readonly string[]): boolean {
  const rest = words.toSorted((a, b) => b.length - a.length).reduce((text, word) => text.replaceAll(word, ''), plain)
  return rest !== plain && rest.length < restLengthMin
}

const restLengthMin = 6

/** A year or a few digits around a common password are what everybody adds. */
function isCommon(plain: string, common: ReadonlySet<string>): boolean {
  const core = plain.replace(/^\d+|\d+$/g, '')
  return common.has(plain) || (plain.length - core.length < restLengthMin && common.has(core))
}

/** Characters that follow each other, up or down: 1234567890, zyxwvutsrq. */
function isRun(plain: string): boolean {
  if (plain.length < runLengthMin) return false
  const steps = [...plain].slice(1).map((letter, at) => letter.codePointAt(0)! - plain.codePointAt(at)!)
  return steps.every((step) => Math.abs(step) === 1 || step === -9) && new Set(steps).size <= 2
}

const runLengthMin = 6

let common: Promise<ReadonlySet<string>> | undefined

/** Loaded when somebody first chooses a password; only those long enough to be chosen, with digits around them, are kept. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => {
    const words = dictionary['passwords-common'] as readonly string[]
    return new Set(words.map(toPlain).filter((word) => word.length > passwordLengthMin - restLengthMin))
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
