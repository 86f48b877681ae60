import { randomInt } from 'node:crypto'
import type { Language } from '#platform/problem'

const words = {
  ko: {
    first: [
      '푸른',
      '맑은',
      '고운',
      '느린',
      '한빛',
      '새벽',
      '노을',
      '바람',
      '달빛',
      '햇살',
      '구름',
      '들꽃',
      '온새',
      '가람',
    ],
    middle: ['포도', '자두', '매실', '살구', '호두', '참외', '유자', '모과', '산딸기', '다래'],
    last: ['커피', '서점', '빵집', '분식', '꽃집', '목공소', '화방', '식물원', '자전거', '상회'],
    nicknames: [
      '참새',
      '너구리',
      '고래',
      '다람쥐',
      '수달',
      '올빼미',
      '고슴도치',
      '두루미',
      '여우',
      '물범',
      '사슴',
      '거북',
    ],
  },
  en: {
    first: [
      'Blue',
      'Quiet',
      'Golden',
      'Silver',
      'Little',
      'Bright',
      'Early',
      'Green',
      'Misty',
      'Sunny',
      'Windy',
      'Red',
    ],
    middle: ['Grape', 'Plum', 'Apricot', 'Walnut', 'Quince', 'Melon', 'Cherry', 'Hazel', 'Berry', 'Fig'],
    last: ['Coffee', 'Books', 'Bakery', 'Kitchen', 'Flowers', 'Bikes', 'Garden', 'Studio', 'Market', 'Tea'],
    nicknames: ['Sparrow', 'Raccoon', 'Whale', 'Squirrel', 'Otter', 'Owl', 'Hedgehog', 'Crane', 'Fox', 'Seal', 'Deer'],
  },
}

/** Names of companies that differ from each other. */
export function makeCompanyNames(count: number, language: Language): string[] {
  const { first, middle, last } = words[language]
  const names = new Set<string>()
  while (names.size < count) {
    const [one, two, three] = [pick(first), pick(middle), pick(last)]
    names.add(language === 'ko' ? `${one}${two} ${three}` : `${one} ${two} ${three}`)
  }
  return [...names]
}

/** A nickname that somebody may have already. */
export function makeNickname(language: Language): string {
  const { first, nicknames } = words[language]
  return `${pick(first)} ${pick(nicknames)}`
}

/** Ten random digits that pass the check of the National Tax Service. */
export function makeRegistrationNumber(): string {
  const digits = Array.from({ length: 9 }, (_, at) => (at === 0 ? randomInt(1, 10) : randomInt(10)))
  const weights = [1, 3, 7, 1, 3, 7, 1, 3, 5]
  const sum = digits.reduce((total, digit, at) => total + digit * weights[at]!, Math.floor((digits[8]! * 5) / 10))
  return [...digits, (10 - (sum % 10)) % 10].join('')
}

/** One of them at random. */
export function pick<Item>(items: readonly Item[]): Item {
  return items[randomInt(items.length)]!
}

/** A random amount of whole hundreds, both bounds included. */
export function hundreds(min: number, max: number): number {
  return randomInt(Math.ceil(min / 100), Math.floor(max / 100) + 1) * 100
}
