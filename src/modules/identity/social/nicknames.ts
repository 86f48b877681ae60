import { randomInt } from 'node:crypto'
import { toKeptText } from '#platform/text'
import { isOfOneScript, nicknameFormat } from '../accounts/names.ts'

const charactersMax = 20
/** What the table holds of one: an emoji may be made of many. */
const unitsMax = 50
const fallback = '회원'

/**
 * Nicknames for somebody whom a provider calls so, the best first: as it is where it fits, then with a number. Whatever
 * cannot be shown is left out, and what is too long is cut.
 */
export function proposeNicknames(given: string | null, count: number): string[] {
  const shown = toKeptText(
    (given ?? '').replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) => (letter === '\u200d' ? letter : ' ')),
  )
  const own = cut(shown.replaceAll(/\s+/gu, ' '), charactersMax)
  const isOwn = nicknameFormat.validate(own) && isOfOneScript(own) && /[\p{L}\p{N}\p{S}]/u.test(own)
  const base = isOwn ? cut(own, charactersMax - 7) : fallback
  const numbered = Array.from({ length: count - 1 }, (_, at) => `${base} ${randomInt(at < 4 ? 10_000 : 1_000_000)}`)
  return isOwn ? [own, ...numbered] : numbered
}

function cut(text: string, charactersMax: number): string {
  let kept = ''
  let characters = 0
  for (const { segment } of segmenter.segment(text)) {
    characters += 1
    if (characters > charactersMax || kept.length + segment.length > unitsMax - 7) break
    kept += segment
  }
  return kept.trim()
}

const segmenter = new Intl.Segmenter('ko', { granularity: 'grapheme' })
