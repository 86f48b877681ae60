import type { Format } from '#platform/http-validation'
import { toKeptText } from '#platform/text'

/** What two nicknames have in common that people take for one: case, width and what is not seen make no difference. */
export function toNicknameKey(nickname: string): string {
  return nickname.normalize('NFKC').toLowerCase().replaceAll(unseen, '')
}

// The Braille pattern without dots is drawn as nothing, though it counts as a symbol.
const unseen = /[\s\p{Z}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+/gu
const charactersMin = 2
const charactersMax = 20

/** A nickname has 2 to 20 characters as people count them: a syllable or an emoji is one, however it is encoded. */
export const nicknameFormat: Format = {
  validate(text) {
    const characters = [...segmenter.segment(toKeptText(text))].length
    return charactersMin <= characters && characters <= charactersMax
  },
  text: {
    ko: `${charactersMin}자 이상 ${charactersMax}자 이하여야 합니다.`,
    en: `Must have ${charactersMin} to ${charactersMax} characters.`,
  },
}

/**
 * Whether a nickname is written in one of the scripts in use, or in those that Korean, Japanese and Chinese mix with
 * Latin, so that no letter passes for one that looks the same elsewhere; digits and signs belong to all. The profile
 * "highly restrictive" of UTS #39, https://www.unicode.org/reports/tr39/#Restriction_Level_Detection, with the
 * recommended scripts of UAX #31, table 5.
 */
export function isOfOneScript(nickname: string): boolean {
  return writings.some((letters) => letters.test(nickname))
}

const togetherWithLatin = ['Han Hangul', 'Han Hiragana Katakana', 'Han Bopomofo'].map((scripts) => `Latin ${scripts}`)
const alone =
  'Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao ' +
  'Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan'
const writings = [...togetherWithLatin, ...alone.split(' ')].map((scripts) => {
  const classes = `Common Inherited ${scripts}`.split(' ').map((script) => `\\p{Script_Extensions=${script}}`)
  return new RegExp(`^[${classes.join('')}]*$`, 'u')
})

const segmenter = new Intl.Segmenter('ko', { granularity: 'grapheme' })
