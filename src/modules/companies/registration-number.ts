import type { Format } from '#platform/http-validation'

/** Ten digits with hyphens or without, and a check digit that fits. */
export const registrationNumberFormat: Format = {
  validate: (text) => toDigits(text) !== null,
  text: {
    ko: '검증 번호가 맞는 사업자등록번호 열 자리여야 합니다. 예: 123-45-67891',
    en: 'Must be a Korean business registration number of ten digits with a valid check digit, like 123-45-67891.',
  },
}

/** The ten digits of a business registration number, or null when it is none. */
export function toDigits(text: string): string | null {
  if (!/^\d{3}-?\d{2}-?\d{5}$/.test(text)) return null
  const digits = text.replaceAll('-', '')
  return hasValidCheckDigit(digits) ? digits : null
}

/** As people write it: 123-45-67891. */
export function toHyphenated(digits: string): string {
  return `${digits.slice(0, 3)}-${digits.slice(3, 5)}-${digits.slice(5)}`
}

// The National Tax Service's check: the first nine digits weighted, and the tens of the ninth product besides.
const weights = [1, 3, 7, 1, 3, 7, 1, 3, 5]

function hasValidCheckDigit(digits: string): boolean {
  // Zeros alone would fit the sum, and are nobody's number.
  if (digits === '0000000000') return false
  const numbers = Array.from(digits, Number)
  const sum = weights.reduce((total, weight, at) => total + weight * numbers[at]!, 0)
  return (10 - ((sum + Math.floor((numbers[8]! * 5) / 10)) % 10)) % 10 === numbers[9]
}
