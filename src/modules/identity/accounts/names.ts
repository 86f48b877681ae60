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

const segmenter = new Intl.Segmenter('ko', { granularity: 'grapheme' })
